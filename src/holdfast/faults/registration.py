"""The two steps of registration."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="REG-INIT-MISSING",
        title="The agent talks, but never asks to be registered",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="The agent never appears in `/agents`",
        cause="Registration is not implemented, or the agent believes it is registered",
        fix="Send the registration init on `agent.registration` first",
        gateway_sees="Valid messages on other channels, and none on `agent.registration` or `auth`",
        doctor_probes=(
            "Registers itself, to show that the gateway can; `holdfast check-agent` shows what the agent leaves out"
        ),
        confused_with=(
            ("LIFE-SILENT", "There no message comes at all"),
            ("MSG-CHANNEL-UNKNOWN", "There the init comes, on a misspelt channel"),
            ("MSG-BEFORE-REGISTERED", "There the init does come, but later"),
        ),
        guide=("issue-4", "flow-2", "flow-4", "log-2", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-NEVER-COMPLETED",
        title="The init was answered, and step two never came",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"Registration init works once", and then nothing',
        cause=(
            "Step two is missing in the agent, or it did not recognise our answer: another field for the id, "
            "another channel or type, a payload it did not decode"
        ),
        fix="Decode the answer's `payload` and send `agent.registration.complete` with the signature",
        gateway_sees=(
            "The challenge was delivered and no step two came in time. What it did instead tells why: init "
            "again (answer not recognised), left at once (error in its handler), stayed (step two is missing)"
        ),
        doctor_probes=(
            "Completes both steps itself; `holdfast check-agent` shows the answer and what the agent made of it"
        ),
        confused_with=(
            ("LIFE-CRASH-LOOP", "There the agent dies moments after our answer"),
            ("MSG-CHANNEL-LEGACY", "There step two comes, on an old channel"),
        ),
        guide=("issue-B", "flow-3", "flow-4", "log-3", "log-4", "log-5", "checklist-4", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-COMPLETE-FIRST",
        title="Step two came before step one",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="An `error` answer: there is no registration to complete",
        cause="The agent sends both steps without waiting, or resumes an old registration with an id it has stored",
        fix="Wait for the answer to the init, and use the `registration_id` in it",
        gateway_sees="A complete on a connection without an init",
        doctor_probes="`holdfast check-agent` shows the order of the agent's messages",
        confused_with=(
            ("REG-ID-UNKNOWN", "There an init was answered on this connection"),
            ("REG-ID-EXPIRED", "There the id is known and too old"),
        ),
        guide=("flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-ID-EXPIRED",
        title="The challenge has expired",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="An `error` answer: registration expired",
        cause=(
            "More than `expires_in` seconds (120 by default) passed between the answer to the init and step "
            "two, or an old challenge was used again"
        ),
        fix="Send a new init, and complete it within `expires_in` seconds",
        gateway_sees="A known id and its age, by our own clock: the agent's clock cannot cause this",
        doctor_probes="The time between answer and step two in the agent: a slow key store, sleep, a queue of retries",
        confused_with=(("REG-ID-UNKNOWN", "There the id is not known, for example because the gateway was restarted"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-ID-USED",
        title="The challenge was used already",
        area=Area.REGISTRATION,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="An `error` answer: already completed",
        cause="A retry after an answer that was lost, or two workers that complete the same registration",
        fix="Take the first answer as final, and send a new init to register again",
        gateway_sees="A known id, completed a moment ago by the same key",
        doctor_probes="`holdfast check-agent` shows which message was sent twice",
        confused_with=(("CLK-REPLAY", "There it comes on another connection"),),
        guide=("issue-3", "flow-4", "flow-5", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-ID-UNKNOWN",
        title="The registration_id was never issued",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="An `error` answer: unknown registration",
        cause="The wrong field was copied, the id was damaged, or the gateway was restarted between the steps",
        fix="Copy `registration_id` unchanged from the answer, and after this error send a new init",
        gateway_sees="How the id differs from the last one issued here: cut, quoted, spaces, or no id at all",
        doctor_probes="`holdfast check-agent` shows the id that was issued and the id that came back",
        confused_with=(
            ("SRV-REPLICA-STATE", "There another gateway issued it"),
            ("REG-ID-EXPIRED", "There the id is known and too old"),
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-ID-OTHER-CONNECTION",
        title="The challenge belongs to another connection",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="An `error` answer: not issued on this connection",
        cause="The agent reconnected between the steps, or two connections share a variable",
        fix="Finish both steps on the connection that the challenge was issued on",
        gateway_sees=(
            "The id was issued on another connection: of the same host (a race), or of another one (a mix-up, or worse)"
        ),
        doctor_probes="`holdfast check-agent` shows on which connection each step came",
        confused_with=(("REG-HOST-CHANGED", "There the connection is the same and the host_id differs"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
    Fault(
        code="REG-HOST-CHANGED",
        title="host_id differs between the two steps",
        area=Area.REGISTRATION,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="An `error` answer: host_id mismatch",
        cause="The agent takes its host_id from two sources, such as `gethostname()` and `getfqdn()`",
        fix="Compute host_id once, and send the same text in both steps",
        gateway_sees=(
            "Both values and how they differ: letter case, domain part, spaces, the uid in place of the host_id"
        ),
        doctor_probes="`holdfast check-agent` shows both values",
        confused_with=(("SIG-HOST-FORM", "There the fields agree and only the signed text differs"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-2"),
    ),
)
