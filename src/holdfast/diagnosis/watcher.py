"""The shell of diagnosis: events from the journal into the engine, its conclusions into the store and onto the bus."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final, Protocol

import structlog
from msgspec.structs import replace

from holdfast.bus import Bus
from holdfast.diagnosis.changes import Change, ConditionJudged, FindingTold
from holdfast.diagnosis.engine import Engine
from holdfast.diagnosis.rules.own_health import CUT_OFF
from holdfast.faults import Unavailable
from holdfast.model import AdmissionChanged
from holdfast.model.events import Event, EventKind
from holdfast.model.findings import FindingChanged, KeptFinding
from holdfast.registry.clock import Clock
from holdfast.registry.presence import PresenceBoard

TICK_S: Final = 0.25
RETRY_S: Final = 2.0
SLICE: Final = 500
MAX_UNWRITTEN: Final = 20_000

log = structlog.get_logger()


class FindingStore(Protocol):
    """Where findings are kept; `holdfast.registry.findings.Findings` is one."""

    async def save(self, saved: Sequence[KeptFinding]) -> None: ...

    async def open_of_this_node(self) -> Sequence[KeptFinding]: ...

    async def lower_heartbeat(self, agent_uid: str, interval_s: float) -> None: ...

    async def cut_off_at_start(self) -> int: ...


class Watcher:
    """One engine with one task. `record` is a sink of the journal: quick, and it never raises.

    A finding is stored within a second of the evidence that it lacked, and told on the bus after that. While the
    store is ill, findings about Holdfast itself are told at once: nobody could read them from the rows.
    """

    def __init__(
        self, *, findings: FindingStore, presence: PresenceBoard, bus: Bus, clock: Clock, engine: Engine | None = None
    ) -> None:
        self._findings = findings
        self._presence = presence
        self._bus = bus
        self._clock = clock
        self._engine = engine or Engine()
        self._unwritten: dict[str, KeptFinding] = {}
        self._untold: dict[tuple[str, str], None] = {}
        self._advised: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._leave = bus.on(AdmissionChanged, self._on_admission)
        self._is_failing = False
        self._cut_off = 0

    async def start(self) -> None:
        """Go on with what this node's last life left open, and begin to write."""
        with contextlib.suppress(Unavailable):  # what was open is found again
            self._take(self._engine.adopt(await self._findings.open_of_this_node()))
            self._cut_off = await self._findings.cut_off_at_start()
        self._task = asyncio.create_task(self._run(), name="diagnosis")

    async def close(self) -> None:
        """Stop, and try once more to write what is left."""
        self._leave()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(Unavailable):
            await self.flush()

    def record(self, event: Event) -> None:
        """Take note of an event."""
        try:
            if event.kind is EventKind.GATEWAY_STARTED and self._cut_off:
                event = replace(event, facts=event.facts | {CUT_OFF: self._cut_off})
                self._cut_off = 0
            changes = self._engine.on_event(event)
            if changes:
                self._take(changes)
        except Exception:
            # The connection that caused it goes on: no mistake of diagnosis may cost an agent its connection.
            log.exception("diagnosis.failed", kind=event.kind.value, attempt=event.attempt)

    async def flush(self) -> None:
        """Write and tell everything that is known now.

        Raises:
            Unavailable: the store cannot; what was not written is kept.
        """
        while self._unwritten:
            part = list(self._unwritten.values())[:SLICE]
            await self._findings.save(part)
            for kept in part:
                # A change that came during the write waits for the next one.
                if self._unwritten.get(kept.finding.id) is kept:
                    del self._unwritten[kept.finding.id]
            self._tell({kept.finding.id: kept for kept in part})
        while self._advised:
            uid, interval_s = next(iter(self._advised.items()))
            await self._findings.lower_heartbeat(uid, interval_s)
            self._advised.pop(uid, None)

    # ---- within

    def _take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, FindingTold):
                self._note(change)
            elif isinstance(change, ConditionJudged):
                self._presence.condition(change.agent_uid, change.condition, change.why, at=change.at)
            else:
                self._advised[change.agent_uid] = change.interval_s

    def _note(self, told: FindingTold) -> None:
        kept = told.kept
        if self._is_failing and kept.finding.subject.gateway:
            self._bus.publish(FindingChanged(change=told.change, finding=kept.finding))
        else:
            self._untold[kept.finding.id, told.change] = None
        self._unwritten[kept.finding.id] = kept
        if len(self._unwritten) > MAX_UNWRITTEN:
            self._make_room()

    def _make_room(self) -> None:
        """The store is away for long: what is over already is given up first."""
        over = (name for name, kept in self._unwritten.items() if kept.finding.resolved_at is not None)
        forgotten = next(over, None) or next(iter(self._unwritten))
        del self._unwritten[forgotten]
        self._untold = {name: None for name in self._untold if name[0] != forgotten}

    def _tell(self, written: dict[str, KeptFinding]) -> None:
        """After the commit, never before it: a subscriber reads the row as soon as it hears of it."""
        for name in [name for name in self._untold if name[0] in written]:
            del self._untold[name]
            self._bus.publish(FindingChanged(change=name[1], finding=written[name[0]].finding))

    def _on_admission(self, changed: AdmissionChanged) -> None:
        self._take(self._engine.on_admission(changed.agent_uid, changed.admission, self._clock()))

    async def _run(self) -> None:
        retry_at = 0.0
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._take(self._engine.on_tick(self._clock()))
                if loop.time() >= retry_at:
                    await self.flush()
                    self._note_store(None)
            except Unavailable as error:
                self._note_store(error)
                retry_at = loop.time() + RETRY_S
            except Exception:
                log.exception("diagnosis.failed")
                retry_at = loop.time() + RETRY_S

    def _note_store(self, error: Unavailable | None) -> None:
        """The store's own state is a finding as well."""
        if error is not None:
            if not self._is_failing:
                log.warning("diagnosis.waiting_for_store", code=error.problem.code, why=error.problem.why)
            self._is_failing = True
            facts = {"what": error.problem.what, "why": error.problem.why}
            at = self._clock()
            failed = Event(at=at, kind=EventKind.STORE_FAILED, code=error.problem.code, facts=dict(facts))
            self._take(self._engine.on_event(failed))
        elif self._is_failing:
            self._is_failing = False
            log.info("diagnosis.store_is_back")
            self._take(self._engine.on_event(Event(at=self._clock(), kind=EventKind.STORE_RECOVERED)))
