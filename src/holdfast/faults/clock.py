"""Clocks and replay."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="CLK-SKEW",
        title="The agent's clock is wrong",
        area=Area.CLOCK,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom=(
            '"timestamp out of range" when it resumes; or TLS says that the certificate is not yet valid, or expired'
        ),
        cause="Time synchronisation is off or blocked on the host, or a virtual machine was resumed or restored",
        fix="Switch on time synchronisation (NTP) on the host, then restart the agent",
        gateway_sees=(
            "The difference between the message's timestamp and its arrival, the same over several messages, "
            "while other agents are fine"
        ),
        doctor_probes="The difference to the `Date` of the gateway's answer, and the state of time synchronisation",
        confused_with=(
            ("MSG-TS-MILLIS", "There the timestamp is 1000 times too large"),
            ("SRV-CLOCK", "There all agents differ in one direction: it is us"),
            ("SIG-TIME-OWN", "There the agent signs its own time in place of ours"),
        ),
        seen=("wazuh/wazuh#38439", "wazuh/wazuh#38940", "nymtech/nym-vpn-client#6150"),
    ),
    Fault(
        code="CLK-JUMP",
        title="The agent's clock jumped while it ran",
        area=Area.CLOCK,
        severity=Severity.INFO,
        blame=Blame.HOST,
        symptom="One disconnect, then all is well",
        cause=(
            "Time synchronisation corrected the clock in one step, or a virtual machine was resumed; timers "
            "that use the wall clock misfire"
        ),
        fix="Use the monotonic clock for the agent's timers",
        gateway_sees="The clock difference changes by more than 5 s between two messages of one connection",
        doctor_probes="Compares the monotonic clock with the wall clock",
        confused_with=(("LIFE-SLEEP", "There nothing was sent meanwhile; here frames go on"),),
        seen=("nymtech/nym-vpn-client#6150",),
    ),
    Fault(
        code="CLK-REPLAY",
        title="A signed message was sent again",
        area=Area.CLOCK,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="An `error` answer: replayed",
        cause="The agent keeps a signed message and sends it again on a new connection, or somebody else does",
        fix="Sign a fresh nonce for every registration and every `auth`",
        gateway_sees="The same nonce and signature as before, on another connection or from another address",
        doctor_probes="`holdfast check-agent` shows which message came twice",
        confused_with=(
            ("REG-ID-USED", "There it comes on the same connection"),
            ("MSG-ID-DUPLICATE", "There only the message's id is the same"),
        ),
        guide=("flow-4", "checklist-5"),
    ),
)
