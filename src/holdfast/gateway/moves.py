"""The legal moves of a connection, as one table. What is absent is refused, and a refused message changes nothing."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a connection stands."""

    HELLO = "hello"  # open, nothing proved
    CHALLENGED = "challenged"  # a challenge is out
    READY = "ready"  # registered or resumed
    RENEWING = "renewing"  # registered, and registering again on the same connection
    ENDED = "ended"


class Message(StrEnum):
    """What an agent can say, by its channel."""

    INIT = "agent.registration"
    COMPLETE = "agent.registration.complete"
    AUTH = "auth"
    BEAT = "heartbeat"
    DATA = "data"


NEXT: Final[Mapping[tuple[State, Message], State]] = {
    (State.HELLO, Message.INIT): State.CHALLENGED,
    (State.HELLO, Message.AUTH): State.READY,
    (State.CHALLENGED, Message.INIT): State.CHALLENGED,
    (State.CHALLENGED, Message.COMPLETE): State.READY,
    (State.CHALLENGED, Message.AUTH): State.READY,
    (State.READY, Message.INIT): State.RENEWING,
    (State.READY, Message.AUTH): State.READY,
    (State.READY, Message.BEAT): State.READY,
    (State.READY, Message.DATA): State.READY,
    (State.RENEWING, Message.INIT): State.RENEWING,
    (State.RENEWING, Message.COMPLETE): State.READY,
    (State.RENEWING, Message.AUTH): State.READY,
    (State.RENEWING, Message.BEAT): State.RENEWING,
    (State.RENEWING, Message.DATA): State.RENEWING,
}

PROVED: Final = frozenset({State.READY, State.RENEWING})
