"""What diagnosis found: a cause with its evidence, for whom it holds, and whether it still does."""

from enum import StrEnum
from typing import Final

import msgspec

from holdfast.faults import Blame, Severity
from holdfast.model.events import Fact

MAX_LISTED: Final = 200
"""How many agents a finding names; `agents_count` counts all."""

Evidence = dict[str, Fact]
"""One fact: the sentence under `fact`, and beside it the numbers that the sentence rests on."""


class Basis(StrEnum):
    """What a claim rests on, the firmest first."""

    PROOF = "proof"  # a parser's position, a cryptographic match, an errno: there is no other reading
    MEASURED = "measured"  # numbers beyond a threshold
    INFERRED = "inferred"  # a pattern over history
    ASSUMED = "assumed"  # the likeliest of several readings, and the others are named


class Rival(msgspec.Struct, frozen=True, kw_only=True):
    """Another code that looks alike. `excluded_because` is None where nothing excludes it yet."""

    code: str
    excluded_because: str | None = None


class FindingSubject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom a finding is about. Only `agent_uid` was proved by a signature; all else is what a peer claimed.

    `gateway` is set where it is Holdfast itself; `peer` is an address without port.
    """

    agent_uid: str | None = None
    org_id: str | None = None
    host_id: str | None = None
    key_id: str | None = None
    peer: str | None = None
    attempt: str | None = None
    instance: str | None = None
    gateway: bool = False


class Affected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of several whom the same cause hit."""

    agent_uid: str | None = None
    host_id: str | None = None
    peer: str | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator did to a finding, when and why. `until` ends a mute (Unix seconds); None is for good."""

    at: float
    by: str
    reason: str = ""
    until: float | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One cause for one subject, or for many who share it. Times are Unix seconds.

    Counted by code, subject and step: a loop of 613 is one finding with `count` 613. `resolved_at` is set when the
    subject passes the step, or when it has not happened again for long enough (`resolved_because` says which).
    `parent` is the code of the cause beneath a symptom, `children` the codes of the symptoms above this cause.
    `merged_into` names the finding that took this one up when it turned out to be shared.
    """

    id: str
    code: str
    title: str
    severity: Severity
    blame: Blame
    confidence: float
    basis: Basis
    subject: FindingSubject
    step: str
    evidence: tuple[Evidence, ...]
    cause: str
    fix: str
    doc: str
    first_seen: float
    last_seen: float
    count: int = 1
    rivals: tuple[Rival, ...] = ()
    parent: str | None = None
    children: tuple[str, ...] = ()
    agents: tuple[Affected, ...] = ()
    agents_count: int = 1
    resolved_at: float | None = None
    resolved_because: str | None = None
    merged_into: str | None = None
    viewpoint: str = "gateway"
    acknowledged: Mark | None = None
    muted: Mark | None = None


class KeptFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with what diagnosis needs to go on with it after a restart.

    `counted_by` is what it is counted by, as JSON of code, subject key and step; `until` the step whose passing ends
    it (its place in the order of steps), `holds_s` how long it may not recur before it is over.
    """

    finding: Finding
    counted_by: str
    until: int | None
    holds_s: float


class FindingChanged(msgspec.Struct, frozen=True, kw_only=True, tag="finding-changed"):
    """A finding was opened, counted up, or is over. `change` is opened, reopened, updated or resolved."""

    change: str
    finding: Finding


class FindingQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which findings to list, the newest first.

    `agent` is a uid or a host_id, and finds shared findings as well; `open` asks for open or resolved ones.
    """

    open: bool | None = None
    code: str | None = None
    agent: str | None = None
    severity: Severity | None = None
    cursor: str | None = None
    limit: int = 50


class FindingPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of findings. `next_cursor` is None on the last page."""

    findings: tuple[Finding, ...]
    next_cursor: str | None
