"""Agents built for the original system, in the core: the profile of the protocol page, line by line."""

import json

import pytest
from nacl.signing import SigningKey

from holdfast.gateway.compat import LEGACY, PLAIN, STANDARD, choose_profile
from holdfast.gateway.effects import Explain, Ping, Send
from holdfast.gateway.moves import State
from holdfast.protocol.envelope import decode_base64, encode_base64
from tests.gateway.conversation import NONCE, Agent, kinds, sent
from tests.gateway.test_connection import auth_payload


def legacy_signature(agent: Agent) -> str:
    text = decode_base64(agent.challenge["nonce"]) + (agent.challenge["server_time"] + agent.host_id).encode()
    return agent.signature(text)


def registered() -> Agent:
    agent = Agent(profile=LEGACY)
    agent.init()
    agent.complete(signature=legacy_signature(agent))
    return agent


@pytest.mark.parametrize(
    ("user_agent", "compatibility", "profile"),
    [
        ("Aegis-Agent/1.0", "auto", LEGACY),
        ("Aegis-Agent/1.0", "on", LEGACY),
        ("Aegis-Agent/1.0", "off", STANDARD),
        ("python-requests/2", "auto", STANDARD),
        ("", "on", PLAIN),
    ],
)
def test_the_profile_is_chosen_by_user_agent_or_by_configuration(
    user_agent: str, compatibility: str, profile: object
) -> None:
    assert choose_profile(user_agent, compatibility) is profile  # type: ignore[arg-type]  # the values of the table


def test_auth_before_registration_succeeds_and_grants_nothing_but_the_right_to_register() -> None:
    agent = Agent(profile=LEGACY, key=SigningKey.generate())
    agent.say("auth", auth_payload(agent, nonce=encode_base64(b"0" * 16), agent_id="web-01"))

    answer = sent(agent.core.on_identified(None, wall=agent.wall))[0]

    assert answer["payload"]["success"] is True
    assert len(decode_base64(answer["payload"]["backend_key"])) == 32
    assert answer["payload"]["session_token"]
    assert answer["payload"]["expires_at"] > agent.wall
    assert agent.core.session.state is State.HELLO
    assert agent.core.session.agent_uid is None


def test_registration_answers_are_plain_json_and_carry_a_bootstrap_token() -> None:
    agent = Agent(profile=LEGACY)

    first = next(effect for effect in agent.init() if isinstance(effect, Send))
    second = next(effect for effect in agent.complete(signature=legacy_signature(agent)) if isinstance(effect, Send))

    assert json.loads(json.loads(first.frame)["payload"])["registration_id"] == agent.challenge["registration_id"]
    confirmation = json.loads(json.loads(second.frame)["payload"])
    assert confirmation["agent_uid"] == agent.core.session.agent_uid
    assert confirmation["bootstrap_token"]


def test_only_the_decoded_nonce_verifies_in_this_profile_and_only_the_text_in_the_standard_one() -> None:
    legacy, standard = Agent(profile=LEGACY), Agent()
    legacy.init()
    standard.init()

    text_in_legacy = legacy.complete()
    decoded_in_standard = standard.complete(signature=legacy_signature(standard))

    assert isinstance(text_in_legacy[-1], Explain)
    assert isinstance(decoded_in_standard[-1], Explain)


def test_heartbeats_are_not_acknowledged_and_may_be_a_minute_apart() -> None:
    agent = registered()

    beat = agent.say("agent.web-01.heartbeat", {}, type="heartbeat")
    told = []
    for _ in range(8):
        agent.core.watch.heard_at = agent.mono + 20
        told += agent.wait(20)

    assert sent(beat) == []
    assert "agent.first-heartbeat" in kinds(beat)
    assert "agent.no-heartbeat" not in kinds(told)


def test_a_message_comes_with_every_ping_because_pings_alone_do_not_keep_such_an_agent() -> None:
    legacy, standard = registered(), Agent().register()

    with_news, without = legacy.wait(20), standard.wait(20)

    assert [type(effect) for effect in with_news] == [Ping, Send]
    assert sent(with_news)[0]["channel"] == "agent.keepalive"
    assert [type(effect) for effect in without] == [Ping]


def test_a_header_asks_for_plain_payloads_and_changes_nothing_else() -> None:
    agent = Agent()
    payload = {"host_id": agent.host_id, "agent_pubkey": agent.public_key}

    agent.say("agent.registration", payload, headers={"accept-payload": "json"})
    answer = agent.core.on_admitted(registration_id="r-1", nonce=NONCE, mono=agent.mono, wall=agent.wall)

    frames = [effect.frame for effect in answer if isinstance(effect, Send)]
    assert json.loads(json.loads(frames[0])["payload"])["sign"] == "nonce + server_time + host_id"
