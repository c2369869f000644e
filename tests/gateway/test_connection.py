"""A connection's core as its specification: what an agent says, and what comes of it."""

import json

from nacl.signing import SigningKey

from holdfast.faults import problem
from holdfast.gateway.challenges import Challenges
from holdfast.gateway.effects import Explain, Identify, Register, Send
from holdfast.gateway.moves import State
from holdfast.gateway.settings import GatewaySettings, Limits
from holdfast.model import Admission, Identity, agent_uid
from holdfast.protocol.closes import CloseCode
from holdfast.protocol.envelope import encode_base64
from holdfast.protocol.signing import auth_text
from tests.gateway.conversation import NONCE, Agent, closes, codes, kinds, sent


def test_a_registration_of_the_guide_is_challenged_and_confirmed() -> None:
    agent = Agent()

    step_1 = agent.init()
    step_2 = agent.complete()

    challenge, confirmation = sent(step_1)[0], sent(step_2)[0]
    assert (challenge["type"], challenge["channel"]) == ("response", "agent.registration")
    assert challenge["headers"] == {"reply_to": "m-1"}
    assert challenge["payload"] == {
        "registration_id": agent.challenge["registration_id"],
        "nonce": NONCE,
        "server_time": "2025-11-24T16:00:00Z",
        "sign": "nonce + server_time + host_id",
        "answer_on": "agent.registration.complete",
        "payload_encoding": "base64",
        "expires_in": 120,
    }
    assert confirmation["payload"] == {
        "agent_uid": agent_uid(bytes(agent.key.verify_key)),
        "status": "registered",
        "heartbeat_interval": 20.0,
        "server_time": "2025-11-24T16:00:00Z",
    }
    assert kinds(step_1 + step_2) == [
        "connection.first-message",
        "agent.clock",
        "registration.init",
        "registration.challenged",
        "registration.complete",
        "agent.registered",
    ]
    assert agent.core.session.state is State.READY


def test_nothing_is_confirmed_before_it_is_durable() -> None:
    agent = Agent()
    agent.init()

    effects = agent.say(
        "agent.registration.complete",
        {
            "registration_id": agent.challenge["registration_id"],
            "host_id": agent.host_id,
            "signature": agent.signature(),
        },
    )

    assert [type(effect) for effect in effects][-1] is Register
    assert sent(effects) == []
    assert agent.core.session.state is State.CHALLENGED


def test_a_heartbeat_is_acknowledged_with_our_time_and_its_id() -> None:
    agent = Agent().register()

    ack = sent(agent.beat(id="beat-7"))[0]

    assert (ack["type"], ack["channel"]) == ("ack", "agent.heartbeat")
    assert ack["headers"] == {"reply_to": "beat-7"}
    assert ack["payload"] == {"server_time": "2025-11-24T16:00:00Z"}


def test_a_heartbeat_on_the_agents_own_channel_is_acknowledged_by_uid_and_by_host_id() -> None:
    agent = Agent().register()
    uid = agent_uid(bytes(agent.key.verify_key))

    answers = [sent(agent.say(f"agent.{name}.heartbeat", {}, type="heartbeat")) for name in (uid, "web-01")]

    assert [answer[0]["type"] for answer in answers] == ["ack", "ack"]


def test_a_heartbeat_on_another_agents_channel_is_named() -> None:
    agent = Agent().register()

    effects = agent.say("agent.web-02.heartbeat", {}, type="heartbeat")

    assert codes(effects) == ["MSG-HEARTBEAT-CHANNEL"]
    assert agent.core.session.agent_uid in sent(effects)[0]["payload"]["fix"]


def test_a_heartbeat_before_registration_is_told_to_register_first() -> None:
    effects = Agent().beat()

    assert codes(effects) == ["MSG-BEFORE-REGISTERED"]


