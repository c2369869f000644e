"""An agent comes in: from a handshake that fails to the first heartbeat."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from holdfast.diagnosis.changes import Change
from holdfast.diagnosis.farewells import Farewells
from holdfast.diagnosis.judge import Judge
from holdfast.diagnosis.rules import Moment
from holdfast.diagnosis.rules.clocks import OURS_S, SKEW_S
from holdfast.diagnosis.rules.handshakes import HIDDEN_HOSTS
from holdfast.diagnosis.rules.rates import REREGISTER
from holdfast.diagnosis.rules.silence import LATE_COMPLETE_S
from holdfast.diagnosis.subjects import Subject
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.waits import Waits
from holdfast.model import Admission, Step
from holdfast.model.events import Event, EventKind

MAX_CHALLENGED: Final = 10_000
NOTHING: Final[list[Change]] = []

Handler = Callable[[Event], list[Change]]


class Arrivals:
    """Follows connections up to their first heartbeat. Handlers return what changed; nobody alters the list."""

    def __init__(self, judge: Judge, waits: Waits, farewells: Farewells) -> None:
        self._judge, self._passed = judge.judge, judge.passed
        self._world, self._subjects, self._book = judge.world, judge.subjects, judge.book
        self._waits = waits
        self._farewells = farewells
        self._challenged: deque[Trace] = deque(maxlen=MAX_CHALLENGED)
        self.handlers: Mapping[EventKind, Handler] = {
            EventKind.HANDSHAKE_FAILED: self._handshake_failed,
            EventKind.UPGRADED: self._upgraded,
            EventKind.FIRST_MESSAGE: self._first_message,
            EventKind.INIT: self._init,
            EventKind.CHALLENGED: self._challenge_sent,
            EventKind.COMPLETE: self._complete,
            EventKind.REGISTERED: self._registered,
            EventKind.RESUMED: self._resumed,
            EventKind.FIRST_HEARTBEAT: self._first_heartbeat,
        }

    def forget(self) -> None:
        """The gateway started anew."""
        self._challenged.clear()

    def due(self, now: float) -> list[Change]:
        """Look at the challenges that are out for a while."""
        changes: list[Change] = []
        while self._challenged and self._challenged[0].challenged_at + LATE_COMPLETE_S <= now:
            changes += self._look_at_challenge(self._challenged.popleft(), now)
        return changes

    def wake_at(self, never: float) -> float:
        """When `due` has something to do; `never` where nothing waits."""
        return min(never, self._challenged[0].challenged_at + LATE_COMPLETE_S) if self._challenged else never

    def _handshake_failed(self, event: Event) -> list[Change]:
        trace = Trace(event)
        trace.refused(event.code or "")
        trace.ended_at, trace.how = event.at, "refused"
        changes = self._waits.came(trace, event)
        self._waits.told(trace.key, event)
        self._subjects.end(trace.key, trace)
        return changes + self._judge(Moment.HANDSHAKE_FAILED, event, trace)

    def _upgraded(self, event: Event) -> list[Change]:
        trace = Trace(event)
        self._world.add(trace)
        changes = self._waits.came(trace, event)
        return changes if self._book.is_empty else changes + self._passed(trace, Step.UPGRADE, event.at)

    def _first_message(self, event: Event) -> list[Change]:
        trace = self._world.trace_of(event)
        trace.reach(Step.FIRST_MESSAGE, event.at)
        return NOTHING if self._book.is_empty else self._passed(trace, Step.FIRST_MESSAGE, event.at)

    def _init(self, event: Event) -> list[Change]:
        trace = self._world.trace_of(event)
        trace.describe(event.facts)
        trace.reach(Step.INIT, event.at)
        trace.inits += 1
        changes = self._waits.came(trace, event)
        if trace.inits > 2 and trace.challenged_at and not trace.completed:
            changes = changes + self._judge(Moment.REPEATED_INIT, event, trace)
        return changes if self._book.is_empty else changes + self._passed(trace, Step.INIT, event.at)

    def _challenge_sent(self, event: Event) -> list[Change]:
        trace = self._world.trace_of(event)
        trace.reach(Step.CHALLENGE, event.at)
        if not trace.challenged_at:
            self._challenged.append(trace)
            trace.challenged_at = event.at
        return NOTHING

    def _complete(self, event: Event) -> list[Change]:
        trace = self._world.trace_of(event)
        trace.completed = True
        trace.reach(Step.SIGNATURE, event.at)
        return NOTHING

    def _registered(self, event: Event) -> list[Change]:
        if event.agent_uid is None:
            return NOTHING
        trace = self._world.trace_of(event)
        facts = event.facts
        trace.completed = True
        subject = self._settled(trace, event, came_back=facts.get("first_time") is not True)
        subject.add_registration(event.at)
        changes = self._returned(trace, subject, event)
        if (
            len(subject.registrations) >= REREGISTER
            or facts.get("other_keys")
            or facts.get("previous_host_id")
            or facts.get("admission") == Admission.PENDING.value
        ):
            changes = changes + self._judge(Moment.REGISTERED, event, trace)
        return changes

    def _resumed(self, event: Event) -> list[Change]:
        if event.agent_uid is None:
            return NOTHING
        trace = self._world.trace_of(event)
        return self._returned(trace, self._settled(trace, event, came_back=True), event)

    def _settled(self, trace: Trace, event: Event, *, came_back: bool) -> Subject:
        world = self._world
        trace.describe(event.facts)
        trace.reach(Step.REGISTERED, event.at)
        trace.registered_at = trace.registered_at or event.at
        trace.challenged_at = 0.0
        assert trace.uid is not None
        world.settle(trace, trace.uid)
        world.store_failed_at = 0.0
        if came_back and self._farewells.herd_from:
            world.arrivals.append(trace)
        if trace.offset_s is not None:
            world.note_offset(trace.uid, trace.offset_s)
        if trace.via and trace.path == trace.address and trace.host_id:
            self._world.note_host(trace)
        return self._subjects.get(trace.key)

    def _returned(self, trace: Trace, subject: Subject, event: Event) -> list[Change]:
        changes = NOTHING
        before = subject.last_life
        if before is not None and (before.is_abrupt or before.lost) and not self._farewells.holds(before):
            changes = self._judge(Moment.RETURNED, event, trace)
        if trace.via and len(self._world.hosts_at.get(trace.address, ())) > HIDDEN_HOSTS:
            changes = changes + self._judge(Moment.UPGRADED, event, trace)
        if trace.offset_s is not None and abs(trace.offset_s) > OURS_S:
            changes = changes + self._judge(Moment.CLOCK, event, trace)
        return changes if self._book.is_empty else changes + self._passed(trace, Step.REGISTERED, event.at)

    def _first_heartbeat(self, event: Event) -> list[Change]:
        trace = self._world.trace_of(event)
        trace.beaten = True
        trace.reach(Step.FIRST_HEARTBEAT, event.at)
        if trace.offset_s is not None and abs(trace.offset_s) >= SKEW_S:
            return self._judge(Moment.SETTLED, event, trace) + self._passed(trace, Step.FIRST_HEARTBEAT, event.at)
        if self._book.is_empty:
            return NOTHING
        changes = self._book.drop(trace.key, ("CLK-SKEW",), event.at, because="its clock is right now")
        return changes + self._passed(trace, Step.FIRST_HEARTBEAT, event.at)

    def _look_at_challenge(self, trace: Trace, now: float) -> list[Change]:
        if not trace.challenged_at or trace.completed or trace.ended_at or trace.is_registered:
            return NOTHING
        event = Event(at=now, kind=EventKind.UNFINISHED, attempt=trace.attempt)
        return self._judge(Moment.OVERDUE, event, trace)
