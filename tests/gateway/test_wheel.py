"""The timing wheel: nobody is woken early, nobody is forgotten."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.gateway.wheel import Wheel


@dataclass(eq=False)
class Sleeper:
    """Remembers when it was woken; sleeps again for each of `naps`, then for ever."""

    naps: list[float] = field(default_factory=list)
    woken: list[float] = field(default_factory=list)
    scheduled: float = 0.0

    def on_time(self, mono: float) -> float | None:
        self.woken.append(mono)
        return mono + self.naps.pop(0) if self.naps else None


def turn(wheel: Wheel, *, start: float, end: float, step: float = 0.1) -> None:
    """Tick as the gateway does."""
    for count in range(round((end - start) / step) + 1):
        wheel.tick(start + count * step)


def test_a_sleeper_is_woken_once_at_most_a_slot_and_a_tick_late() -> None:
    wheel, sleeper = Wheel(0.1), Sleeper()
    wheel.tick(100.0)

    wheel.schedule(sleeper, 101.05)
    turn(wheel, start=100.0, end=105.0)

    assert len(sleeper.woken) == 1
    assert 101.05 <= sleeper.woken[0] <= 101.3


def test_the_last_schedule_counts_whether_it_is_later_or_earlier() -> None:
    wheel, later, earlier = Wheel(0.1), Sleeper(), Sleeper()
    wheel.tick(100.0)
    wheel.schedule(later, 101.0)
    wheel.schedule(later, 103.0)
    wheel.schedule(earlier, 103.0)
    wheel.schedule(earlier, 101.0)

    turn(wheel, start=100.0, end=106.0)

    assert [len(later.woken), len(earlier.woken)] == [1, 1]
    assert later.woken[0] >= 103.0
    assert earlier.woken[0] < 101.3


def test_a_sleeper_that_answers_never_is_not_woken_by_what_it_asked_before() -> None:
    wheel, sleeper = Wheel(0.1), Sleeper()
    wheel.tick(100.0)
    for at in (101.0, 101.0, 102.0, 101.0):
        wheel.schedule(sleeper, at)

    turn(wheel, start=100.0, end=104.0)

    assert len(sleeper.woken) == 1


def test_what_is_due_already_is_woken_in_the_next_slot() -> None:
    wheel, sleeper = Wheel(0.1), Sleeper()
    wheel.tick(100.0)

    wheel.schedule(sleeper, 3.0)

    assert wheel.tick(100.15) == 1


def test_a_long_pause_wakes_everybody_who_was_due_meanwhile() -> None:
    wheel = Wheel(0.1)
    sleepers = [Sleeper() for _ in range(50)]
    wheel.tick(100.0)
    for number, sleeper in enumerate(sleepers):
        wheel.schedule(sleeper, 101.0 + number)

    woken = wheel.tick(3000.0)

    assert woken == 50


def test_one_sleeper_that_fails_keeps_nobody_else_asleep() -> None:
    class Broken(Sleeper):
        def on_time(self, mono: float) -> float | None:
            raise ZeroDivisionError

    wheel = Wheel(0.1)
    sleepers = [Sleeper(), Broken(), Sleeper(naps=[1.0]), Sleeper()]
    wheel.tick(100.0)
    for sleeper in sleepers:
        wheel.schedule(sleeper, 101.0)

    with pytest.raises(ZeroDivisionError):
        turn(wheel, start=100.0, end=101.2)
    turn(wheel, start=101.2, end=103.0)

    assert [len(sleeper.woken) for sleeper in sleepers] == [1, 0, 2, 1]


@given(
    plan=st.lists(st.tuples(st.floats(0, 50), st.lists(st.floats(0.01, 20), max_size=4)), min_size=1, max_size=20),
    ticks=st.lists(st.floats(0.001, 10), min_size=1, max_size=60),
)
def test_whatever_is_asked_nobody_is_woken_early_and_nobody_is_lost(
    plan: list[tuple[float, list[float]]], ticks: list[float]
) -> None:
    wheel, now = Wheel(0.1), 1000.0
    wheel.tick(now)
    sleepers = [Sleeper(naps=list(naps)) for _, naps in plan]
    for sleeper, (delay, _) in zip(sleepers, plan, strict=True):
        wheel.schedule(sleeper, now + delay)

    due = {id(sleeper): sleeper.scheduled for sleeper in sleepers}
    for step in [*ticks, *[21.0] * 8]:
        now += step
        before = [len(sleeper.woken) for sleeper in sleepers]
        wheel.tick(now)
        for sleeper, count in zip(sleepers, before, strict=True):
            if len(sleeper.woken) > count:
                assert sleeper.woken[count] >= due[id(sleeper)]
            due[id(sleeper)] = sleeper.scheduled

    assert [len(sleeper.woken) for sleeper in sleepers] == [1 + len(naps) for _, naps in plan]
