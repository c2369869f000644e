"""This host's clock against the gateway's."""

from typing import Final

from holdfast.doctor.case import Case
from holdfast.doctor.report import Check, failed, passed, skipped, warned
from holdfast.faults.catalogue import problem

WARN_S: Final = 30.0
FAIL_S: Final = 300.0  # what a gateway by default grants an `auth` that chose its own nonce


async def compare(case: Case) -> list[Check]:
    """The line `clock`."""
    offset_s = case.clock_offset_s
    if offset_s is None:
        return [skipped("clock", "no answer carried the gateway's time")]
    evidence: dict[str, str | int | float | bool | None] = {"offset_s": round(offset_s, 1), "from": case.clock_source}
    if abs(offset_s) <= WARN_S:
        return [passed("clock", f"{offset_s:+.0f} s from the gateway's", evidence)]
    direction = "ahead of" if offset_s > 0 else "behind"
    found = problem("CLK-SKEW", why=f"this host's clock is {abs(offset_s):.0f} s {direction} the gateway's")
    return [(failed if abs(offset_s) > FAIL_S else warned)("clock", found, evidence)]