def test_a_host_id_with_dots_has_its_own_heartbeat_channel() -> None:
    agent = Agent(host_id="db.eu-1.example").register()

    effects = agent.say("agent.db.eu-1.example.heartbeat", {}, type="heartbeat")

    assert sent(effects)[0]["type"] == "ack"


def test_complete_before_init_is_named() -> None:
    agent = Agent()
    agent.challenge = {"registration_id": "x", "nonce": "", "server_time": ""}

    assert codes(agent.complete()) == ["REG-COMPLETE-FIRST"]


def test_an_expired_challenge_is_named_with_its_age() -> None:
    agent = Agent(settings=GatewaySettings(challenge_ttl_s=1.0))
    agent.init()
    agent.mono += 2

    effects = agent.complete()

    assert codes(effects) == ["REG-ID-EXPIRED"]
    assert "2 s ago" in sent(effects)[0]["payload"]["detail"]


def test_a_challenge_works_once() -> None:
    agent = Agent()
    agent.init()
    agent.complete()

    assert codes(agent.complete()) == ["REG-ID-USED"]


def test_a_challenge_is_spent_by_a_wrong_signature() -> None:
    agent = Agent()
    agent.init()
    first = agent.complete(signature=agent.signature(b"x" * 50))

    again = agent.complete()

    assert isinstance(first[-1], Explain)
    assert codes(again) == ["REG-ID-USED"]


def test_an_unknown_registration_id_is_compared_with_the_one_issued() -> None:
    agent = Agent()
    agent.init()

    cut = agent.complete(registration_id=agent.challenge["registration_id"][:-3])
    quoted = agent.complete(registration_id='"' + agent.challenge["registration_id"] + '"')
    foreign = agent.complete(registration_id="nope")

    assert codes(cut + quoted + foreign) == ["REG-ID-UNKNOWN"] * 3
    details = [envelope["payload"]["detail"] for envelope in sent(cut + quoted + foreign)]
    assert "cut after 33 of 36" in details[0]
    assert "quotes" in details[1]
    assert "never issued" in details[2]


def test_a_challenge_of_another_connection_is_named_and_so_is_its_replay() -> None:
    challenges = Challenges()
    first, second = Agent(challenges=challenges, attempt="a-1"), Agent(challenges=challenges, attempt="a-2")
    first.init()
    second.init(host_id="web-02")

    mixed_up = second.complete(registration_id=first.challenge["registration_id"], host_id="web-02", signature="AA==")
    signature = first.signature()
    first.complete()
    replayed = second.complete(registration_id=first.challenge["registration_id"], signature=signature)

    assert codes(mixed_up) == ["REG-ID-OTHER-CONNECTION"]
    assert codes(replayed) == ["CLK-REPLAY"]


def test_a_host_id_that_changed_between_the_steps_is_shown_with_both_values() -> None:
    agent = Agent()
    agent.init()

    effects = agent.complete(host_id="WEB-01")

    assert codes(effects) == ["REG-HOST-CHANGED"]
    assert sent(effects)[0]["payload"]["evidence"] == {"init": "web-01", "complete": "WEB-01"}


def test_a_wrong_signature_is_given_to_the_explainer_and_changes_nothing() -> None:
    agent = Agent()
    agent.init()

    effects = agent.complete(signature=agent.signature(b"something else"))

    assert isinstance(effects[-1], Explain)
    told = agent.core.on_refused(problem("SIG-ORDER"), wall=agent.wall)
    assert codes(told) == ["SIG-ORDER"]
    assert agent.core.session.state is State.CHALLENGED
    assert agent.core.session.agent_uid is None


def test_a_rehearsal_verifies_everything_and_stores_nothing() -> None:
    agent = Agent()
    agent.init()

    effects = agent.say(
        "agent.registration.complete",
        {
            "registration_id": agent.challenge["registration_id"],
            "host_id": agent.host_id,
            "signature": agent.signature(),
        },
        headers={"dry-run": "registration"},
    )

    assert sent(effects)[0]["payload"]["status"] == "verified"
    assert not any(isinstance(effect, Register) for effect in effects)
    assert agent.core.session.agent_uid is None


