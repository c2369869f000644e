"""Too often, too fast, all at once."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Kind, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="RATE-RECONNECT-LOOP",
        title="The agent reconnects again and again without success",
        area=Area.RATE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        kind=Kind.SYMPTOM,
        symptom='"Agent reconnects repeatedly"',
        cause="Each attempt fails at the same step: the code of that failure is the cause, and stands beneath",
        fix="Repair the fault named beneath, and reconnect with random, growing delays",
        gateway_sees=(
            "Many connections of one key or host in a minute, none of them registered, from the same "
            "instance; with the last step each reached"
        ),
        doctor_probes="Counts the attempts and shows the last step each reached",
        confused_with=(
            ("LIFE-CRASH-LOOP", "There each attempt is a new instance"),
            ("PXY-MAX-DURATION", "There each connection is registered and lives its time"),
        ),
        beneath=(
            "LIFE-SILENT",
            "MSG-NOT-JSON",
            "MSG-FIELD-MISSING",
            "REG-NEVER-COMPLETED",
            "REG-HOST-CHANGED",
            "SIG-ORDER",
            "SIG-NONCE-DECODED",
            "SIG-UNEXPLAINED",
            "KEY-REGENERATED",
            "ID-HOST-NEW-KEY",
            "ID-TOKEN-INVALID",
            "CLK-SKEW",
            "LIFE-DUPLICATE-SESSION",
            "ID-CLONED",
        ),
        guide=("issue-C", "requirement-6"),
    ),
    Fault(
        code="RATE-REREGISTER-LOOP",
        title="The agent registers anew after every small error",
        area=Area.RATE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Registrations by the hundred from one host",
        cause="The agent takes any error for a lost identity, and starts from the beginning",
        fix="Keep key and uid, resume with `auth`, and register only when told to",
        gateway_sees=(
            "Many complete registrations of one key, each after a small error; with the message that set it off"
        ),
        doctor_probes="Counts the registrations in a minute; `holdfast check-agent` shows what set each off",
        confused_with=(
            ("KEY-REGENERATED", "There each registration brings a new key"),
            ("MSG-HEARTBEAT-CHANNEL", "That is often what sets it off"),
        ),
        guide=("issue-C", "checklist-6", "requirement-6"),
        seen=("wazuh/wazuh#38439",),
    ),
    Fault(
        code="RATE-HERD",
        title="All agents come back at once",
        area=Area.RATE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="Timeouts after a restart of the gateway",
        cause="Agents wait a fixed time before they reconnect, so a whole fleet comes back in the same second",
        fix="Reconnect after a random delay between zero and a limit that grows",
        gateway_sees=(
            "More than ten times the usual connections within seconds of our start or a proxy's reload, at "
            "delays of 1, 3, 7 s"
        ),
        doctor_probes="`holdfast check-agent` restarts the gateway and times the agent's return",
        confused_with=(
            ("RATE-LIMITED", "There one agent is too fast, not hundreds"),
            ("PXY-RELOAD", "That comes before it, and ends them all"),
        ),
        guide=("issue-2", "requirement-6"),
        seen=("elastic/elastic-agent#13874", "mattermost/mattermost-webapp#10960", "XiNian-dada/NodeLite#27"),
    ),
    Fault(
        code="RATE-LIMITED",
        title="The agent sends too much",
        area=Area.RATE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="An `error` answer with `retry_after`, or closed with 4429",
        cause=(
            "More than 20 messages a second, or more than 10 registrations a second from one address (the "
            "defaults): a chatty agent, or a loop that retries at once"
        ),
        fix="Send fewer messages, several facts in each, and wait for `retry_after`",
        gateway_sees="The rate against the limit, and on which channel",
        doctor_probes="Counts the agent's own messages; `holdfast check-agent` does so for a minute",
        confused_with=(("WS-RATE-429", "There connections are too many, not messages"),),
        guide=("requirement-6",),
    ),
    Fault(
        code="RATE-IGNORES-RETRY-AFTER",
        title="The agent comes back before the time it was told",
        area=Area.RATE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="Refused for longer and longer",
        cause="The agent does not read `Retry-After` or `retry_after`",
        fix="Wait for the `retry_after` seconds that the refusal gives",
        gateway_sees="Attempts inside the time that was announced, and how many",
        doctor_probes="Counts the agent's attempts within that time, from its log",
        confused_with=(("RATE-RECONNECT-LOOP", "There no time to come back was given"),),
        guide=("requirement-6",),
    ),
)
