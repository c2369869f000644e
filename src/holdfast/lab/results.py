"""What came of an injection."""

from enum import StrEnum

import msgspec

from holdfast.faults import fault
from holdfast.lab.injections import Injection
from holdfast.lab.verdicts import Named, Viewpoint, is_same_area


class Outcome(StrEnum):
    """How good the verdict was."""

    NAMED = "named"  # the right code and the right blame, and nothing wrong beside it
    BLURRED = "blurred"  # the right code, and another beside it that does not belong there
    AREA = "area"  # another code of the same area
    MISSED = "missed"  # nothing, or something else
    BROKEN = "broken"  # the injection itself failed
    SKIPPED = "skipped"  # this machine lacks what it needs


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the matrix. `seconds` is from the start of the injection to the verdict."""

    code: str
    sees: Viewpoint
    outcome: Outcome
    verdict: str | None = None
    blame: str | None = None
    basis: str = ""
    confidence: float | None = None
    also: tuple[str, ...] = ()
    seconds: float = 0.0
    how: str = ""
    why: str = ""


def judge(injection: Injection, named: Named | None, seconds: float) -> Result:
    """Compare the verdict with what had to be said."""
    return Result(
        code=injection.code,
        sees=injection.sees,
        outcome=_outcome(injection, named),
        verdict=named.code if named else None,
        blame=named.blame.value if named else None,
        basis=named.basis if named else "",
        confidence=named.confidence if named else None,
        also=named.also if named else (),
        seconds=round(seconds, 1),
        how=injection.how,
        why=named.why if named else "nothing was said about it",
    )


def _outcome(injection: Injection, named: Named | None) -> Outcome:
    if named is None:
        return Outcome.MISSED
    if named.code != injection.code:
        return Outcome.AREA if is_same_area(named.code, injection.code) else Outcome.MISSED
    if named.blame is not fault(injection.code).blame:
        return Outcome.AREA
    strangers = set(named.also) - set(injection.beside)
    return Outcome.BLURRED if strangers else Outcome.NAMED


def unable(injection: Injection, outcome: Outcome, why: str, seconds: float = 0.0) -> Result:
    """The line of an injection that did not come about."""
    return Result(
        code=injection.code, sees=injection.sees, outcome=outcome, seconds=round(seconds, 1), how=injection.how, why=why
    )
