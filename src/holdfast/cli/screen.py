"""Tables and fields for people, JSON for programs. What peers claimed is escaped before it is shown."""

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from holdfast.faults import printable

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_COLUMNS: Final = 160
_NARROW: Final = 80
_STYLES: Final = {
    "online": "green",
    "offline": "red",
    "revoked": "red",
    "duplicate": "red",
    "flapping": "yellow",
    "degraded": "yellow",
    "pending": "yellow",
    "never-connected": "dim",
}


def console() -> "Console":
    """stdout; a pipe gets wide lines, unless COLUMNS says otherwise, because nobody wraps there."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_COLUMNS
    return Console(width=width, highlight=False, markup=False, emoji=False)


def print_json(document: object) -> None:
    """One JSON document, indented, on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def compact_json(value: object) -> str:
    """JSON on one line; `-` for an empty object."""
    return msgspec.json.encode(value).decode() if value else "-"


def plain(value: object) -> str:
    """A value for people: `-` for none, `yes` and `no`, times and texts as they are, the rest as JSON."""
    if value is None or value in ("", (), []):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else compact_json(value)


def safe(text: str) -> str:
    """A peer's text without terminal escapes, for a sentence."""
    return printable(text, 255)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, narrow: Sequence[str] | None = None) -> None:
    """A table without lines. On a terminal narrower than 80 columns only the `narrow` columns are shown."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    shown = [i for i, name in enumerate(columns) if not narrow or out.width >= _NARROW or name in narrow]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for i in shown:
        table.add_column(columns[i].upper(), overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(row[i], 200), style=_STYLES.get(row[i], "")) for i in shown))
    out.print(table)


def print_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Names and values, one a line; long values wrap under themselves."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields:
        table.add_row(name, Text(printable(value, 2000), style=_STYLES.get(value, "")))
    console().print(table)


def print_struct(document: msgspec.Struct, *, without: Sequence[str] = ()) -> None:
    """Every field of a document but those in `without`, one a line."""
    print_fields(
        (field.name.replace("_", " "), plain(getattr(document, field.name)))
        for field in msgspec.structs.fields(document)
        if field.name not in without
    )


def page_end(shown: int, cursor: str | None, *, total: int | None = None, exact: bool = True) -> str:
    """What stands below a list: how many there are, and how to see the rest."""
    counted = f"{shown} shown" if total is None else f"{shown} of {'' if exact else 'about '}{total}"
    return counted if cursor is None else f"{counted}; continue with --cursor {cursor} (or --all)"


def say(text: str) -> None:
    """A line for people on stdout; what a peer claimed in it cannot steer the terminal."""
    sys.stdout.write(printable(text, 4000) + "\n")
    sys.stdout.flush()


def hint(text: str) -> None:
    """A line beside the result, on stderr, so that what stdout carries stays clean."""
    sys.stderr.write(text + "\n")


def ago(moment: str | None) -> str:
    """`3 min ago` for an RFC 3339 time, `never` for none."""
    if moment is None:
        return "never"
    passed = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for unit, seconds in (("d", 86_400), ("h", 3600), ("min", 60)):
        if passed >= seconds:
            return f"{passed // seconds:.0f} {unit} ago"
    return f"{max(passed, 0):.0f} s ago"


def pairs(labels: dict[str, str]) -> str:
    """`env=prod,team=db`, or `-`."""
    return ",".join(f"{name}={value}" if value else name for name, value in sorted(labels.items())) or "-"
