"""Too often, too fast, all at once."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Kind, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="RATE-RECONNECT-LOOP",
        title="Reconnects without success",
        area=Area.RATE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        kind=Kind.SYMPTOM,
        symptom='"Agent reconnects repeatedly."',
        cause="The code of the repeated failure",
        fix="Fix that code; add backoff",
        gateway_sees=(
            ">= 5 connects in 60 s of one key or host with no completed registration, same instance id; list "
            "the *last step reached* each time: that step's code is the cause, this is only the symptom"
        ),
        doctor_probes="Shows the same",
        guide=("issue-C", "requirement-6"),
    ),
    Fault(
        code="RATE-REREGISTER-LOOP",
        title="Registers anew at each reconnect or heartbeat error",
        area=Area.RATE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Hundreds of duplicates",
        cause="Agent takes any error for lost identity",
        fix='Keep the identity; register only when told "unknown agent"',
        gateway_sees=(
            "Many successful registrations of one host, each after a small error; find the trigger frame "
            "(error answer to a heartbeat)"
        ),
        doctor_probes=(
            "Counts in the agent's own log, and `holdfast check-agent` for a minute: attempts, gaps, step reached"
        ),
        guide=("issue-C", "checklist-6", "requirement-6"),
        seen=("wazuh/wazuh#38439",),
    ),
    Fault(
        code="RATE-HERD",
        title="All agents reconnect at once",
        area=Area.RATE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="Timeouts after a gateway restart",
        cause="No jitter",
        fix="Full jitter; gateway tells `retry_after` per agent, spread",
        gateway_sees=(
            "Connect rate > 10 times normal within seconds after our start or a proxy reload; delays cluster "
            "at fixed values (1 s, 3 s, 7 s: no jitter)"
        ),
        doctor_probes=(
            "Counts in the agent's own log, and `holdfast check-agent` for a minute: attempts, gaps, step reached"
        ),
        guide=("issue-2", "requirement-6"),
        seen=("elastic/elastic-agent#13874", "mattermost/mattermost-webapp#10960", "XiNian-dada/NodeLite#27"),
    ),
    Fault(
        code="RATE-LIMITED",
        title="Message rate limit",
        area=Area.RATE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="Errors or 1008",
        cause="Chatty agent, or a tight loop on error",
        fix="Batch, or ask for a higher limit",
        gateway_sees="Rate against limit, which channel",
        doctor_probes=(
            "Counts in the agent's own log, and `holdfast check-agent` for a minute: attempts, gaps, step reached"
        ),
        guide=("requirement-6",),
    ),
    Fault(
        code="RATE-IGNORES-RETRY-AFTER",
        title="Agent ignores Retry-After",
        area=Area.RATE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="Locked out longer and longer",
        cause="Not implemented",
        fix="Sleep until it is over",
        gateway_sees="Attempts inside the announced window",
        doctor_probes=(
            "Counts in the agent's own log, and `holdfast check-agent` for a minute: attempts, gaps, step reached"
        ),
        guide=("requirement-6",),
    ),
)
