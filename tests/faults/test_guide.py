"""The guide as the catalogue knows it."""

from holdfast.faults.guide import ANSWERED_BY, GUIDE


def test_every_item_of_the_guide_is_answered_by_something() -> None:
    assert ANSWERED_BY.keys() == GUIDE.keys()
    assert all(ANSWERED_BY.values())
