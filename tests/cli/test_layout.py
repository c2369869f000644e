"""Tables on terminals of any width: what people copy is never broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cli.layout import fit
from holdfast.cli.screen import GAP, plain, without_port

COLUMNS = ("id", "status", "detail", "labels")
ROW = ("agt_abcdefghijklmnop", "online", "three words here", "env=prod,team=db")


def test_a_wide_terminal_gets_every_column_at_its_full_width() -> None:
    layout = fit(COLUMNS, [ROW], width=100, last_to_go=COLUMNS)

    assert (layout.shown, layout.widths) == ((0, 1, 2, 3), (20, 6, 16, 16))


def test_prose_is_wrapped_before_a_column_is_left_out() -> None:
    layout = fit(COLUMNS, [ROW], width=60, last_to_go=("id",))

    assert (layout.shown, layout.widths) == ((0, 1, 2, 3), (20, 6, 12, 16))


def test_columns_go_from_the_right_and_the_most_important_stay() -> None:
    assert fit(COLUMNS, [ROW], width=40, last_to_go=("id", "detail")).shown == (0, 1, 2)
    assert fit(COLUMNS, [ROW], width=30, last_to_go=("id", "detail")).shown == (0, 2)


def test_where_an_id_would_be_broken_rows_become_blocks_that_hide_nothing() -> None:
    layout = fit(COLUMNS, [ROW], width=15, last_to_go=("id",))

    assert (layout.shown, layout.widths) == ((0, 1, 2, 3), ())


def test_what_is_breakable_gives_way_first() -> None:
    layout = fit(("key", "value"), [("limits.messages_per_s", "x" * 60)], width=50, last_to_go=(), breakable=("value",))

    assert layout.widths == (21, 27)


@given(
    st.lists(st.tuples(*[st.text("ab ", max_size=50)] * 4), max_size=4),
    st.integers(1, 120),
    st.sets(st.sampled_from(COLUMNS)),
)
def test_no_table_is_wider_than_the_terminal(
    rows: list[tuple[str, str, str, str]], width: int, last_to_go: set[str]
) -> None:
    layout = fit(COLUMNS, rows, width=width, last_to_go=last_to_go)

    if layout.widths:
        assert sum(layout.widths) + GAP * (len(layout.widths) - 1) <= width


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"os": "linux", "ok": True, "more": {"a": [1, 2]}}, "os linux, ok yes, more a 1, 2"),
        (0.0012345678901234, "0.001"),
        (2.0, "2"),
        (7, "7"),
        ({}, "-"),
        (None, "-"),
    ],
)
def test_values_are_told_without_json(value: object, told: str) -> None:
    assert plain(value) == told


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.7:4000", "192.0.2.7"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("2001:db8::1", "2001:db8::1"),
        (None, "-"),
    ],
)
def test_an_address_is_listed_without_its_port(address: str | None, host: str) -> None:
    assert without_port(address) == host
