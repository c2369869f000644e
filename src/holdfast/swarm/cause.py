"""Why a swarm did not come about: what happened to its members most often, as a fault of the catalogue."""

import os
import re
from collections.abc import Mapping
from typing import Final

from holdfast.agent.failures import BY_ERRNO
from holdfast.agent.http_answers import BY_STATUS
from holdfast.faults import Problem, problem
from holdfast.faults.catalogue import CATALOGUE
from holdfast.swarm.tally import Summary

_BY_ERROR: Final[Mapping[str, str]] = {
    **{os.strerror(number): code for number, code in BY_ERRNO.items()},
    "TimeoutError": "NET-CONN-TIMEOUT",  # nothing came back, and no system call failed
}
_CODE: Final = re.compile(r"\b[A-Z]{2,4}-[A-Z0-9-]+\b")
_STATUS: Final = re.compile(r"HTTP (\d{3})\b")


def first_cause(summary: Summary, *, url: str) -> Problem | None:
    """The commonest ending whose fault is known; None where all was well or nothing is known.

    `url` goes into the fix as it was given: this is for the one who gave it, not for a log.
    """
    if summary.ok:
        return None
    by_count = sorted((summary.errors | summary.endings).items(), key=lambda ending: -ending[1])
    for ending, count in by_count:
        code = _code_of(ending)
        if code is not None:
            times = "once" if count == 1 else f"{count} times"
            fix = f"{CATALOGUE[code].fix}; from here, `holdfast doctor {url}` looks closer"
            return problem(code, why=f"it happened {times}: {ending}", fix=fix)
    return None


def _code_of(ending: str) -> str | None:
    by_error = _BY_ERROR.get(ending.removeprefix("not connected: "))
    if by_error is not None:
        return by_error
    if status := _STATUS.search(ending):
        return BY_STATUS.get(int(status[1]))
    return next((code for code in _CODE.findall(ending) if code in CATALOGUE), None)
