"""How a table fits a terminal: which columns are shown, how wide each is, and when rows become blocks instead.

What people copy, ids and codes, is never broken: a column is at least as wide as its longest word.
"""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec
from rich.cells import cell_len

from holdfast.cli.screen import GAP

LONGEST_WORD: Final = 44  # a public key; longer ones are broken, since no terminal would hold their column
SHORT: Final = 12  # nothing of this length is wrapped at all: `3 min ago` on three lines reads badly
BREAKABLE_COLUMNS: Final = 16


class Layout(msgspec.Struct, frozen=True):
    """The columns that are shown, by their index, with their widths; no widths where each row becomes a block."""

    shown: tuple[int, ...]
    widths: tuple[int, ...]


def fit(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    last_to_go: Collection[str],
    breakable: Collection[str] = (),
) -> Layout:
    """The layout for `width`. The columns that are not `last_to_go` are left out from the right while it is too narrow.

    Those that are `breakable` may be broken anywhere.
    """
    cells = [[name, *(row[i] for row in rows)] for i, name in enumerate(columns)]
    full = [max(map(cell_len, column)) for column in cells]
    least = [
        min(full[i], BREAKABLE_COLUMNS) if columns[i] in breakable else _least(column, full[i])
        for i, column in enumerate(cells)
    ]
    shown = list(range(len(columns)))
    for i in reversed(range(len(columns))):
        if _total(least, shown) <= width:
            break
        if columns[i] not in last_to_go:
            shown.remove(i)
    if _total(least, shown) > width:
        return Layout(tuple(range(len(columns))), ())
    return Layout(tuple(shown), tuple(_shared([full[i] for i in shown], [least[i] for i in shown], width)))


def _least(column: Sequence[str], full: int) -> int:
    if full <= SHORT:
        return full
    return min(max((cell_len(word) for cell in column for word in cell.split()), default=0), LONGEST_WORD)


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[i] for i in shown) + GAP * max(len(shown) - 1, 0)


def _shared(full: list[int], least: list[int], width: int) -> list[int]:
    """What is missing is taken from the column that has most to spare, again and again."""
    widths = list(full)
    for _ in range(sum(full) + GAP * (len(full) - 1) - width):
        spare = [wide - low for wide, low in zip(widths, least, strict=True)]
        widths[spare.index(max(spare))] -= 1
    return widths
