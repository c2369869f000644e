"""A connection looked at from both sides: what the doctor reported on the agent's host, and what the gateway recorded.

`DoctorReport` is what `holdfast doctor --json` prints. It is read strictly, and all of it is what a peer claims.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import msgspec

from holdfast.faults import Problem
from holdfast.model.agents import JsonValue
from holdfast.model.attempts import Attempt
from holdfast.model.events import Fact
from holdfast.model.findings import Basis

MAX_CHECKS = 300
Sentence = Annotated[str, msgspec.Meta(max_length=2000)]
Name = Annotated[str, msgspec.Meta(max_length=300)]


class Checked(StrEnum):
    """The result of one check of the doctor."""

    PASS = "PASS"  # noqa: S105  a result, not a password
    FAIL = "FAIL"
    WARN = "WARN"
    SKIP = "SKIP"


class DoctorCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the doctor's report. `took_ms` 0 stands for a check that was not timed."""

    name: Name
    title: Name
    status: Checked
    because: Sentence
    evidence: dict[Name, Fact] = {}
    problem: Problem | None = None
    took_ms: float = 0.0


class DoctorReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One examination. `started_at` is by the host's clock; `joined`, what an earlier join put there, is not read."""

    url: Sentence
    started_at: Name
    ok: bool
    broken: bool
    verdict: Problem | None
    attempt: Name | None
    checks: Annotated[tuple[DoctorCheck, ...], msgspec.Meta(max_length=MAX_CHECKS)]
    took_ms: float
    joined: JsonValue = None


class GatewayHalf(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway recorded. `attempt` is the connection that was named, None where none was or it is not there.

    `theirs` are the latest attempts of the host or address in question, `latest` those of anybody, both the newest
    first; `now` is Unix seconds on the gateway's clock.
    """

    attempt: Attempt | None
    theirs: tuple[Attempt, ...]
    latest: tuple[Attempt, ...]
    now: float


class Side(StrEnum):
    """Who named a cause."""

    AGENT = "agent"
    GATEWAY = "gateway"
    NEITHER = "neither"  # it follows only from both


class JoinedRival(msgspec.Struct, frozen=True, kw_only=True):
    """A cause that the verdict did not take, and the observation that would tell it from the one taken."""

    code: str
    title: str
    side: Side
    told_apart_by: str


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict over both sides.

    `verdict` is None where nothing is wrong on either. `attempt` is the gateway's half that was used: the one named,
    or the one found by time and address. `agrees` is False where the sides name different causes; then `rivals` holds
    those that the verdict did not take, each with what tells it apart. `notes` are sentences for people.
    """

    attempt: Attempt | None
    verdict: Problem | None
    confidence: float
    basis: Basis
    agrees: bool
    rivals: tuple[JoinedRival, ...] = ()
    notes: tuple[str, ...] = ()


Join = Callable[[DoctorReport, GatewayHalf], Joined]
