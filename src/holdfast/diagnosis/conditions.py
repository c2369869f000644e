"""What open findings make of an agent's condition."""

from collections.abc import Mapping, Sequence
from typing import Final

from holdfast.diagnosis.cases import Case
from holdfast.faults import Severity, fault
from holdfast.model import Condition

DUPLICATE: Final = frozenset({"ID-CLONED", "LIFE-DUPLICATE-SESSION"})
FLAPPING: Final = frozenset(
    {
        "RATE-RECONNECT-LOOP", "RATE-REREGISTER-LOOP", "LIFE-CRASH-LOOP", "PXY-IDLE-60", "PXY-IDLE-100", "PXY-IDLE-350",
        "PXY-IDLE-OTHER", "PXY-MAX-DURATION", "NET-NAT-IDLE", "LIFE-CLIENT-TIMEOUT", "NET-PACKET-LOSS",
    }
)  # fmt: skip
MILD: Final = frozenset({Severity.INFO})
RANK: Final[Mapping[Condition, int]] = {Condition.DUPLICATE: 0, Condition.FLAPPING: 1, Condition.DEGRADED: 2}


def condition_of(cases: Sequence[Case]) -> tuple[Condition, str] | None:
    """The worst condition among open findings, and why; None where there is nothing worse than a remark."""
    found = [(condition, case) for case in cases if (condition := _condition(case)) is not None]
    if not found:
        return None
    condition, case = min(found, key=lambda pair: (RANK[pair[0]], pair[1].first_seen))
    return condition, f"{case.code}: {fault(case.code).title}"


def _condition(case: Case) -> Condition | None:
    if case.code in DUPLICATE:
        return Condition.DUPLICATE
    if case.code in FLAPPING:
        return Condition.FLAPPING
    severity = case.severity or fault(case.code).severity
    return None if severity in MILD else Condition.DEGRADED
