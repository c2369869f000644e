"""The documents of a joined verdict; read on hosts where only the agent is installed, too."""

from typing import Literal

import msgspec

from holdfast.api.bodies import AttemptBody
from holdfast.faults import Blame, Severity
from holdfast.model.events import Fact
from holdfast.model.findings import Basis
from holdfast.model.joined import JoinedRival


class VerdictBody(msgspec.Struct, frozen=True, kw_only=True):
    """The cause over both sides, and what the claim rests on."""

    code: str
    title: str
    severity: Severity | None
    blame: Blame | None
    confidence: float
    basis: Basis
    what: str
    why: str
    fix: str
    doc: str | None
    evidence: dict[str, Fact]


class AgentSideBody(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the doctor, reduced. `code` is set where something was wrong."""

    name: str
    title: str
    status: str
    because: str
    code: str | None


class GatewaySideBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway recorded. `found_by` says how the attempt was found: `id`, `time`, or not at all."""

    found_by: Literal["id", "time", "nothing"]
    attempt: AttemptBody | None


class JoinedBody(msgspec.Struct, frozen=True, kw_only=True):
    """Both halves and their verdict, null where nothing is wrong on either side.

    `agrees` is false where the sides name different causes: `rivals` then holds the other candidates.
    """

    attempt: str | None
    verdict: VerdictBody | None
    agrees: bool
    rivals: list[JoinedRival]
    notes: list[str]
    agent_side: list[AgentSideBody]
    gateway_side: GatewaySideBody
