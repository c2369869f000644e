"""What the kernel's numbers say of a peer that fell silent (fault catalogue, 4.2)."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from holdfast.diagnosis.verdicts import fact
from holdfast.model.events import Fact
from holdfast.model.findings import Evidence

SHOWN: Final = (
    "unacked", "retransmits", "backoff", "last_ack_recv", "last_data_recv", "rtt", "total_retrans", "segs_out",
    "notsent_bytes",
)  # fmt: skip
LOSS_SHARE: Final = 0.02
FEW_SEGMENTS: Final = 20


class Kernel(Enum):
    """Who answers at the other end."""

    UNREACHED = "unreached"  # what we sent is not confirmed
    CONFIRMS = "confirms"
    UNKNOWN = "unknown"


def verdict_of_kernel(sample: Mapping[str, Fact]) -> Kernel:
    """Whether the peer's kernel still confirms what we send."""
    unacked, backoff = _int(sample, "unacked"), _int(sample, "backoff")
    resent = _int(sample, "retransmits")
    if unacked is None or backoff is None:
        return Kernel.UNKNOWN
    if unacked > 0 and (backoff >= 1 or (resent or 0) >= 1):
        return Kernel.UNREACHED
    return Kernel.CONFIRMS if unacked == 0 else Kernel.UNKNOWN


def tcp_evidence(sample: Mapping[str, Fact]) -> tuple[Evidence, ...]:
    """The numbers themselves, as one fact; none where they were not read."""
    numbers = {name: value for name in SHOWN if isinstance(value := sample.get(name), int)}
    return (fact("TCP at the last sample (last_* in ms, rtt in us)", **numbers),) if numbers else ()


def loss_share(sample: Mapping[str, Fact]) -> float | None:
    """The share of segments that had to be sent twice; None where too few were sent to say."""
    resent, sent = _int(sample, "total_retrans"), _int(sample, "segs_out")
    if resent is None or sent is None or sent < FEW_SEGMENTS:
        return None
    return resent / sent


def _int(sample: Mapping[str, Fact], name: str) -> int | None:
    value = sample.get(name)
    return value if isinstance(value, int) else None
