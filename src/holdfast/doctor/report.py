"""What the doctor hands back: one `Check` for each thing looked at, and the verdict over all of them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from holdfast.faults.problem import Problem, printable

Fact = str | int | float | bool | None
Facts = Mapping[str, Fact]
BLOCKED_BY: Final = "blocked_by"  # the evidence of a check that only a failed one has kept from being looked at

_SENTENCE_CHARS: Final = 400
_FACT_CHARS: Final = 300


class Status(StrEnum):
    """The result of one check. What could not be looked at is `SKIP` with its reason, never `PASS`."""

    PASS = "PASS"  # noqa: S105  a result, not a password
    FAIL = "FAIL"
    WARN = "WARN"
    SKIP = "SKIP"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report. `name` is stable, `title` is what people read (`tcp 192.0.2.7:8080`).

    `because` says what was seen, or why nothing was looked at. `problem` is set for every FAIL, and for a WARN that
    has a code of the catalogue.
    """

    name: str
    title: str
    status: Status
    because: str
    evidence: dict[str, Fact] = {}
    problem: Problem | None = None
    took_ms: float = 0.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole examination. `url` is without user, password and query. `attempt` opens the gateway's half.

    `broken` means that the doctor itself failed at a check, which then stands as skipped; `ok` that no check failed.
    `verdict` is the first cause: that of the first FAIL, else of the first WARN.
    """

    url: str
    started_at: str
    ok: bool
    broken: bool
    verdict: Problem | None
    attempt: str | None
    checks: tuple[Check, ...]
    took_ms: float


def passed(name: str, because: str, evidence: Facts | None = None, *, title: str = "") -> Check:
    """It is as it should be, and that was seen."""
    return _line(name, title, Status.PASS, because, evidence)


def failed(name: str, found: Problem, evidence: Facts | None = None, *, title: str = "") -> Check:
    """An agent on this host cannot connect, register or stay, for this reason."""
    return _of_problem(name, title, Status.FAIL, found, evidence)


def warned(name: str, found: Problem | str, evidence: Facts | None = None, *, title: str = "") -> Check:
    """It works, at a price or for now. A text in place of a problem: nothing is wrong with the way to the gateway."""
    if isinstance(found, str):
        return _line(name, title, Status.WARN, found, evidence)
    return _of_problem(name, title, Status.WARN, found, evidence)


def skipped(name: str, because: str, evidence: Facts | None = None, *, title: str = "") -> Check:
    """It was not looked at; `because` completes the sentence "not checked because"."""
    return _line(name, title, Status.SKIP, f"not checked because {because}", evidence)


def _of_problem(name: str, title: str, status: Status, found: Problem, evidence: Facts | None) -> Check:
    check = _line(name, title, status, found.why, {**found.evidence, **(evidence or {})})
    return msgspec.structs.replace(check, problem=found)


def _line(name: str, title: str, status: Status, because: str, evidence: Facts | None) -> Check:
    shown = {key: _shown(value) for key, value in (evidence or {}).items() if value not in (None, "")}
    sentence = printable(because, _SENTENCE_CHARS)
    return Check(name=name, title=title or name, status=status, because=sentence, evidence=shown)


def _shown(fact: Fact) -> Fact:
    return printable(fact, _FACT_CHARS) if isinstance(fact, str) else fact


def verdict(checks: Iterable[Check]) -> Problem | None:
    """The first cause. Checks stand in the order of an agent's way in, so what comes later is its consequence."""
    found = [check for check in checks if check.problem is not None]
    for status in (Status.FAIL, Status.WARN):
        first = next((check.problem for check in found if check.status is status), None)
        if first is not None:
            return first
    return None


def is_blocking(checks: Iterable[Check]) -> bool:
    """Whether what builds on these checks cannot be looked at."""
    return any(check.status is Status.FAIL for check in checks)
