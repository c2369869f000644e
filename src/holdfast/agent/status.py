"""Where an agent stands, as its owner sees it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from holdfast.faults.problem import Problem


class State(StrEnum):
    """The agent's side of a connection, from nothing to the end."""

    IDLE = "idle"  # not started
    DIALLING = "dialling"  # name, TCP, TLS and upgrade
    AUTHENTICATING = "authenticating"  # `auth` is out
    REGISTERING = "registering"  # init is out
    COMPLETING = "completing"  # the signature is out
    PENDING = "pending"  # registered and connected, and an operator has to approve it
    READY = "ready"  # registered, connected and approved
    BACKING_OFF = "backing-off"  # waiting for the next attempt
    REFUSED = "refused"  # told not to come back; only a restart by a person helps
    STOPPED = "stopped"  # its owner stopped it


# A pair that is absent here is a mistake of this program, never of a peer.
NEXT: Final[Mapping[State, frozenset[State]]] = {
    State.IDLE: frozenset({State.DIALLING, State.STOPPED}),
    State.DIALLING: frozenset(
        {State.AUTHENTICATING, State.REGISTERING, State.BACKING_OFF, State.REFUSED, State.STOPPED}
    ),
    State.AUTHENTICATING: frozenset(
        {State.REGISTERING, State.READY, State.PENDING, State.BACKING_OFF, State.REFUSED, State.STOPPED}
    ),
    State.REGISTERING: frozenset({State.COMPLETING, State.BACKING_OFF, State.REFUSED, State.STOPPED}),
    State.COMPLETING: frozenset({State.READY, State.PENDING, State.BACKING_OFF, State.REFUSED, State.STOPPED}),
    State.PENDING: frozenset({State.READY, State.REGISTERING, State.BACKING_OFF, State.REFUSED, State.STOPPED}),
    State.READY: frozenset({State.PENDING, State.REGISTERING, State.BACKING_OFF, State.REFUSED, State.STOPPED}),
    State.BACKING_OFF: frozenset({State.DIALLING, State.STOPPED}),
    State.REFUSED: frozenset(),
    State.STOPPED: frozenset(),
}

ASKING: Final = frozenset({State.AUTHENTICATING, State.REGISTERING, State.COMPLETING})
CONNECTED: Final = ASKING | {State.PENDING, State.READY}
ENDED: Final = frozenset({State.REFUSED, State.STOPPED})


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `Agent.status` shows. `since` is when `state` began, Unix seconds.

    `attempt` is the gateway's name for this connection, the one to quote to its operator. `problem` is the last one
    met, kept until the agent is registered again. `retry_in_s` is set while backing off.
    """

    state: State
    since: float
    uid: str | None = None
    attempt: str | None = None
    problem: Problem | None = None
    retry_in_s: float | None = None
