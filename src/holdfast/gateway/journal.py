"""Where events go: into the log, into the counters, and to whoever subscribed (the ledger, the diagnosis).

The guide's five lines appear here, word for word and at its moments; fields beside them say what the words leave open.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from holdfast.faults import CATALOGUE, printable
from holdfast.model.events import Event, EventKind

Sink = Callable[[Event], None]


class Log(Protocol):
    """What is used of a structlog logger."""

    def info(self, event: str, **fields: object) -> object: ...
    def warning(self, event: str, **fields: object) -> object: ...
    def debug(self, event: str, **fields: object) -> object: ...
    def is_enabled_for(self, level: int) -> bool: ...


UNNAMED: Final = "(not named yet)"
WARN: Final = frozenset(
    {
        EventKind.HANDSHAKE_FAILED, EventKind.SILENT, EventKind.REFUSED, EventKind.ODD, EventKind.UNFINISHED,
        EventKind.NO_HEARTBEAT, EventKind.NO_PONG, EventKind.REPLACED, EventKind.GATEWAY_LAGGED, EventKind.STORE_FAILED,
    }
)  # fmt: skip
PLANNED: Final = frozenset({"LIFE-RESTART-1012"})
CLOSING: Final = "connection.closing"
QUIET: Final = frozenset({EventKind.OPENED, EventKind.FIRST_MESSAGE, EventKind.CLOCK, EventKind.SAMPLED})
SENTENCES: Final[Mapping[EventKind, str]] = {
    EventKind.CHALLENGED: "Successfully registered agent with Actions API",
    EventKind.REGISTERED: "Successfully completed agent registration",
}
EXTRA: Final[Mapping[EventKind, Mapping[str, object]]] = {
    # The guide logs this line after step one; alone it has misled people into believing that they were done.
    EventKind.CHALLENGED: {"step": "1 of 2", "still_due": "agent.registration.complete"},
    EventKind.REGISTERED: {"step": "2 of 2"},
}


class Journal:
    """Records events. `counts` by kind and `codes` by fault code feed /metrics."""

    def __init__(self, log: Log, *sinks: Sink) -> None:
        self._log = log
        self._tells_details = log.is_enabled_for(logging.DEBUG)
        self._sinks = list(sinks)
        self.counts: Counter[EventKind] = Counter()
        self.codes: Counter[str] = Counter()

    def subscribe(self, sink: Sink) -> None:
        """Hand every later event to `sink`, synchronously: it must be quick and must not raise."""
        self._sinks.append(sink)

    def record(self, event: Event) -> None:
        """Log, count and pass on."""
        kind = event.kind
        self.counts[kind] += 1
        if event.code is not None:
            self.codes[event.code] += 1
        if kind in QUIET:
            if self._tells_details:
                self._log.debug(kind.value, **_fields(event))
        elif kind in WARN:
            said = self._log.info if event.code in PLANNED else self._log.warning
            said(_warning(event), **_fields(event))
        else:
            fields = _fields(event)
            if kind in EXTRA:
                fields |= EXTRA[kind]
            self._log.info(_sentence(event), **fields)
        for sink in self._sinks:
            sink(event)


def _warning(event: Event) -> str:
    # What the gateway decided by itself is told like a refusal, and no message was refused.
    decided = event.kind is EventKind.REFUSED and event.code is not None and event.code.startswith(("LIFE-", "SRV-"))
    return CLOSING if decided else event.kind.value


def _sentence(event: Event) -> str:
    name = printable(event.host_id) if event.host_id else UNNAMED
    if event.kind is EventKind.UPGRADED:
        return f"WebSocket connection established for agent: {name}"
    if event.kind is EventKind.INIT:
        return f"Received registration init request: host_id={name}"
    if event.kind is EventKind.COMPLETE:
        return f"Received registration complete request: host_id={name}"
    return SENTENCES.get(event.kind, event.kind.value)


def _fields(event: Event) -> dict[str, object]:
    fields: dict[str, object] = {"attempt": event.attempt} if event.attempt else {}
    if event.host_id:
        fields["host"] = printable(event.host_id)
    if event.agent_uid:
        fields["agent"] = event.agent_uid
    if event.peer:
        fields["peer"] = event.peer
    if event.code:
        fields["code"] = event.code
        known = CATALOGUE.get(event.code)
        if known is not None and "what" not in event.facts:
            fields["what"] = known.title
            fields["fix"] = known.fix
    for name, value in event.facts.items():
        if value is not None and name not in fields:
            fields[name] = value
    return fields
