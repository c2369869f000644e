"""The reference of faults names everything an entry and a problem can hold, and its example runs."""

import re
from pathlib import Path
from typing import Final

from holdfast.faults import CATALOGUE, Area, Blame, Fault, Problem, Severity, fault, nearest

REFERENCE: Final = (Path(__file__).parents[2] / "docs" / "reference" / "faults.md").read_text(encoding="utf-8")


def test_every_field_and_every_value_of_the_closed_sets_has_its_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", REFERENCE, re.MULTILINE))

    assert {*Fault.__struct_fields__, *Problem.__struct_fields__, *Area, *Severity, *Blame} <= rows


def test_every_prefix_stands_in_the_row_of_its_area() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (`[A-Z`, ]+) \|", REFERENCE, re.MULTILINE))
    prefixes = {(entry.area, entry.code.partition("-")[0]) for entry in CATALOGUE.values()}

    assert {(area, prefix) for area, named in rows.items() for prefix in re.findall("[A-Z]+", named)} == prefixes


def test_the_example_says_what_the_code_answers() -> None:
    assert f"fault(\"SIG-ORDER\").fix          # '{fault('SIG-ORDER').fix}'" in REFERENCE
    assert f"nearest(\"sig-nonce-decode\")[0]  # '{nearest('sig-nonce-decode')[0]}'" in REFERENCE
    assert f"len(CATALOGUE)                  # {len(CATALOGUE)}" in REFERENCE
