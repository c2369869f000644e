"""The engine of diagnosis: events in, changes of findings out. No I/O, no clock; the same events give the same answer.

`on_event` takes the gateway's events in their order, `on_tick` the time in between. What a healthy connection causes
costs a few dictionary accesses: rules are asked only where a moment needs judging.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from holdfast.diagnosis.arrivals import Arrivals
from holdfast.diagnosis.changes import Change
from holdfast.diagnosis.farewells import Farewells
from holdfast.diagnosis.judge import Judge
from holdfast.diagnosis.keys import AGENT, GATEWAY
from holdfast.diagnosis.rules import Moment
from holdfast.diagnosis.stays import STORE_CODES, Stays
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.waits import Waits
from holdfast.diagnosis.world import Timers
from holdfast.model import Admission
from holdfast.model.events import Event, EventKind
from holdfast.model.findings import KeptFinding

EXPIRE_EVERY_S: Final = 5.0
TIMERS: Final = tuple(Timers.__struct_fields__)
NOTHING: Final[list[Change]] = []

Handler = Callable[[Event], list[Change]]


class Engine:
    """All that diagnosis knows. Bounded: see `World`, `Subjects` and `Book`."""

    def __init__(self) -> None:
        judge = Judge()
        self._judge = judge.judge
        self._world, self._book = judge.world, judge.book
        self._farewells = Farewells(judge)
        waits = Waits(judge)
        self._arrivals = Arrivals(judge, waits, self._farewells)
        self._expired_at = 0.0
        self._handlers: Mapping[EventKind, Handler] = {
            EventKind.GATEWAY_STARTED: self._gateway_started,
            EventKind.GATEWAY_STOPPED: self._gateway_stopped,
            EventKind.GATEWAY_LAGGED: self._gateway_lagged,
            EventKind.STORE_FAILED: self._store_failed,
            EventKind.STORE_RECOVERED: self._store_recovered,
            **self._arrivals.handlers,
            **Stays(judge, waits, self._farewells).handlers,
        }

    def on_event(self, event: Event) -> list[Change]:
        """One fact. Returns what it changed; the list may be shared and is not to be altered."""
        handler = self._handlers.get(event.kind)
        return handler(event) if handler is not None else NOTHING

    def on_tick(self, now: float) -> list[Change]:
        """Time has passed (Unix seconds). To be called a few times a second; cheap when nothing is due."""
        changes = self._farewells.due(now) + self._arrivals.due(now)
        if now - self._expired_at >= EXPIRE_EVERY_S:
            self._expired_at = now
            if not self._book.is_empty:
                changes += self._book.expire(now, self._world.online_since)
        return changes

    def wake_at(self, now: float) -> float:
        """When `on_tick` has something to do at the earliest; for replays, which skip what is in between."""
        return max(now, self._arrivals.wake_at(self._farewells.wake_at(now + EXPIRE_EVERY_S)))

    def on_admission(self, agent_uid: str, admission: Admission, at: float) -> list[Change]:
        """An operator approved or revoked an agent: it waits no longer, or is no longer refused."""
        codes = ("ID-REVOKED", "ID-PENDING") if admission is Admission.APPROVED else ("ID-PENDING",)
        because = f"an operator has {admission.value} it"
        return self._book.drop((AGENT, agent_uid), codes, at, because=because)

    def adopt(self, kept: Iterable[KeptFinding]) -> list[Change]:
        """Go on with what was open when diagnosis stopped. To be called before the first event."""
        return [change for each in kept for change in self._book.adopt(each)]

    def _gateway_started(self, event: Event) -> list[Change]:
        world, at = self._world, event.at
        told = {name: float(value) for name in TIMERS if isinstance(value := event.facts.get(name), int | float)}
        world.timers = replace(world.timers, **told)
        changes = self._judge(Moment.STARTED, event, Trace(event))
        # What was open is gone with the process that held it.
        world.start(at)
        self._arrivals.forget()
        self._farewells.forget(at)
        return changes

    def _gateway_stopped(self, event: Event) -> list[Change]:
        self._world.stopped_at = event.at
        self._world.is_draining = True
        return NOTHING

    def _gateway_lagged(self, event: Event) -> list[Change]:
        lag = event.facts.get("lag_s")
        self._world.lagged(event.at, float(lag) if isinstance(lag, int | float) else 1.0)
        return self._judge(Moment.LAGGED, event, Trace(event))

    def _store_failed(self, event: Event) -> list[Change]:
        self._world.store_failed_at = event.at
        return self._judge(Moment.STORE_FAILED, event, Trace(event))

    def _store_recovered(self, event: Event) -> list[Change]:
        self._world.store_failed_at = 0.0
        return self._book.drop(GATEWAY, tuple(STORE_CODES), event.at, because="the store takes writes again")
