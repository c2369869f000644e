"""The bounds on what unregistered peers can make the gateway hold."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from holdfast.gateway.doorway import MAX_TURNED_AWAY, Doorway
from holdfast.gateway.settings import Limits


@dataclass(eq=False)
class Somebody:
    """A connection, as far as the doorway looks at it."""

    address: str = "192.0.2.1"
    has_spoken: bool = False


def doorway(in_all: int = 3, per_address: int = 100) -> Doorway[Somebody]:
    return Doorway(Limits(max_unregistered=in_all, max_unregistered_per_address=per_address))


def test_there_is_room_up_to_the_limit() -> None:
    door = doorway(in_all=2)
    first, second, third = Somebody(), Somebody(), Somebody()

    crowded = []
    for visitor in (first, second, third):
        assert door.enter(visitor) is None
        crowded.append(door.crowded())

    assert crowded == [None, None, first]


def test_a_silent_connection_goes_before_an_older_one_that_talks() -> None:
    door = doorway(in_all=2)
    talker, silent, newcomer = Somebody(has_spoken=True), Somebody(), Somebody()
    for visitor in (talker, silent, newcomer):
        door.enter(visitor)

    assert door.crowded() is silent


def test_where_everybody_talks_the_oldest_goes() -> None:
    door = doorway(in_all=2)
    talkers = [Somebody(has_spoken=True) for _ in range(3)]
    for visitor in talkers:
        door.enter(visitor)

    assert door.crowded() is talkers[0]


def test_one_address_is_refused_beyond_its_share_with_a_time_to_come_back() -> None:
    door = doorway(per_address=1)
    door.enter(Somebody())

    refused, other = door.enter(Somebody()), door.enter(Somebody("192.0.2.2"))

    assert refused is not None
    assert (refused.code, refused.retry_after_s) == ("WS-RATE-429", 5.0)
    assert "192.0.2.1 holds 1" in refused.why
    assert other is None
    assert door.unregistered == 2


def test_who_leaves_makes_room_for_the_next_of_that_address() -> None:
    door = doorway(per_address=1)
    first = Somebody()
    door.enter(first)

    door.leave(first)
    door.leave(first)

    assert door.enter(Somebody()) is None
    assert door.unregistered == 1


def test_a_proxy_is_not_counted_under_its_own_address() -> None:
    door = doorway(per_address=1, in_all=10)

    answers = [door.enter(Somebody("10.0.0.1"), by_address=False) for _ in range(5)]

    assert answers == [None] * 5
    assert door.unregistered == 5


def test_an_address_that_changed_meanwhile_is_given_back_as_it_was_counted() -> None:
    door = doorway(per_address=1)
    visitor = Somebody("192.0.2.1")
    door.enter(visitor)
    visitor.address = "192.0.2.2"

    door.leave(visitor)

    assert door.enter(Somebody("192.0.2.1")) is None
    assert door.enter(Somebody("192.0.2.2")) is None


def test_even_those_who_are_turned_away_are_held_in_bounded_number_the_oldest_given_up_first() -> None:
    door = doorway(per_address=1, in_all=10)
    door.enter(Somebody())
    refused = [Somebody() for _ in range(MAX_TURNED_AWAY + 1)]
    for visitor in refused:
        assert door.enter(visitor) is not None

    assert door.crowded() is refused[0]
    door.leave(refused[0])
    assert door.crowded() is None


@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["enter", "uncounted", "leave", "speak"]), st.integers(0, 30), st.integers(0, 4)),
        max_size=150,
    )
)
def test_whoever_comes_and_goes_the_bounds_hold_and_nobody_is_counted_twice(moves: list[tuple[str, int, int]]) -> None:
    door, inside = doorway(in_all=8, per_address=3), dict[int, Somebody]()
    for what, who, address in moves:
        if what == "leave" and who in inside:
            door.leave(inside.pop(who))
        elif what == "speak" and who in inside:
            inside[who].has_spoken = True
        elif what in ("enter", "uncounted") and who not in inside:
            inside[who] = Somebody(f"192.0.2.{address}")
            door.enter(inside[who], by_address=what == "enter")
            while (crowded := door.crowded()) is not None:
                door.leave(crowded)
                inside = {name: visitor for name, visitor in inside.items() if visitor is not crowded}
        assert door.unregistered <= 8

    for visitor in inside.values():
        door.leave(visitor)
    assert door.unregistered == 0
    assert [door.enter(Somebody("192.0.2.1")) for _ in range(3)] == [None] * 3
