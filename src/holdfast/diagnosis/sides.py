"""How two halves of one connection become one verdict: what is taken, what is kept as a candidate, and why."""

from typing import Final

from holdfast.diagnosis.halves import Halves
from holdfast.faults import CATALOGUE, Area, Problem, printable
from holdfast.model.findings import Basis
from holdfast.model.joined import Joined, JoinedRival, Side

# What each side sees with its own eyes.
GATEWAYS: Final = frozenset(
    {Area.MESSAGE, Area.REGISTRATION, Area.SIGNATURE, Area.IDENTITY, Area.CLOCK, Area.RATE, Area.SERVER}
)
PROVED: Final = GATEWAYS - {Area.RATE, Area.SERVER}


def verdict(
    halves: Halves, wrong: Problem, confidence: float, basis: Basis, *, agrees: bool = True,
    rivals: tuple[JoinedRival, ...] = (), notes: tuple[str, ...] = (),
) -> Joined:  # fmt: skip
    """What was concluded about `halves`: the cause is `wrong`."""
    return Joined(
        attempt=halves.attempt, verdict=wrong, confidence=confidence, basis=basis, agrees=agrees, rivals=rivals,
        notes=notes,
    )  # fmt: skip


def basis_of(code: str) -> Basis:
    """What a parser or a signature decided is proved; the rest was measured."""
    entry = CATALOGUE.get(code)
    return Basis.PROOF if entry is not None and entry.area in PROVED else Basis.MEASURED


def rivals_of(taken: Problem, says: Problem | None, recorded: Problem | None) -> tuple[JoinedRival, ...]:
    """The candidates that were not taken, each with what would tell it from the one that was."""
    candidates = ((Side.AGENT, says), (Side.GATEWAY, recorded))
    return tuple(
        JoinedRival(code=other.code, title=printable(other.what, 200), side=side, told_apart_by=_apart(taken, other))
        for side, other in candidates
        if other is not None and other.code != taken.code
    )


def _apart(taken: Problem, other: Problem) -> str:
    """The observation that separates two codes, from the catalogue; else what each side saw."""
    for one, two in ((taken.code, other.code), (other.code, taken.code)):
        entry = CATALOGUE.get(one)
        told = dict(entry.confused_with).get(two) if entry is not None else None
        if told:
            return f"{two}: {told[0].lower()}{told[1:]}"
    return f"{other.code} was seen as: {printable(other.why, 300)}"
