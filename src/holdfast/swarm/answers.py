"""What a member reads of the gateway's messages; what it does not need is ignored.

A payload that cannot be read raises `stream.NotFrames`: a gateway never sends one.
"""

from typing import TypeVar

import msgspec

from holdfast.protocol.envelope import Envelope, payload_json
from holdfast.protocol.limits import HEARTBEAT_INTERVAL_S
from holdfast.protocol.payloads import Challenge
from holdfast.swarm.stream import NotFrames


class Standing(msgspec.Struct, frozen=True):
    """A confirmation, or the answer to `auth`."""

    agent_uid: str = ""
    success: bool = True
    heartbeat_interval: float = HEARTBEAT_INTERVAL_S


class Refusal(msgspec.Struct, frozen=True):
    """An `error`; `retry_after` in seconds."""

    code: str
    retry_after: float | None = None


ReadT = TypeVar("ReadT", Challenge, Standing, Refusal)


def read_challenge(message: Envelope) -> Challenge:
    """Step 2 of a registration."""
    return _read(message, Challenge)


def read_standing(message: Envelope) -> Standing:
    """Step 4, or the answer to `auth`."""
    return _read(message, Standing)


def read_refusal(message: Envelope) -> Refusal:
    """Why the gateway did not do what it was asked."""
    return _read(message, Refusal)


def _read(message: Envelope, kind: type[ReadT]) -> ReadT:
    try:
        return msgspec.json.decode(payload_json(message.payload), type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise NotFrames(f"a {message.type} on {message.channel[:40]!r} that cannot be read") from error
