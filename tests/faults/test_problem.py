"""The one shape in which something is told to be wrong."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faults import HoldfastError, Problem, Refused, Unavailable, cut_utf8, printable


def test_a_close_reason_is_code_and_fix_cut_at_a_character_border() -> None:
    short = Problem(code="SIG-ORDER", what="-", why="-", fix="Sign nonce + server_time + host_id")
    long = Problem(code="SIG-ORDER", what="-", why="-", fix="é" * 100)

    assert short.close_reason() == "SIG-ORDER: Sign nonce + server_time + host_id"
    assert long.close_reason() == "SIG-ORDER: " + "é" * 56


@given(st.text(), st.integers(min_value=0, max_value=300))
def test_a_cut_text_fits_and_is_the_beginning_of_what_it_was(text: str, max_bytes: int) -> None:
    cut = cut_utf8(text, max_bytes)

    assert len(cut.encode()) <= max_bytes
    assert text.startswith(cut)


@given(st.text(alphabet=st.characters()), st.integers(min_value=1, max_value=120))
def test_whatever_a_peer_sent_is_shown_without_control_characters_and_bounded(text: str, max_chars: int) -> None:
    shown = printable(text, max_chars)

    assert len(shown) <= max_chars
    assert shown.isprintable()


def test_a_terminal_escape_and_a_text_direction_override_are_shown_as_escapes() -> None:
    assert printable("web\x1b[2J\u202e01\n") == "web\\x1b[2J\\u202e01\\n"


def test_an_error_says_what_why_and_fix_in_one_line_and_carries_the_problem() -> None:
    told = Problem(code="CLK-SKEW", what="host db-1 was refused", why="its clock is 412 s ahead", fix="Set the clock")
    refused = Refused(told)

    assert str(refused) == "CLK-SKEW: host db-1 was refused: its clock is 412 s ahead. Set the clock."
    assert refused.problem is told
    assert isinstance(refused, HoldfastError)
    assert not isinstance(refused, Unavailable)


def test_a_problem_on_the_wire_leaves_out_what_is_not_said() -> None:
    told = Problem(code="SIG-ORDER", what="a", why="b", fix="c")

    assert msgspec.json.encode(told) == b'{"code":"SIG-ORDER","what":"a","why":"b","fix":"c"}'
    assert msgspec.json.decode(msgspec.json.encode(told), type=Problem) == told