def test_a_pending_agent_is_told_so_and_stays_connected() -> None:
    agent = Agent()
    agent.init()
    agent.say(
        "agent.registration.complete",
        {
            "registration_id": agent.challenge["registration_id"],
            "host_id": agent.host_id,
            "signature": agent.signature(),
        },
    )

    effects = agent.stored(Admission.PENDING)

    assert sent(effects)[0]["payload"]["status"] == "pending"
    assert closes(effects) == []


def auth_payload(
    agent: Agent, *, nonce: str = NONCE, timestamp: int | None = None, agent_id: str | None = None
) -> dict[str, object]:
    when = int(agent.wall) if timestamp is None else timestamp
    name = agent_id or agent_uid(bytes(agent.key.verify_key))
    text = auth_text(agent_id=name, public_key=agent.public_key, timestamp=when, nonce=nonce)
    return {
        "agent_id": name,
        "public_key": agent.public_key,
        "timestamp": when,
        "nonce": nonce,
        "signature": encode_base64(agent.key.sign(text).signature),
    }


def identity(agent: Agent, admission: Admission = Admission.APPROVED) -> Identity:
    uid = agent_uid(bytes(agent.key.verify_key))
    return Identity(
        agent_uid=uid, org_id="default-org", host_id="web-01", admission=admission, heartbeat_interval_s=20.0
    )


def test_auth_with_the_connections_challenge_resumes_whatever_the_agents_clock_says() -> None:
    agent = Agent()

    asked = agent.say("auth", auth_payload(agent, timestamp=0))
    answer = agent.core.on_identified(identity(agent), wall=agent.wall)

    question = asked[-1]
    assert isinstance(question, Identify)
    assert question.nonce is None
    assert sent(answer)[0]["payload"]["success"] is True
    assert sent(answer)[0]["payload"]["heartbeat_interval"] == 20.0
    assert agent.core.session.state is State.READY


def test_auth_with_a_nonce_of_its_own_is_held_to_the_clock() -> None:
    agent = Agent()
    own = encode_base64(b"n" * 16)

    late = agent.say("auth", auth_payload(agent, nonce=own, timestamp=int(agent.wall) - 600))
    asked = agent.say("auth", auth_payload(agent, nonce=own))

    assert codes(late) == ["CLK-SKEW"]
    assert "600 s behind" in sent(late)[0]["payload"]["detail"]
    question = asked[-1]
    assert isinstance(question, Identify)
    assert question.nonce == own


def test_auth_by_an_unknown_key_is_told_to_register_and_then_can() -> None:
    agent = Agent()
    agent.say("auth", auth_payload(agent))

    answer = sent(agent.core.on_identified(None, wall=agent.wall))[0]
    agent.register()

    assert (answer["type"], answer["payload"]["success"], answer["payload"]["register"]) == ("response", False, True)
    assert agent.core.session.state is State.READY


def test_auth_of_a_revoked_agent_ends_the_connection_for_good() -> None:
    agent = Agent()
    agent.say("auth", auth_payload(agent))

    effects = agent.core.on_identified(identity(agent, Admission.REVOKED), wall=agent.wall)

    assert codes(effects) == ["ID-REVOKED"]
    assert [close.code for close in closes(effects)] == [CloseCode.DENIED]


def test_auth_signed_with_another_key_is_refused() -> None:
    agent = Agent()
    payload = auth_payload(agent)
    payload["signature"] = encode_base64(SigningKey.generate().sign(b"x").signature)

    effects = agent.say("auth", payload)

    assert codes(effects) == ["SIG-UNEXPLAINED"]


