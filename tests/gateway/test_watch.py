"""The clocks of one connection: what is due, when, and when to look again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.gateway.settings import GatewaySettings
from holdfast.gateway.watch import Due, Watch

SETTINGS = GatewaySettings()


def registered(now: float = 0.0) -> Watch:
    watch = Watch(now, SETTINGS)
    watch.spoke(now)
    watch.registered = True
    return watch


def test_a_new_connection_is_looked_at_when_its_first_message_is_due() -> None:
    assert Watch(100.0, SETTINGS).wake_at == 105.0


def test_silence_is_told_once_then_only_pings_are_due() -> None:
    watch = Watch(0.0, SETTINGS)
    watch.heard_at = 25.0

    assert [watch.due(5.0, SETTINGS), watch.due(6.0, SETTINGS)] == [[Due.SILENT], []]
    assert watch.due(20.0, SETTINGS) == [Due.PING]
    assert watch.wake_at == 40.0


def test_who_spoke_is_not_silent() -> None:
    watch = Watch(0.0, SETTINGS)
    watch.spoke(1.0)

    assert watch.due(5.0, SETTINGS) == []


def test_an_unregistered_connection_is_closed_after_its_last_word_not_its_first() -> None:
    watch = Watch(0.0, SETTINGS)
    watch.spoke(200.0)
    watch.heard_at = 499.0

    assert Due.CLOSE_SILENT not in watch.due(301.0, SETTINGS)
    assert watch.due(500.0, SETTINGS) == [Due.CLOSE_SILENT]


def test_a_challenge_that_expired_is_told_once() -> None:
    watch = Watch(0.0, SETTINGS)
    watch.spoke(1.0)
    watch.challenge_until = 9.0

    assert [watch.due(9.0, SETTINGS), watch.due(10.0, SETTINGS)] == [[Due.UNFINISHED], []]


def test_a_connection_without_any_frame_is_dead_and_nothing_else_matters() -> None:
    watch = registered()

    assert watch.due(SETTINGS.dead_after_s, SETTINGS) == [Due.DEAD]


def test_missing_heartbeats_are_told_once_per_silence() -> None:
    watch = registered()
    watch.heard_at = 1e6

    told = [Due.NO_HEARTBEAT in watch.due(at, SETTINGS) for at in (59.0, 60.0, 80.0)]
    watch.spoke(90.0)
    told += [Due.NO_HEARTBEAT in watch.due(at, SETTINGS) for at in (100.0, 150.0, 160.0)]

    assert told == [False, True, False, False, True, False]


def test_pings_without_pongs_are_told_while_other_frames_keep_the_connection_alive() -> None:
    watch = registered()
    due = []
    for at in (20.0, 40.0, 60.0, 80.0):
        watch.heard_at = at
        watch.spoke(at)
        due.append(watch.due(at, SETTINGS))

    assert due == [[Due.PING], [Due.PING], [Due.NO_PONG, Due.PING], [Due.PING]]


def test_pongs_are_no_missing_pongs() -> None:
    watch = registered()
    due = []
    for at in (20.0, 40.0, 60.0, 80.0):
        watch.heard_at = watch.ponged_at = at
        due += watch.due(at, SETTINGS)

    assert Due.NO_PONG not in due


@pytest.mark.parametrize("is_registered", [False, True])
@given(steps=st.lists(st.tuples(st.floats(0.01, 100), st.sampled_from(["speak", "pong", "nothing"])), max_size=40))
def test_whatever_happens_the_next_look_is_ahead_and_no_further_than_a_ping(
    is_registered: bool, steps: list[tuple[float, str]]
) -> None:
    watch, now = Watch(0.0, SETTINGS), 0.0
    watch.registered = is_registered
    for seconds, what in steps:
        now += seconds
        if what != "nothing":
            watch.heard_at = now
        if what == "speak":
            watch.spoke(now)
        if what == "pong":
            watch.ponged_at = now
        due = watch.due(now, SETTINGS)
        if Due.DEAD in due or Due.CLOSE_SILENT in due:
            return
        assert now < watch.wake_at <= now + SETTINGS.ping_interval_s


def test_the_time_in_which_the_gateway_itself_stood_still_is_held_against_nobody() -> None:
    watch = registered()
    watch.due(20.0, SETTINGS)  # a ping goes out, and then the machine is paused for ten minutes
    watch.heard_at = watch.ponged_at = 20.1
    watch.spoke(20.1)
    now = 20.2 + 600

    watch.forgive(600.0, now)

    assert watch.due(now, SETTINGS) == []
    assert watch.due(now + SETTINGS.dead_after_s, SETTINGS) == [Due.DEAD]


def test_what_came_after_the_standstill_is_not_moved_into_the_future() -> None:
    watch = registered()
    watch.heard_at = 600.0

    watch.forgive(600.0, 600.1)

    assert watch.due(600.1 + SETTINGS.dead_after_s, SETTINGS) == [Due.DEAD]
