"""Tables and fields for people, JSON for programs. What peers claimed is escaped before it is shown."""

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from holdfast.faults import printable

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_COLUMNS: Final = 160
GAP: Final = 2  # between columns
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
    """A value for people: `-` for none, `yes` and `no`, `os linux, arch arm64` for an object, nothing as JSON."""
    match value:
        case None | "" | () | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3f}".rstrip("0").rstrip(".")
        case dict():
            return ", ".join(f"{name} {plain(inner)}" for name, inner in value.items()) or "-"
        case list() | tuple():
            return ", ".join(plain(inner) for inner in value)
        case _:
            return str(value)


def safe(text: str) -> str:
    """A peer's text without terminal escapes, for a sentence."""
    return printable(text, 255)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    narrow: Collection[str] | None = None,
    breakable: Collection[str] = (),
) -> None:
    """A table without lines. Where it is too wide, columns that are not in `narrow` are left out from the right.

    Words are kept whole but in `breakable` columns; where even that is too wide, each row becomes a block of its own.
    """
    from rich.table import Table
    from rich.text import Text

    from holdfast.cli.layout import fit

    out = console()
    safe_rows = [[printable(cell, 200) for cell in row] for row in rows]
    keep = columns if narrow is None else narrow
    layout = fit(columns, safe_rows, width=out.width, last_to_go=keep, breakable=breakable)
    if not layout.widths:
        for row in safe_rows:
            print_fields(zip(columns, row, strict=True))
            out.print()
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for i, width in zip(layout.shown, layout.widths, strict=True):
        table.add_column(columns[i].upper(), overflow="fold", width=width)
    for row in safe_rows:
        table.add_row(*(Text(row[i], style=_STYLES.get(row[i], "")) for i in layout.shown))
    out.print(table)


def print_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Names and values, one a line; long values wrap under themselves, or below their name to keep a word whole."""
    from rich.text import Text

    out = console()
    told = [(name, printable(value, 2000)) for name, value in fields]
    indent = max((len(name) for name, _ in told), default=0) + GAP
    for name, value in told:
        longest = max((len(word) for word in value.split()), default=0)
        left = indent if longest <= out.width - indent else GAP
        text = Text(value, style=_STYLES.get(value, "")).wrap(out, max(out.width - left, 1), overflow="fold")
        head = Text(name.ljust(indent) if left == indent else name, style="bold")
        if left == indent:
            first, *others = text or [Text("")]
            out.print(head + first, soft_wrap=True)
        else:
            out.print(head, soft_wrap=True)
            others = list(text)
        for line in others:
            out.print(Text(" " * left) + line, soft_wrap=True)


def print_struct(
    document: msgspec.Struct, *, without: Collection[str] = (), names: Mapping[str, str] | None = None
) -> None:
    """Every field of a document but those in `without`, one a line; `names` are those that read better than its own."""
    print_fields(
        ((names or {}).get(field.name, field.name.replace("_", " ")), plain(getattr(document, field.name)))
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


def seconds_between(start: str, end: str) -> float:
    """Between two RFC 3339 times."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def minute(moment: str | None, otherwise: str = "-") -> str:
    """`2026-07-05 12:03` in UTC, for lists; `otherwise` for none."""
    return otherwise if moment is None else f"{moment[:10]} {moment[11:16]}"


def without_port(address: str | None) -> str:
    """The address of a peer alone: its port is chance, and takes room in lists."""
    if not address:
        return "-"
    host, colon, port = address.rpartition(":")
    return host if colon and port.isdigit() and (":" not in host or host.startswith("[")) else address


def pairs(labels: dict[str, str]) -> str:
    """`env=prod,team=db`, or `-`."""
    return ",".join(f"{name}={value}" if value else name for name, value in sorted(labels.items())) or "-"