def test_three_malformed_messages_in_a_row_close_and_a_good_one_between_forgives() -> None:
    patient, hasty = Agent(), Agent()

    patient.frame("hello")
    patient.frame("hello")
    patient.init()
    forgiven = patient.frame("hello") + patient.frame("hello")
    ended = hasty.frame("{") + hasty.frame("[]") + hasty.core.on_binary(b"{}", mono=0.0, wall=0.0)

    assert closes(forgiven) == []
    assert [(close.code, close.reason.split(":")[0]) for close in closes(ended)] == [(4400, "MSG-BINARY")]
    assert codes(ended) == ["MSG-NOT-JSON", "MSG-FIELD-TYPE", "MSG-BINARY"]


def test_every_refusal_changes_nothing() -> None:
    agent = Agent()
    agent.init()
    before = agent.core.session.state, agent.core.session.challenge

    agent.frame("hello")
    agent.beat()
    agent.say("agent.regstration", {})

    assert (agent.core.session.state, agent.core.session.challenge) == before


def test_messages_over_the_rate_are_answered_once_and_then_closed() -> None:
    limits = Limits(messages_per_s=1.0, message_burst=5)
    agent = Agent(settings=GatewaySettings(limits=limits)).register()

    effects = [effect for _ in range(12) for effect in agent.beat()]

    errors = [envelope for envelope in sent(effects) if envelope["type"] == "error"]
    assert [error["payload"]["code"] for error in errors] == ["RATE-LIMITED", "RATE-LIMITED"]
    assert errors[0]["payload"]["retry_after"] > 0
    assert [close.code for close in closes(effects)] == [CloseCode.TOO_FAST]


def test_a_silent_agent_is_named_after_five_seconds_and_closed_after_three_hundred() -> None:
    agent = Agent()

    told = agent.wait(5.1)
    for _ in range(14):
        agent.core.watch.heard_at = agent.mono
        told += agent.wait(20)
    agent.core.watch.heard_at = agent.mono
    ended = agent.wait(20)

    assert kinds(told).count("connection.silent") == 1
    assert closes(told) == []
    assert codes(ended) == ["LIFE-SILENT"]
    assert [close.code for close in closes(ended)] == [CloseCode.TIMEOUT]
    assert closes(ended)[0].reason.startswith("LIFE-SILENT: ")


def test_an_agent_that_only_pings_is_told_that_pings_are_no_messages() -> None:
    agent = Agent()
    agent.core.watch.pings_seen = 3

    effects = agent.wait(5.1)

    assert [effect.event.code for effect in effects if hasattr(effect, "event")] == ["LIFE-PING-ONLY"]


def test_a_challenge_that_nobody_answers_is_recorded_when_it_expires() -> None:
    agent = Agent(settings=GatewaySettings(challenge_ttl_s=8.0))
    agent.init()

    assert agent.core.watch.wake_at <= agent.mono + 8.0
    effects = agent.wait(8.0)

    assert kinds(effects) == ["registration.unfinished"]


def test_a_connection_without_any_frame_for_sixty_seconds_is_ended() -> None:
    agent = Agent().register()

    effects = agent.wait(61)

    assert codes(effects) == ["LIFE-HALF-OPEN"]
    assert [close.code for close in closes(effects)] == [CloseCode.TIMEOUT]


def test_a_registered_agent_without_heartbeats_is_named_once_per_silence() -> None:
    agent = Agent().register()
    told = []
    for _ in range(6):
        agent.core.watch.heard_at = agent.mono + 20
        told += agent.wait(20)

    assert kinds(told).count("agent.no-heartbeat") == 1


def test_the_heartbeat_interval_is_at_most_a_third_of_the_timeout() -> None:
    agent = Agent(settings=GatewaySettings(dead_after_s=30.0))
    agent.init()

    confirmation = sent(agent.complete())[0]

    assert confirmation["payload"]["heartbeat_interval"] == 10.0


def test_a_replaced_connection_is_told_which_attempt_replaced_it() -> None:
    agent = Agent().register()

    effects = agent.core.on_replaced(by="a-newer", wall=agent.wall)

    assert codes(effects) == ["LIFE-DUPLICATE-SESSION"]
    assert "a-newer" in sent(effects)[0]["payload"]["detail"]
    assert [close.code for close in closes(effects)] == [CloseCode.REPLACED]


