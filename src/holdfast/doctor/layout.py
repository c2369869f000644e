"""The report as lines for people: readable at 60 columns, in a log and without colour."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from holdfast.doctor.report import BLOCKED_BY, Check, Report, Status
from holdfast.faults.problem import Problem, printable

INDENT: Final = "      "
_LABEL: Final = 6
_MIN_COLUMNS: Final = 40
_WITH_UNIT: Final = re.compile(r"(\d) (?=(?:ms|s|bytes|days|segments)\b)")


def check_lines(check: Check, *, columns: int, verbose: bool = False) -> list[str]:
    """One check: the line itself, and for what is not in order its code, evidence and fix."""
    took = f" · {_ms(check.took_ms)}" if check.took_ms and check.status is not Status.SKIP else ""
    found = check.problem
    because = f"{found.code}: {check.because}" if found is not None else check.because
    lines = _wrapped(f"{check.status.value:<5} {check.title} · {because}{took}", columns)
    shown = verbose or check.status in (Status.FAIL, Status.WARN)
    if shown:
        lines += _facts(check, columns)
    if found is not None:
        lines += _labelled("fix", printable(found.fix, 400), columns)
    return lines


def is_consequence(check: Check) -> bool:
    """Whether this check was skipped only because another failed: such lines are told together."""
    return check.status is Status.SKIP and BLOCKED_BY in check.evidence


def consequence_lines(checks: Iterable[Check], *, columns: int) -> list[str]:
    """One line for everything that could not be looked at, by what stood in its way."""
    beneath: dict[str, list[str]] = {}
    for check in checks:
        if is_consequence(check):
            beneath.setdefault(str(check.evidence[BLOCKED_BY]), []).append(check.title)
    return [
        line
        for cause, titles in beneath.items()
        for line in _wrapped(f"SKIP  not checked because {cause} failed: {', '.join(titles)}", columns)
    ]


def summary_lines(report: Report, *, columns: int) -> list[str]:
    """What it comes to: the first cause and its one fix, and where the gateway's half is."""
    counts = _counts(report.checks)
    if report.broken:
        lines = _wrapped(f"The doctor itself failed, and what it says may be wrong: {counts}.", columns)
        lines += _verdict(report.verdict, columns) if report.verdict is not None else []
    elif report.verdict is None:
        lines = _wrapped(f"No problem found: {counts}.", columns)
    elif report.ok:
        lines = _wrapped(f"An agent can connect from here, with a warning: {counts}.", columns)
        lines += _verdict(report.verdict, columns)
    else:
        lines = _wrapped(f"An agent cannot work from here: {counts}.", columns)
        lines += _verdict(report.verdict, columns)
    if report.attempt is not None:
        lines += ["The gateway's half:", f"{INDENT}holdfast attempts show {report.attempt}"]  # one line: it is copied
    return lines


def wrapped(lines: Iterable[str], *, columns: int) -> list[str]:
    """Lines as those of the summary: what is too long goes on under its label's text."""
    hang = INDENT + " " * _LABEL
    return [short for line in lines for short in _wrapped(line, columns, hang=hang)]


def _verdict(found: Problem, columns: int) -> list[str]:
    return [
        *_labelled("cause", f"{found.code} {printable(found.what, 200)}", columns),
        *_labelled("why", printable(found.why, 400), columns),
        *_labelled("fix", printable(found.fix, 400), columns),
        *_labelled("more", f"holdfast explain {found.code}", columns),
    ]


def _counts(checks: Sequence[Check]) -> str:
    words = {Status.PASS: "passed", Status.WARN: "with a warning", Status.FAIL: "failed", Status.SKIP: "not checked"}
    told = [(sum(check.status is status for check in checks), word) for status, word in words.items()]
    return ", ".join(f"{count} {word}" for count, word in told if count)


def _facts(check: Check, columns: int) -> list[str]:
    facts = {key: value for key, value in check.evidence.items() if key != BLOCKED_BY}
    width = max((len(key) for key in facts), default=0)
    lines: list[str] = []
    for key, value in facts.items():
        lines += _wrapped(f"{INDENT}{key:<{width}}  {value}", columns, hang=INDENT + " " * (width + 2))
    return lines


def _labelled(label: str, text: str, columns: int) -> list[str]:
    return _wrapped(f"{INDENT}{label:<{_LABEL}}{text}", columns, hang=INDENT + " " * _LABEL)


def _wrapped(text: str, columns: int, *, hang: str = INDENT) -> list[str]:
    """Lines of at most `columns`; a no-break space keeps a number beside its unit, and is none in what is printed."""
    width = max(columns, _MIN_COLUMNS)
    lines = textwrap.wrap(
        _WITH_UNIT.sub("\\1\u00a0", text), width, subsequent_indent=hang, break_long_words=True, break_on_hyphens=False
    )
    return [line.replace("\u00a0", " ") for line in lines]


def _ms(took_ms: float) -> str:
    return f"{took_ms / 1000:.1f}\u00a0s" if took_ms >= 1000 else f"{took_ms:.1f}\u00a0ms"
