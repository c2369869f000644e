"""Clocks and replay."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="CLK-SKEW",
        title="Agent's clock is wrong",
        area=Area.CLOCK,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom='"timestamp out of range", or TLS says not yet valid or expired',
        cause="NTP off or blocked, VM resumed or restored",
        fix="Enable time sync",
        gateway_sees=(
            "Offset = message timestamp - arrival, stable over 3+ messages; report seconds and direction; "
            "neighbours are fine"
        ),
        doctor_probes="Offset against the HTTP `Date` of `/health` and NTP state",
        seen=("wazuh/wazuh#38439", "wazuh/wazuh#38940", "nymtech/nym-vpn-client#6150"),
    ),
    Fault(
        code="CLK-JUMP",
        title="Clock jumps while running",
        area=Area.CLOCK,
        severity=Severity.INFO,
        blame=Blame.HOST,
        symptom="One disconnect, then fine",
        cause="NTP step, VM resume",
        fix="Use the monotonic clock for timers",
        gateway_sees=(
            "Offset changes by > 5 s between two messages of one connection; timers computed from wall time misfire"
        ),
        doctor_probes="Monotonic against wall clock",
        seen=("nymtech/nym-vpn-client#6150",),
    ),
    Fault(
        code="CLK-REPLAY",
        title="Nonce or whole message replayed",
        area=Area.CLOCK,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"replayed"',
        cause="Client caches a signed message, or somebody replays",
        fix="Fresh init for every registration",
        gateway_sees=(
            "Same registration_id, nonce and signature again, on another connection or IP: attack or retry; "
            "on the same: REG-ID-USED"
        ),
        doctor_probes=(
            "Counts in the agent's own log, and `holdfast check-agent` for a minute: attempts, gaps, step reached"
        ),
    ),
)