def test_every_close_reason_names_the_fault_and_fits() -> None:
    agent = Agent().register()

    close = closes(agent.core.on_dismissed(problem("LIFE-RESTART-1012"), CloseCode.RESTART, wall=agent.wall))[0]

    assert close.reason.startswith("LIFE-RESTART-1012: ")
    assert len(close.reason.encode()) <= 123


def test_a_store_that_fails_tells_the_agent_to_come_back_later() -> None:
    agent = Agent()
    agent.init()

    effects = agent.core.on_refused(problem("SRV-DB-DOWN", retry_after_s=5.0), wall=agent.wall)

    assert sent(effects)[0]["payload"]["retry_after"] == 5.0
    assert [close.code for close in closes(effects)] == [CloseCode.TRY_LATER]


def test_an_error_names_the_message_it_answers_and_the_attempt() -> None:
    agent = Agent()

    error = sent(agent.say("agent.registration", {"host_id": "web-01"}, id="my-id"))[0]

    assert error["headers"] == {"reply_to": "my-id"}
    assert error["channel"] == "agent.registration"
    assert error["payload"]["code"] == "MSG-FIELD-MISSING"
    assert error["payload"]["attempt"] == "a-test"
    assert error["payload"]["docs"] == "docs/diagnosis/MSG-FIELD-MISSING.md"


def test_the_clock_difference_is_recorded_once_and_again_when_it_steps() -> None:
    agent = Agent().register()

    same, stepped = agent.beat(), agent.beat(timestamp=int(agent.wall) + 600)

    assert "agent.clock" not in kinds(same)
    assert kinds(stepped) == ["agent.clock"]


def test_no_secret_stands_in_an_event() -> None:
    agent = Agent()
    effects = agent.init(enrolment_token="hfe_secret")
    signature = agent.signature()
    effects += agent.complete(signature=signature)

    told = json.dumps([str(effect) for effect in effects if not isinstance(effect, Send | Register | Explain)][:4])

    assert "hfe_secret" not in "".join(str(effect.event) for effect in effects if hasattr(effect, "event"))
    assert signature not in told


def test_a_message_id_used_twice_in_a_row_is_recorded_once_and_accepted() -> None:
    agent = Agent()

    first, second, third = (agent.beat(id="same") for _ in range(3))

    assert [kinds(effects).count("message.odd") for effects in (first, second, third)] == [0, 1, 0]
    assert codes(second) == codes(first) == ["MSG-BEFORE-REGISTERED"]


def test_a_large_description_waits_as_text_until_the_key_is_proved_and_is_stored_whole() -> None:
    agent = Agent()
    capabilities = {f"capability-{number}": [number] for number in range(500)}
    agent.init(capabilities=capabilities, labels={"site": "north"})
    waiting = agent.core.session.claim

    effects = agent.say(
        "agent.registration.complete",
        {
            "registration_id": agent.challenge["registration_id"],
            "host_id": agent.host_id,
            "signature": agent.signature(),
        },
    )

    assert waiting is not None
    assert (waiting.capabilities, waiting.labels) == (None, {})
    stored = next(effect.registration for effect in effects if isinstance(effect, Register))
    assert (stored.capabilities, stored.labels) == (capabilities, {"site": "north"})


def test_step_two_on_the_channel_of_step_one_is_step_two_while_a_challenge_is_out() -> None:
    agent = Agent()
    agent.init()
    payload = {
        "registration_id": agent.challenge["registration_id"],
        "host_id": agent.host_id,
        "signature": agent.signature(),
    }

    proved = agent.say("agent.registration", payload)
    later = Agent().say("agent.registration", payload)

    assert isinstance(proved[-1], Register)
    assert sent(agent.stored())[0]["channel"] == "agent.registration"
    assert codes(later) == ["MSG-FIELD-MISSING"]
