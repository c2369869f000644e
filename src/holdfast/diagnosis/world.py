"""What is true of the gateway and the fleet as a whole: own health, own timers, who is online, everybody's clock."""

from collections import OrderedDict, deque
from statistics import median
from typing import Final

import msgspec

from holdfast.diagnosis.traces import ORDER, Trace
from holdfast.model import Step
from holdfast.model.events import Event

MAX_TRACES: Final = 300_000
MAX_OFFSETS: Final = 500
MAX_RECENT: Final = 4_096
MAX_HOSTS: Final = 64
MAX_ADDRESSES: Final = 1_024
REGISTERED: Final = ORDER[Step.REGISTERED]
RECENT_S: Final = 10.0
HEALTH_MARGIN_S: Final = 5.0
"""How long after a lag its effects are still expected: messages that waited, pings that went out late."""
STORE_MARGIN_S: Final = 60.0


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's own timers, as it tells them at its start."""

    first_message_s: float = 5.0
    silent_close_s: float = 300.0
    ping_interval_s: float = 20.0
    dead_after_s: float = 60.0
    challenge_ttl_s: float = 120.0
    heartbeat_interval_s: float = 20.0


class World:
    """Changed by the engine alone; rules only read it."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.traces: dict[str, Trace] = {}
        self.online: dict[str, Trace] = {}
        self.offsets: OrderedDict[str, float] = OrderedDict()
        self.abrupt: deque[Trace] = deque(maxlen=MAX_RECENT)
        self.arrivals: deque[Trace] = deque(maxlen=MAX_RECENT)
        self.hosts_at: OrderedDict[str, set[str]] = OrderedDict()
        self.started_at = 0.0
        self.stopped_at = 0.0
        self.is_draining = False
        self.ill_from = self.ill_until = 0.0
        self.store_failed_at = 0.0

    # ---- health

    def lagged(self, at: float, lag_s: float) -> None:
        """The gateway noticed at `at` that it had stood still for `lag_s`."""
        began = at - lag_s - 1.0
        self.ill_from = min(self.ill_from, began) if self.ill_until >= began else began
        self.ill_until = at + lag_s + HEALTH_MARGIN_S

    def is_ill(self, at: float) -> bool:
        """Whether the gateway itself was unwell around `at`: then nothing measured speaks against an agent."""
        if self.is_draining or self.ill_from <= at <= self.ill_until:
            return True
        return self.store_failed_at > 0.0 and at - self.store_failed_at < STORE_MARGIN_S

    def start(self, at: float) -> None:
        """The gateway started: what was open before is gone with the process that held it."""
        self.traces.clear()
        self.online.clear()
        self.abrupt.clear()
        self.arrivals.clear()
        self.started_at = at
        self.is_draining = False

    # ---- connections

    def trace_of(self, event: Event) -> Trace:
        """The connection that this event is about, known or not."""
        trace = self.traces.get(event.attempt)
        if trace is not None:
            trace.identify(event)
            return trace
        # Its beginning was not heard: diagnosis began later than the connection.
        trace = Trace(event)
        self.add(trace)
        if trace.uid is not None:
            trace.registered_at = event.at
            trace.step = max(trace.step, REGISTERED)
        return trace

    def note_host(self, trace: Trace) -> None:
        """A host registered through a proxy."""
        hosts = self.hosts_at.setdefault(trace.address, set())
        if len(hosts) < MAX_HOSTS:
            hosts.add(trace.host_id or "")
        if len(self.hosts_at) > MAX_ADDRESSES:
            self.hosts_at.popitem(last=False)

    def online_since(self, uid: str) -> float | None:
        """Since when this agent is connected; None while it is not."""
        trace = self.online.get(uid)
        return trace.opened_at if trace is not None else None

    def add(self, trace: Trace) -> None:
        """A connection was upgraded."""
        self.traces[trace.attempt] = trace
        if len(self.traces) > MAX_TRACES:
            # Only a stream that lost its endings comes here; the oldest is the likeliest to be long gone.
            del self.traces[next(iter(self.traces))]

    def settle(self, trace: Trace, uid: str) -> None:
        """A key was proved on this connection."""
        self.online[uid] = trace

    def end(self, trace: Trace) -> None:
        """A connection is gone."""
        self.traces.pop(trace.attempt, None)
        uid = trace.uid
        if uid is not None and self.online.get(uid) is trace:
            del self.online[uid]

    def recent_abrupt(self, now: float, window_s: float) -> list[Trace]:
        """Registered connections that ended without a word within the last `window_s` seconds."""
        abrupt = self.abrupt
        while abrupt and abrupt[0].ended_at < now - RECENT_S:
            abrupt.popleft()
        return [trace for trace in abrupt if trace.ended_at >= now - window_s]

    # ---- clocks

    def note_offset(self, name: str, offset_s: float) -> None:
        """An agent's clock is ahead of ours by `offset_s`."""
        self.offsets[name] = offset_s
        self.offsets.move_to_end(name)
        if len(self.offsets) > MAX_OFFSETS:
            self.offsets.popitem(last=False)

    def others_offset_s(self, name: str) -> tuple[float, int]:
        """The median of all other agents' offsets, and how many there are; 0 where there is none."""
        others = [offset for other, offset in self.offsets.items() if other != name]
        return (median(others), len(others)) if others else (0.0, 0)
