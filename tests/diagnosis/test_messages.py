"""Refused messages and failed handshakes become findings, are counted, shared and resolved."""

from holdfast.faults import Blame, Severity
from holdfast.model import Step
from holdfast.model.events import EventKind
from holdfast.model.findings import Affected, Basis, Finding, FindingSubject
from tests.diagnosis.fleet import BEGIN, Gateway, Host


def test_a_wrong_signature_is_one_finding_with_the_words_of_the_refusal() -> None:
    gateway, agent = Gateway(), Host()

    link = gateway.connect(agent).first_message().init().challenge().complete()
    link.refuse(
        "SIG-NONCE-DECODED",
        what="the nonce was decoded",
        why="the signature verifies over decode(nonce) + server_time + host_id",
        fix="Sign the nonce text as it came",
        tried=2,
    )

    assert gateway.open() == [
        Finding(
            id=gateway.open()[0].id,
            code="SIG-NONCE-DECODED",
            title="The nonce was base64-decoded before signing",
            severity=Severity.ERROR,
            blame=Blame.AGENT,
            confidence=1.0,
            basis=Basis.PROOF,
            subject=FindingSubject(
                org_id="default-org", host_id="web-01", key_id="ed25519:agt_web-01", peer="192.0.2.7",
                attempt="a-0001", instance="i-1",
            ),
            step="signature",
            evidence=(
                {
                    "fact": (
                        "the nonce was decoded; the signature verifies over decode(nonce) + server_time + host_id"
                    ),
                    "tried": 2,
                },
            ),
            cause="the signature verifies over decode(nonce) + server_time + host_id",
            fix="Sign the nonce text as it came",
            doc="docs/diagnosis/SIG-NONCE-DECODED.md",
            first_seen=BEGIN + 60,
            last_seen=BEGIN + 60,
        )
    ]  # fmt: skip


def test_a_loop_of_613_is_one_finding_counted_613_and_resolved_when_the_agent_registers() -> None:
    gateway, agent = Gateway(), Host(instance=None)

    for _ in range(613):
        link = gateway.connect(agent).first_message().init().challenge().complete()
        link.refuse("SIG-ORDER").end("close-frame", code=1000, by="agent")
        gateway.wait(1)
    looping = gateway.open()
    gateway.join(agent)

    cause, symptom = sorted(looping, key=lambda finding: finding.code, reverse=True)
    assert (cause.code, cause.count, cause.children) == ("SIG-ORDER", 613, ("RATE-RECONNECT-LOOP",))
    assert (symptom.code, symptom.parent, symptom.count) == ("RATE-RECONNECT-LOOP", "SIG-ORDER", 609)
    assert gateway.open() == []
    assert gateway.one("SIG-ORDER").resolved_because == "the agent passed this step"
    assert gateway.one("SIG-ORDER").count == 613


def test_a_malformed_first_message_is_over_when_the_next_one_is_right() -> None:
    gateway, agent = Gateway(), Host()

    link = gateway.connect(agent).refuse("MSG-NOT-JSON")
    before = gateway.open_codes()
    link.first_message().init()

    assert before == ["MSG-NOT-JSON"]
    assert gateway.open() == []


def test_a_mistake_made_after_registering_is_not_excused_by_registering_again() -> None:
    gateway, agent = Gateway(), Host()

    for _ in range(6):
        gateway.join(agent, beat=False).refuse("MSG-HEARTBEAT-CHANNEL").end("close-frame", code=1000, by="agent")
        agent.registered = False  # it believes that its identity is lost
        gateway.wait(5)

    cause, loop = gateway.one("MSG-HEARTBEAT-CHANNEL"), gateway.one("RATE-REREGISTER-LOOP")
    assert (cause.count, cause.resolved_at) == (6, None)
    assert (loop.parent, loop.resolved_at) == ("MSG-HEARTBEAT-CHANNEL", None)
    assert ("agt_web-01", "flapping") in gateway.conditions()


def test_the_findings_of_a_registered_agent_name_its_uid() -> None:
    gateway, agent = Gateway(), Host()

    gateway.join(agent).refuse("MSG-FIELD-MISSING", field="channel")

    subject = gateway.one("MSG-FIELD-MISSING").subject
    assert (subject.agent_uid, subject.host_id, subject.peer) == ("agt_web-01", "web-01", "192.0.2.7")
    assert gateway.conditions() == [("agt_web-01", "degraded")]


def test_a_mistake_that_does_not_happen_again_is_over_after_five_minutes() -> None:
    gateway = Gateway()
    gateway.join(Host()).refuse("MSG-FIELD-MISSING")

    gateway.wait(290)
    still = gateway.open_codes()
    gateway.wait(20)

    assert still == ["MSG-FIELD-MISSING"]
    assert gateway.one("MSG-FIELD-MISSING").resolved_because == "it has not happened again for 300 s"
    assert gateway.conditions() == [("agt_web-01", "degraded"), ("agt_web-01", None)]


