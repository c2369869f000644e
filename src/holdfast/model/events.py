"""What happened on a connection or in the gateway, as one stream: the log, the ledger and the diagnosis read it.

An event is a fact with its time; it draws no conclusion. Recorded as JSON lines the stream can be replayed.
"""

from enum import StrEnum

import msgspec

from holdfast.model.attempts import Step

Fact = str | int | float | bool | None


class EventKind(StrEnum):
    """Every kind of event. The values are stable: recorded logs hold them."""

    GATEWAY_STARTED = "gateway.started"
    GATEWAY_STOPPED = "gateway.stopped"
    GATEWAY_LAGGED = "gateway.lagged"
    STORE_FAILED = "store.failed"
    STORE_RECOVERED = "store.recovered"
    OPENED = "connection.opened"
    HANDSHAKE_FAILED = "connection.handshake-failed"
    UPGRADED = "connection.upgraded"
    FIRST_MESSAGE = "connection.first-message"
    SILENT = "connection.silent"
    REPLACED = "connection.replaced"
    NO_PONG = "connection.no-pong"
    LATE_PONG = "connection.late-pong"
    SAMPLED = "connection.sampled"
    ENDED = "connection.ended"
    REFUSED = "message.refused"
    ODD = "message.odd"
    INIT = "registration.init"
    CHALLENGED = "registration.challenged"
    UNFINISHED = "registration.unfinished"
    COMPLETE = "registration.complete"
    REGISTERED = "agent.registered"
    RESUMED = "agent.resumed"
    FIRST_HEARTBEAT = "agent.first-heartbeat"
    NO_HEARTBEAT = "agent.no-heartbeat"
    CLOCK = "agent.clock"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fact. `at` is Unix seconds on the gateway's clock; `facts` are safe to show and hold no secret.

    `host_id` and `org_id` are claims until `agent_uid` is set; `code` is a fault of the catalogue where something was
    wrong. `attempt` is empty for events of the gateway itself.
    """

    at: float
    kind: EventKind
    attempt: str = ""
    step: Step | None = None
    code: str | None = None
    peer: str | None = None
    org_id: str | None = None
    host_id: str | None = None
    agent_uid: str | None = None
    facts: dict[str, Fact] = {}
