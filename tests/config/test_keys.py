"""Every key is described, and the reference page has exactly the keys there are."""

from pathlib import Path

import pytest

from holdfast.config import CONFIGURATION_CODES
from holdfast.config.keys import Key, keys, type_name

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def row(key: Key) -> str:
    """The line of the reference page for `key`."""
    default = "" if key.default in (None, ()) else f"`{key.default}`"
    return f"| `{key.name}` | {type_name(key)} | {default} | {key.description} |"


@pytest.mark.parametrize("key", keys().values(), ids=keys())
def test_the_reference_page_has_the_key_as_it_is(key: Key) -> None:
    assert row(key) in PAGE.read_text("utf-8").splitlines()


def test_the_reference_page_has_no_other_key() -> None:
    named = {line.split("`")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")}

    assert named == set(keys())


def test_the_reference_page_has_every_code() -> None:
    lines = PAGE.read_text("utf-8").splitlines()

    for code, (title, fix) in CONFIGURATION_CODES.items():
        assert f"| {code} | {title} | {fix} |" in lines
