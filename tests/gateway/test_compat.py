"""Agents in the field, built for the original system: what they do, and what they have to hear."""

import json

import pytest
from nacl.signing import SigningKey

from holdfast.gateway.compat import LEGACY, PLAIN, STANDARD, Profile, choose_profile
from holdfast.gateway.effects import Explain, Identify, Register
from holdfast.gateway.moves import State
from holdfast.model import Admission, Identity, agent_uid
from holdfast.protocol.envelope import decode_base64, encode_base64
from holdfast.protocol.signing import registration_text
from tests.gateway.conversation import NONCE, Agent, Json, closes, codes, kinds, sent
from tests.gateway.test_connection import auth_payload


def raw_payload(effects: list[object]) -> str:
    """The payload text of the only envelope among the effects, as it goes over the wire."""
    frames = [json.loads(effect.frame) for effect in effects if hasattr(effect, "frame")]
    assert len(frames) == 1
    return str(frames[0]["payload"])


def legacy_agent() -> Agent:
    """An agent that signs the decoded nonce bytes, as those agents do."""
    return Agent(profile=LEGACY)


def legacy_signature(agent: Agent) -> str:
    challenge = agent.challenge
    text = decode_base64(challenge["nonce"]) + (challenge["server_time"] + agent.host_id).encode()
    return agent.signature(text)


def test_auth_before_registration_is_greeted_and_grants_nothing() -> None:
    agent = legacy_agent()

    asked = agent.say("auth", auth_payload(agent))
    greeting = agent.core.on_identified(None, wall=agent.wall)
    beat = agent.beat()

    assert isinstance(asked[-1], Identify)
    answer: Json = sent(greeting)[0]["payload"]
    assert answer["success"] is True
    assert len(decode_base64(answer["backend_key"])) == 32
    assert answer["session_token"]
    assert answer["expires_at"] > agent.wall
    assert raw_payload([*greeting])[0] != "{", "the answer to auth is base64 for these agents, too"
    assert agent.core.session.state is State.HELLO
    assert agent.core.session.agent_uid is None
    assert codes(beat) == ["MSG-BEFORE-REGISTERED"]


def test_a_whole_life_of_such_an_agent() -> None:
    agent = legacy_agent()
    agent.say("auth", auth_payload(agent))
    agent.core.on_identified(None, wall=agent.wall)

    challenge = agent.init()
    confirmation = agent.complete(signature=legacy_signature(agent))
    first_beat, second_beat = (
        agent.say(f"agent.{name}.heartbeat", {}, type="heartbeat")
        for name in (agent.host_id, agent_uid(bytes(agent.key.verify_key)))
    )

    assert json.loads(raw_payload([*challenge]))["nonce"] == NONCE
    told = json.loads(raw_payload([*confirmation]))
    assert told["agent_uid"] == agent_uid(bytes(agent.key.verify_key))
    assert told["status"] == "registered"
    assert told["bootstrap_token"]
    assert sent(first_beat) == sent(second_beat) == []
    assert kinds(first_beat) == ["agent.first-heartbeat"]


def test_the_plain_text_of_the_guide_does_not_verify_for_such_an_agent_nor_the_bytes_for_another() -> None:
    legacy, standard = legacy_agent(), Agent()
    legacy.init()
    standard.init()

    text = legacy.complete()
    raw = standard.complete(signature=legacy_signature(standard))

    assert isinstance(text[-1], Explain)
    assert isinstance(raw[-1], Explain)


def test_such_an_agent_resumes_with_the_fields_it_insists_on() -> None:
    agent = legacy_agent()
    agent.say("auth", auth_payload(agent))
    known = Identity(
        agent_uid=agent_uid(bytes(agent.key.verify_key)), org_id="default-org", host_id="web-01",
        admission=Admission.APPROVED, heartbeat_interval_s=20.0,
    )  # fmt: skip

    answer = sent(agent.core.on_identified(known, wall=agent.wall))[0]["payload"]

    assert {"success", "agent_uid", "expires_at", "session_token", "backend_key"} <= set(answer)
    assert agent.core.session.state is State.READY


def test_a_revoked_agent_is_not_greeted() -> None:
    agent = legacy_agent()
    agent.say("auth", auth_payload(agent))
    known = Identity(
        agent_uid=agent_uid(bytes(agent.key.verify_key)), org_id="default-org", host_id="web-01",
        admission=Admission.REVOKED, heartbeat_interval_s=20.0,
    )  # fmt: skip

    effects = agent.core.on_identified(known, wall=agent.wall)

    assert codes(effects) == ["ID-REVOKED"]
    assert [close.code for close in closes(effects)] == [4503]


def test_errors_are_base64_for_everybody() -> None:
    for profile in (STANDARD, PLAIN, LEGACY):
        assert raw_payload([*Agent(profile=profile).beat()])[0] != "{"


def test_one_message_may_ask_for_its_answer_as_plain_json() -> None:
    agent = Agent()

    plain = agent.say(
        "agent.registration",
        {"host_id": "web-01", "agent_pubkey": agent.public_key},
        headers={"accept-payload": "json"},
    )
    plain += agent.core.on_admitted(registration_id="r-1", nonce=NONCE, mono=agent.mono, wall=agent.wall)
    agent.challenge = json.loads(raw_payload([*plain]))
    usual = agent.complete()

    assert agent.challenge["registration_id"] == "r-1"
    assert raw_payload([*usual])[0] != "{"
    assert sent(usual)[0]["payload"]["status"] == "registered"


def test_plain_payloads_for_everybody_change_the_form_and_nothing_else() -> None:
    agent = Agent(profile=PLAIN)

    challenge = agent.init()
    confirmation = agent.complete()
    ack = agent.beat()

    assert json.loads(raw_payload([*challenge]))["sign"] == "nonce + server_time + host_id"
    assert "bootstrap_token" not in json.loads(raw_payload([*confirmation]))
    assert sent(ack)[0]["type"] == "ack"


@pytest.mark.parametrize(
    ("user_agent", "compatibility", "profile"),
    [
        ("Aegis-Agent/1.0", "auto", LEGACY),
        ("Aegis-Agent/2.3 (linux)", "on", LEGACY),
        ("Aegis-Agent/1.0", "off", STANDARD),
        ("Python-websockets/17", "auto", STANDARD),
        ("Python-websockets/17", "on", PLAIN),
        ("my Aegis-Agent/1.0", "auto", STANDARD),
        ("", "auto", STANDARD),
    ],
)
def test_the_profile_is_chosen_by_user_agent_or_by_configuration(
    user_agent: str, compatibility: str, profile: Profile
) -> None:
    assert choose_profile(user_agent, compatibility) is profile  # type: ignore[arg-type]  # three literals


def test_no_profile_accepts_a_signature_of_another_key() -> None:
    for profile in (STANDARD, PLAIN, LEGACY):
        agent = Agent(profile=profile)
        agent.init()
        text = profile.signed_text(
            nonce=agent.challenge["nonce"], server_time=agent.challenge["server_time"], host_id=agent.host_id
        )
        forged = encode_base64(SigningKey.generate().sign(text).signature)

        assert not any(isinstance(effect, Register) for effect in agent.complete(signature=forged))


def test_the_standard_text_is_that_of_the_protocol() -> None:
    parts = {"nonce": NONCE, "server_time": "2025-11-24T16:00:00Z", "host_id": "web-01"}

    assert STANDARD.signed_text(**parts) == PLAIN.signed_text(**parts) == registration_text(**parts)
    assert LEGACY.signed_text(**parts) == bytes(range(32)) + b"2025-11-24T16:00:00Zweb-01"
