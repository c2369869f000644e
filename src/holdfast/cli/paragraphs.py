"""Sentences for people, wrapped to the terminal with the rest of the paragraph indented under its beginning."""

import textwrap
from typing import Final

from holdfast.cli.screen import console, say
from holdfast.faults import printable

_MAX_COLUMNS: Final = 100  # longer lines are hard to read
_MIN_COLUMNS: Final = 40
_MAX_CHARS: Final = 4000


def say_paragraph(text: str, *, lead: str = "") -> None:
    """Print `lead` and `text`; the following lines stand under the beginning of `text`. No word is broken."""
    columns = max(_MIN_COLUMNS, min(console().width, _MAX_COLUMNS))
    lines = textwrap.wrap(
        printable(text, _MAX_CHARS), columns, initial_indent=lead, subsequent_indent=" " * len(lead),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    for line in lines or [lead.rstrip()]:
        say(line)


__all__ = ["say_paragraph"]
