"""An agent is connected, and ends: refusals, silence, the kernel's numbers, the last words."""

from collections.abc import Callable, Mapping
from typing import Final

from holdfast.diagnosis.changes import Change
from holdfast.diagnosis.farewells import Farewells
from holdfast.diagnosis.judge import Judge
from holdfast.diagnosis.rules import Moment
from holdfast.diagnosis.rules.messages import DAMAGE
from holdfast.diagnosis.traces import NO_FACTS
from holdfast.diagnosis.waits import Waits
from holdfast.model.events import Event, EventKind

STORE_CODES: Final = frozenset({"SRV-DB-DOWN", "SRV-DISK-FULL"})
CLOSING: Final = frozenset({"LIFE-SILENT", "LIFE-PING-ONLY"})
NOTHING: Final[list[Change]] = []

Handler = Callable[[Event], list[Change]]


class Stays:
    """Follows connections from their upgrade to their end."""

    def __init__(self, judge: Judge, waits: Waits, farewells: Farewells) -> None:
        self._judge = judge.judge
        self._world, self._subjects = judge.world, judge.subjects
        self._waits = waits
        self._farewells = farewells
        self.handlers: Mapping[EventKind, Handler] = {
            EventKind.REFUSED: self._refused,
            EventKind.ODD: self._odd,
            EventKind.SILENT: self._silent,
            EventKind.UNFINISHED: self._unfinished,
            EventKind.NO_HEARTBEAT: self._no_heartbeat,
            EventKind.NO_PONG: self._no_pong,
            EventKind.LATE_PONG: self._late_pong,
            EventKind.CLOCK: self._clock,
            EventKind.SAMPLED: self._sampled,
            EventKind.REPLACED: self._replaced,
            EventKind.ENDED: self._ended,
        }

    def _refused(self, event: Event) -> list[Change]:
        trace, code = self._world.trace_of(event), event.code or ""
        trace.refused(code)
        if code in DAMAGE:
            trace.damage = f"{code} {event.facts.get('position')} {event.facts.get('byte')}"
        if code in STORE_CODES:
            self._world.store_failed_at = event.at
        if code == "LIFE-RESTART-1012":
            self._world.is_draining = True
            return NOTHING
        if code == "LIFE-HALF-OPEN":
            trace.lost = True  # the kernel's numbers follow, and they decide
            return NOTHING
        if code in CLOSING:
            trace.told_code = code
            return self._judge(Moment.SILENT, event, trace)
        if code in ("REG-NEVER-COMPLETED", "REG-INIT-MISSING"):
            trace.told_code = code
        self._waits.told(trace.key, event)
        changes = self._judge(Moment.REFUSED, event, trace)
        if not code.startswith("SRV-"):
            self._subjects.get(trace.key).last_refusal = code
        return changes

    def _odd(self, event: Event) -> list[Change]:
        return self._judge(Moment.ODD, event, self._world.trace_of(event))

    def _silent(self, event: Event) -> list[Change]:
        return self._judge(Moment.SILENT, event, self._world.trace_of(event))

    def _unfinished(self, event: Event) -> list[Change]:
        return self._judge(Moment.OVERDUE, event, self._world.trace_of(event))

    def _no_heartbeat(self, event: Event) -> list[Change]:
        return self._judge(Moment.NO_HEARTBEAT, event, self._world.trace_of(event))

    def _no_pong(self, event: Event) -> list[Change]:
        return self._judge(Moment.NO_PONG, event, self._world.trace_of(event))

    def _late_pong(self, event: Event) -> list[Change]:
        return self._judge(Moment.LATE_PONG, event, self._world.trace_of(event))

    def _clock(self, event: Event) -> list[Change]:
        trace = self._world.trace_of(event)
        offset = event.facts.get("offset_s")
        if not isinstance(offset, int | float):
            return NOTHING
        changes = NOTHING
        if trace.offset_s is not None and trace.uid is not None:
            changes = self._judge(Moment.CLOCK, event, trace)
            self._world.note_offset(trace.uid, float(offset))
        trace.offset_s = float(offset)
        trace.offsets += 1
        return changes

    def _sampled(self, event: Event) -> list[Change]:
        trace = self._world.trace_of(event)
        trace.sample = event.facts
        return self._judge(Moment.DIED, event, trace) if trace.lost else NOTHING

    def _replaced(self, event: Event) -> list[Change]:
        older = self._world.trace_of(event)
        by = event.facts.get("by")
        newer = self._world.traces.get(by) if isinstance(by, str) else None
        if newer is not None:
            older.replaced_by = newer.attempt
            self._subjects.get(older.key).add_replacement(older, newer)
        return NOTHING

    def _ended(self, event: Event) -> list[Change]:
        world = self._world
        trace = self._world.trace_of(event)
        trace.end(event)
        world.end(trace)
        self._subjects.end(trace.key, trace)
        changes = NOTHING
        if trace.lost and trace.sample is NO_FACTS:
            changes = self._judge(Moment.DIED, event, trace)
        if world.is_draining:
            return changes
        if not trace.is_registered or trace.replaced_by is not None:
            changes = changes + self._judge(Moment.ENDED, event, trace)
        if trace.closed_by == "agent":
            if trace.close_code == 1001:
                if trace.is_registered:
                    self._farewells.wave(trace)
            else:
                changes = changes + self._judge(Moment.CLOSED, event, trace)
        elif trace.is_abrupt and trace.is_registered:
            self._farewells.hold(trace)
        return changes
