"""Connections that ended and cannot be judged at once: whether others end too, or the agent comes back, decides."""

from collections import deque
from typing import Final

from msgspec.structs import replace

from holdfast.diagnosis.changes import Change
from holdfast.diagnosis.judge import Judge
from holdfast.diagnosis.keys import GATEWAY
from holdfast.diagnosis.rules import Moment
from holdfast.diagnosis.rules.proxies import WINDOW_S, common_cause
from holdfast.diagnosis.rules.rates import HERD, HERD_S
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import Verdict
from holdfast.model.events import Event, EventKind
from holdfast.model.findings import FindingSubject

HOLD_S: Final = 0.5
"""How long an ending waits before it is judged alone: whether others end with it shows within this time."""

GOODBYE_S: Final = 5.0
"""How long after a polite end (1001) the agent may take to come back before a word is said: a restart takes less."""

HERD_EVERY_S: Final = 1.0
CALM_S: Final = 2.0


class Farewells:
    """What waits for its verdict after its end, and how many came back after a common one."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._world = judge.world
        self._held: deque[Trace] = deque()
        self._goodbyes: deque[Trace] = deque()
        self._shared_until = 0.0
        self.herd_from = 0.0
        self._herd_judged_at = 0.0

    def hold(self, trace: Trace) -> None:
        """A registered connection ended without a word."""
        self._world.abrupt.append(trace)
        self._held.append(trace)

    def wave(self, trace: Trace) -> None:
        """A registered agent said that it goes away."""
        self._goodbyes.append(trace)

    def holds(self, trace: Trace) -> bool:
        """Whether this end has not been judged yet."""
        return bool(self._held) and trace in self._held

    def forget(self, at: float) -> None:
        """The gateway started anew: those before are no concern, and all are expected back."""
        self._held.clear()
        self._goodbyes.clear()
        self.herd_from = at

    def due(self, now: float) -> list[Change]:
        """Judge what has waited long enough."""
        changes: list[Change] = []
        if self._held and self._held[0].ended_at + HOLD_S <= now:
            changes += self._judge_held(now)
        while self._goodbyes and self._goodbyes[0].ended_at + GOODBYE_S <= now:
            changes += self._look_after(self._goodbyes.popleft(), now)
        if self.herd_from and now - self._herd_judged_at >= HERD_EVERY_S:
            changes += self._look_for_herd(now)
        return changes

    def wake_at(self, never: float) -> float:
        """When `due` has something to do; `never` where nothing waits."""
        times = [never]
        if self._held:
            times.append(self._held[0].ended_at + HOLD_S)
        if self._goodbyes:
            times.append(self._goodbyes[0].ended_at + GOODBYE_S)
        if self.herd_from:
            times.append(self._herd_judged_at + HERD_EVERY_S)
        return min(times)

    def _judge_held(self, now: float) -> list[Change]:
        """Together, where many ended at once, else each alone."""
        world = self._world
        if world.is_draining:
            self._held.clear()
            return []
        recent = world.recent_abrupt(now, WINDOW_S)
        shared = common_cause(world, recent, now)
        if shared is not None and any(trace in self._held for trace in shared[1]):
            return self._share(*shared, now)
        changes: list[Change] = []
        while self._held and self._held[0].ended_at + HOLD_S <= now:
            trace = self._held.popleft()
            event = Event(at=trace.ended_at, kind=EventKind.ENDED, attempt=trace.attempt)
            changes += self._judge.judge(Moment.ABRUPT, event, trace)
            back = world.online.get(trace.uid or "")
            if back is not None and back.opened_at >= trace.ended_at:
                changes += self._judge.judge(Moment.RETURNED, event, back)
        return changes

    def _share(self, shared: Verdict, explained: list[Trace], now: float) -> list[Change]:
        same_time = now <= self._shared_until
        self._shared_until = now + WINDOW_S
        self.herd_from = now
        changes: list[Change] = []
        for trace in explained:
            trace.is_explained = True
        self._held = deque(trace for trace in self._held if not trace.is_explained)
        if self._judge.holds(shared, now):
            verdict = replace(shared, count=0) if same_time else shared
            changes += self._judge.book.apply(verdict, GATEWAY, FindingSubject(), now)
        return changes

    def _look_after(self, trace: Trace, now: float) -> list[Change]:
        if trace.uid in self._world.online or self._world.is_draining:
            return []
        event = Event(at=now, kind=EventKind.ENDED, attempt=trace.attempt)
        return self._judge.judge(Moment.WENT_AWAY, event, trace)

    def _look_for_herd(self, now: float) -> list[Change]:
        """Judge once, when no more come: while they come, the first ones look like a crowd of their own."""
        self._herd_judged_at = now
        arrivals = self._world.arrivals
        is_over = now - self.herd_from > HERD_S
        if not is_over and (len(arrivals) < HERD or now - arrivals[-1].opened_at < CALM_S):
            return []
        changes: list[Change] = []
        if len(arrivals) >= HERD:
            event = Event(at=now, kind=EventKind.UPGRADED)
            changes = self._judge.judge(Moment.HERD, event, arrivals[-1])
        self.herd_from = 0.0
        arrivals.clear()
        return changes