def test_a_refusal_for_our_own_fault_is_ours_with_everybody_who_was_turned_away() -> None:
    gateway = Gateway()

    for i in range(3):
        link = gateway.connect(Host(f"web-{i}", address=f"192.0.2.{i}")).first_message().init().challenge()
        link.complete().refuse("SRV-DB-DOWN", retry_after_s=5.0)

    finding = gateway.one("SRV-DB-DOWN")
    assert (finding.blame, finding.subject) == (Blame.GATEWAY, FindingSubject(gateway=True))
    assert finding.agents == tuple(Affected(host_id=f"web-{i}", peer=f"192.0.2.{i}") for i in range(3))
    assert gateway.open_codes() == ["SRV-DB-DOWN"]


def test_one_mistake_made_by_a_whole_fleet_is_one_finding_with_its_agents() -> None:
    gateway = Gateway()
    agents = [Host(f"web-{i:03d}", address=f"192.0.2.{i % 200}") for i in range(400)]

    for agent in agents:
        gateway.connect(agent).first_message().init().refuse("ID-TOKEN-EXPIRED")

    (shared,) = gateway.open()
    assert (shared.code, shared.count, shared.agents_count, len(shared.agents)) == ("ID-TOKEN-EXPIRED", 400, 400, 200)
    merged = [finding for finding in gateway.findings.values() if finding.merged_into == shared.id]
    assert len(merged) == 10


def test_a_shared_finding_is_over_when_everybody_passed() -> None:
    gateway = Gateway()
    agents = [Host(f"web-{i:03d}", address=f"192.0.2.{i}") for i in range(12)]
    for agent in agents:
        gateway.connect(agent).first_message().init().refuse("ID-TOKEN-EXPIRED")

    for agent in agents[:-1]:
        gateway.join(agent)
    almost = gateway.open_codes()
    gateway.join(agents[-1])

    assert almost == ["ID-TOKEN-EXPIRED"]
    assert gateway.open() == []


def test_a_handshake_that_fails_is_found_at_its_address_and_over_after_an_upgrade() -> None:
    gateway, agent = Gateway(), Host()

    gateway.tell(
        EventKind.HANDSHAKE_FAILED, attempt="a-x", step=Step.TCP, code="WS-WRONG-PATH", peer="192.0.2.7:1",
        facts={"what": "wrong path", "why": "'/ws' is not known here", "user_agent": "agent/1.0", "upgrade": True},
    )  # fmt: skip
    (failed,) = gateway.open()
    gateway.connect(agent)

    assert (failed.code, failed.subject.peer, failed.severity) == ("WS-WRONG-PATH", "192.0.2.7", Severity.ERROR)
    assert gateway.open() == []


def test_a_browser_that_looks_in_is_a_remark() -> None:
    gateway = Gateway()

    gateway.tell(
        EventKind.HANDSHAKE_FAILED, attempt="a-x", step=Step.TCP, code="WS-WRONG-PATH", peer="192.0.2.7:1",
        facts={"what": "wrong path", "why": "'/' is not known here", "user_agent": "Mozilla/5.0", "upgrade": False},
    )  # fmt: skip

    assert gateway.one("WS-WRONG-PATH").severity is Severity.INFO


def test_whoever_comes_before_the_time_he_was_told_is_found_out_the_third_time() -> None:
    gateway = Gateway()

    for i in range(4):
        gateway.tell(
            EventKind.HANDSHAKE_FAILED, attempt=f"a-{i}", step=Step.TCP, code="WS-RATE-429", peer=f"192.0.2.7:{i}",
            facts={"what": "too many", "why": "64 are open", "retry_after_s": 5.0, "user_agent": "agent/1.0"},
        )  # fmt: skip
        gateway.wait(0.5)

    assert gateway.open_codes() == ["WS-RATE-429", "RATE-IGNORES-RETRY-AFTER"]


def test_bytes_that_break_at_another_place_each_time_are_two_tasks_writing_at_once() -> None:
    gateway, agent = Gateway(), Host()

    for position, byte in ((66, "0x80"), (131, "0xa3")):
        link = gateway.join(agent).refuse("MSG-BAD-UTF8", position=position, byte=byte)
        link.end("close-frame", code=1007, by="gateway")
        gateway.wait(1)

    (found,) = gateway.open()
    assert (found.code, found.confidence) == ("MSG-INTERLEAVED", 0.7)


def test_bytes_that_break_at_the_same_place_each_time_are_a_wrong_encoding() -> None:
    gateway, agent = Gateway(), Host()

    for _ in range(3):
        link = gateway.join(agent).refuse("MSG-BAD-UTF8", position=66, byte="0xe9")
        link.end("close-frame", code=1007, by="gateway")

    assert gateway.open_codes() == ["MSG-BAD-UTF8"]


def test_a_message_id_that_comes_twice_is_told_though_the_message_was_taken() -> None:
    gateway = Gateway()

    gateway.join(Host()).tell(EventKind.ODD, code="MSG-ID-DUPLICATE", facts={"why": "twice in a row came id '1'"})

    assert gateway.one("MSG-ID-DUPLICATE").cause == "twice in a row came id '1'"


def test_a_connection_that_we_aborted_is_not_the_agents_end() -> None:
    gateway = Gateway()
    link = gateway.join(Host()).refuse("LIFE-SLOW-CONSUMER")

    link.end("slow-consumer")
    gateway.wait(5)

    assert gateway.codes() == {"LIFE-SLOW-CONSUMER"}
