"""What a rule concludes, before it becomes a finding or counts one up."""

from typing import Final

import msgspec

from holdfast.diagnosis.keys import Key
from holdfast.faults import Severity
from holdfast.model import Step
from holdfast.model.events import Fact
from holdfast.model.findings import Affected, Basis, Evidence, FindingSubject, Rival

SURE: Final = 1.0
LIKELY: Final = 0.9
EVEN: Final = 0.5
SHARED: Final = 0.97
"""A pattern that several agents on one path share (fault catalogue, 4.3)."""

UNCONFIRMED: Final = 0.4

HOLDS_S: Final = 300.0
"""How long nothing may happen, normally, before a finding that is not passed by a step counts as over."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of the catalogue, with what speaks for it.

    `key`, `who` and `step` are those of the scene where they are None. The finding is over when its subject reaches
    `until`, or when it has not recurred for `holds_s`; `over` marks what is over already when it is told (a reboot).
    `replaces` names codes that this one explains better: open findings of the same subject and of `members`
    that it takes the place of, or of anybody where it is `everywhere`.
    `share` names what several subjects would have in common (an address, a path); from `share_at` of them on it is
    one finding for all; `members` are the subjects of one that is shared from its beginning. `heartbeat_s` is the
    interval that would keep this agent's path alive.
    """

    code: str
    confidence: float
    basis: Basis
    evidence: tuple[Evidence, ...] = ()
    cause: str | None = None
    fix: str | None = None
    severity: Severity | None = None
    rivals: tuple[Rival, ...] = ()
    parent: str | None = None
    key: Key | None = None
    who: FindingSubject | None = None
    step: str | None = None
    until: Step | None = None
    holds_s: float = HOLDS_S
    over: bool = False
    replaces: tuple[str, ...] = ()
    everywhere: bool = False
    agents: tuple[Affected, ...] = ()
    members: tuple[Key, ...] = ()
    share: Key | None = None
    share_at: int = 10
    heartbeat_s: float | None = None
    count: int = 1

    def __post_init__(self) -> None:
        # 1.0 is kept for proofs, so that a reader can trust the number without reading further.
        assert (self.confidence == SURE) == (self.basis is Basis.PROOF), self


def by_count(n: int) -> float:
    """How sure a pattern is after `n` repetitions (fault catalogue, 4.3): 0.6 at three, 0.9 at five."""
    return {1: UNCONFIRMED, 2: EVEN, 3: 0.6, 4: 0.75}.get(n, LIKELY)


def fact(sentence: str, **numbers: Fact) -> Evidence:
    """One piece of evidence; numbers that were not measured are left out, never shown as zero."""
    told: Evidence = {"fact": sentence}
    for name, value in numbers.items():
        if value is not None:
            told[name] = round(value, 3) if isinstance(value, float) else value
    return told


def not_(code: str, because: str | None = None) -> Rival:
    """A rival that is excluded, or that nothing excludes so far."""
    return Rival(code=code, excluded_because=because)
