"""Which message a channel carries, and what is wrong with one that carries none."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faults import Problem, Refused
from holdfast.gateway.channels import message_of
from holdfast.gateway.moves import Message
from holdfast.protocol.envelope import Envelope

NOW = 1_764_000_000
UID = "agt_0123456789abcdef"
HOST = "web-01"


def told(channel: str, *, registered: bool = True, **changes: object) -> Message | Problem:
    values: dict[str, object] = {"type": "heartbeat", "timestamp": NOW, "payload": ""} | changes
    envelope = Envelope(id="m-1", channel=channel, **values)  # type: ignore[arg-type]  # the test's own keywords
    try:
        return message_of(envelope, uid=UID if registered else None, host_id=HOST if registered else None, now=NOW)
    except Refused as refusal:
        return refusal.problem


def code(answer: Message | Problem) -> str:
    return answer.code if isinstance(answer, Problem) else f"is {answer.name}"


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("agent.registration", Message.INIT),
        ("agent.registration.complete", Message.COMPLETE),
        ("auth", Message.AUTH),
        ("agent.heartbeat", Message.BEAT),
        (f"agent.{UID}.heartbeat", Message.BEAT),
        (f"agent.{HOST}.heartbeat", Message.BEAT),
        (f"agent.{UID}.inventory", Message.DATA),
        (f"agent.{HOST}.log_lines-2", Message.DATA),
    ],
)
def test_each_channel_of_the_protocol_carries_its_message(channel: str, message: Message) -> None:
    assert told(channel) is message


@pytest.mark.parametrize(
    ("channel", "code_of_it", "says"),
    [
        ("registration", "MSG-CHANNEL-LEGACY", "'agent.registration'"),
        ("registration.complete", "MSG-CHANNEL-LEGACY", "'agent.registration.complete'"),
        ("agent.regstration", "MSG-CHANNEL-UNKNOWN", "the nearest is 'agent.registration'"),
        ("agent.registration.completed", "MSG-CHANNEL-UNKNOWN", "agent.registration.complete"),
        ("heartbeat", "MSG-CHANNEL-UNKNOWN", "agent.heartbeat"),
        ("Agent.Heartbeat", "MSG-CHANNEL-UNKNOWN", "agent.heartbeat"),
        ("nothing-like-it", "MSG-CHANNEL-UNKNOWN", "no channel is called"),
        ("agent.web-02.heartbeat", "MSG-HEARTBEAT-CHANNEL", UID),
        ("agent.\x1b[31m.heartbeat", "MSG-HEARTBEAT-CHANNEL", "\\x1b"),
    ],
)
def test_a_channel_that_carries_nothing_is_told_what_was_probably_meant(
    channel: str, code_of_it: str, says: str
) -> None:
    wrong = told(channel)

    assert isinstance(wrong, Problem)
    assert (wrong.code, wrong.field) == (code_of_it, "channel")
    assert says in f"{wrong.why} {wrong.fix}"


def test_before_registration_every_agents_channel_is_a_heartbeats_and_the_state_refuses_it() -> None:
    assert told("agent.web-02.heartbeat", registered=False) is Message.BEAT


@pytest.mark.parametrize("kind", ["heartbeat", "event", "request"])
def test_heartbeats_come_under_several_types(kind: str) -> None:
    assert told("agent.heartbeat", type=kind) is Message.BEAT


@pytest.mark.parametrize("kind", ["response", "ack", "error"])
def test_a_heartbeat_of_another_type_is_named(kind: str) -> None:
    assert code(told("agent.heartbeat", type=kind)) == "MSG-TYPE-UNKNOWN"


@pytest.mark.parametrize(
    ("timestamp", "answer"),
    [(NOW, "is BEAT"), (0, "is BEAT"), (NOW * 1000, "MSG-TS-MILLIS"), (NOW * 10**9, "MSG-TS-MILLIS")],
)
def test_a_timestamp_in_another_unit_is_named(timestamp: int, answer: str) -> None:
    assert code(told("agent.heartbeat", timestamp=timestamp)) == answer


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ("", "is BEAT"),
        ("e30=", "is BEAT"),
        (base64.b64encode(json.dumps({"load": 1}).encode()).decode(), "is BEAT"),
        ('{"load": 1}', "MSG-PAYLOAD-RAW-JSON"),
        (base64.b64encode(b"[1]").decode(), "MSG-PAYLOAD-NOT-JSON"),
        ("%%%", "MSG-PAYLOAD-NOT-B64"),
    ],
)
def test_the_payload_of_a_message_that_is_not_read_further_is_checked_all_the_same(payload: str, answer: str) -> None:
    assert code(told("agent.heartbeat", payload=payload)) == answer


@given(
    channel=st.text(min_size=1, max_size=60) | st.text(max_size=20).map(lambda text: f"agent.{text}.heartbeat"),
    payload=st.text(max_size=40),
    timestamp=st.integers(-(2**63), 2**63 - 1),
    registered=st.booleans(),
)
def test_any_channel_and_payload_is_a_message_or_a_problem(
    channel: str, payload: str, timestamp: int, registered: bool
) -> None:
    answer = told(channel, payload=payload, timestamp=timestamp, registered=registered)

    assert isinstance(answer, Message) or answer.code.startswith("MSG-")
