"""The table of faults is whole, and its reference page says what it holds."""

from holdfast.faults import CATALOGUE
from holdfast.lab import INJECTIONS, OMITTED
from holdfast.lab.reference import page
from tests.processes import ROOT


def test_every_code_of_the_catalogue_is_injected_or_left_out_with_a_reason() -> None:
    omitted = [entry.code for entry in OMITTED]

    assert sorted([*INJECTIONS, *omitted]) == sorted(CATALOGUE)
    assert len(INJECTIONS) >= 140
    assert all(entry.reason for entry in OMITTED)


def test_every_code_named_beside_another_is_one_of_the_catalogue() -> None:
    beside = {code for entry in INJECTIONS.values() for code in entry.beside}

    assert beside - set(CATALOGUE) == set()


def test_the_reference_page_is_the_one_made_from_the_table() -> None:
    written = (ROOT / "docs" / "reference" / "fault-matrix.md").read_text("utf-8")

    assert written == page(), "run `python -m holdfast.lab.reference`"
