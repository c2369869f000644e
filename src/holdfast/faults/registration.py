"""The two steps of registration."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="REG-INIT-MISSING",
        title="Talks, but never sends init",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Never appears",
        cause="Registration not implemented, or the agent thinks it is registered",
        fix="Send init first",
        gateway_sees="Valid messages on other channels, none on `agent.registration`, 10 s after open",
        doctor_probes="Simulates",
        guide=("issue-4", "flow-2", "flow-4", "log-2", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-NEVER-COMPLETED",
        title="Init answered, complete never sent",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"Registration init works once", nothing after',
        cause=(
            "Step 2 missing, or the answer was not understood: payload base64 against raw JSON, waiting for "
            "another `id`, channel or `type`"
        ),
        fix="On the response",
        gateway_sees=(
            "Challenge delivered (its bytes acknowledged: `unacked=0`), no complete within the TTL. Then by "
            "behaviour: repeats init with the same interval = did not recognise our answer; leaves at once = "
            "handler crashed; stays and heartbeats = step 2 not implemented"
        ),
        doctor_probes="Replays our real response into the agent's parser",
        guide=("issue-B", "flow-3", "flow-4", "log-3", "log-4", "log-5", "checklist-4", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-COMPLETE-FIRST",
        title="complete before init",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"unknown registration"',
        cause="Sends both without waiting, or resumes an old registration",
        fix="Wait for the init response and use its registration_id",
        gateway_sees="Complete on a connection with no init; id absent, empty or stored from earlier",
        doctor_probes="`holdfast check-agent` shows the same error with the full frame and its position",
        guide=("flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-ID-EXPIRED",
        title="Challenge too old",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"registration expired"',
        cause="Waited too long, or retries an old one",
        fix="Start again with init; complete within TTL",
        gateway_sees="Known id, age > TTL; report the age",
        doctor_probes="Time between response and complete in the agent (slow key store, sleep, retry queue)",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-ID-USED",
        title="Challenge used already",
        area=Area.REGISTRATION,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom='"already completed"',
        cause="Retry, or two workers",
        fix="Treat the first answer as final; make complete idempotent",
        gateway_sees=(
            "Known id, completed at T by the same key; the same bytes again = retry after a lost answer "
            "(answer with the stored success), others = bug"
        ),
        doctor_probes="`holdfast check-agent` shows the same error with the full frame and its position",
        guide=("issue-3", "flow-4", "flow-5", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-ID-UNKNOWN",
        title="registration_id unknown",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"unknown registration"',
        cause="Wrong field copied, damaged, or gateway restarted in between",
        fix='Copy the id unchanged; after "unknown" start again with init',
        gateway_sees=(
            "Never issued: shape test (uuid?), edit distance to the last issued to this connection "
            "(truncated, quoted, whitespace), or issued before our restart (start time known)"
        ),
        doctor_probes="`holdfast check-agent` shows the same error with the full frame and its position",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-ID-OTHER-CONNECTION",
        title="Challenge from another connection",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"not issued on this connection"',
        cause="Shared variable between two connections, reconnect between the steps",
        fix="Finish both steps on one connection",
        gateway_sees=(
            "Id issued to another connection or key; same host = race of two connections, other host = mix-up or attack"
        ),
        doctor_probes="`holdfast check-agent` shows the same error with the full frame and its position",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-HOST-CHANGED",
        title="host_id differs between init and complete",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"host_id mismatch"',
        cause="Two sources (`gethostname()` and `getfqdn()`)",
        fix="Compute host_id once",
        gateway_sees="Both values and their difference: case, domain part, whitespace, uid in place of host_id",
        doctor_probes="Where the agent takes it from at each step",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
)
