"""Which message a channel carries, and what is wrong with a channel that carries none."""

import re
from typing import Final

from holdfast.faults import Problem, Refused, printable, problem
from holdfast.gateway.moves import Message
from holdfast.protocol import malformed, misencoded
from holdfast.protocol.envelope import EMPTY_PAYLOADS, Envelope, payload_json

STEPS: Final = {m.value: m for m in (Message.INIT, Message.COMPLETE, Message.AUTH)}
LEGACY_STEPS: Final = {"registration.complete": "agent.registration.complete", "registration": "agent.registration"}
OWN_CHANNEL: Final = re.compile(r"agent\.(?P<id>.{1,255})\.(?P<topic>[A-Za-z0-9_-]{1,64})")
BEAT_TYPES: Final = ("heartbeat", "event", "request")
MILLIS_ABOVE: Final = 100_000_000_000  # Unix seconds of the year 5138: whoever says more, counts milliseconds
WORDS: Final = frozenset({"registration", "auth", "register", "heartbeat"})


def message_of(envelope: Envelope, *, uid: str | None, host_id: str | None, now: float) -> Message:
    """What `envelope` is. `uid` and `host_id` are those this connection has shown, `now` is Unix seconds.

    Raises:
        Refused: the channel is unknown or another agent's, the timestamp is not in seconds, or the payload of a
            message that we do not read further is no base64 of a JSON object.
    """
    if not -MILLIS_ABOVE < envelope.timestamp < MILLIS_ABOVE:
        raise Refused(malformed.milliseconds(envelope.timestamp, now))
    channel = envelope.channel
    if channel in STEPS:
        return STEPS[channel]
    if channel == "agent.heartbeat":
        return _beat(envelope)
    match = OWN_CHANNEL.fullmatch(channel)
    if match is None or (match["id"] in WORDS and match["id"] not in (uid, host_id)):
        raise Refused(_unknown(channel))
    if uid is not None and match["id"] not in (uid, host_id):
        raise Refused(_foreign(channel, match["id"], uid, host_id))
    if match["topic"] == "heartbeat":
        return _beat(envelope)
    _check_payload(envelope)
    return Message.DATA


def _beat(envelope: Envelope) -> Message:
    if envelope.type not in BEAT_TYPES:
        raise Refused(malformed.unknown_type(envelope.type, BEAT_TYPES))
    _check_payload(envelope)
    return Message.BEAT


def _check_payload(envelope: Envelope) -> None:
    if envelope.payload in EMPTY_PAYLOADS:
        return
    try:
        payload_json(envelope.payload)
    except ValueError as error:
        raise Refused(misencoded.name_payload(envelope.payload)) from error


def _unknown(channel: str) -> Problem:
    shown = printable(channel)
    if channel in LEGACY_STEPS:
        return problem(
            "MSG-CHANNEL-LEGACY",
            why=f"channel {shown!r} is the original system's name for {LEGACY_STEPS[channel]!r}",
            fix=f"Send it on {LEGACY_STEPS[channel]!r}",
            field="channel",
        )
    near = malformed.nearest(channel, [*STEPS, "agent.heartbeat"])
    return problem(
        "MSG-CHANNEL-UNKNOWN",
        why=f"no channel is called {shown!r}" + (f"; the nearest is {near!r}" if near else ""),
        fix=f"Send it on {near!r}" if near else "Use a channel of the protocol page",
        field="channel",
        evidence={"found": shown, "nearest": near},
    )


def _foreign(channel: str, found: str, uid: str, host_id: str | None) -> Problem:
    return problem(
        "MSG-HEARTBEAT-CHANNEL",
        why=f"{printable(channel)!r} names {printable(found)!r}; this agent is {uid} ({printable(host_id or '')})",
        fix=f"Send heartbeats on 'agent.{uid}.heartbeat' or 'agent.heartbeat'",
        field="channel",
        evidence={"found": printable(found), "expected": uid},
    )
