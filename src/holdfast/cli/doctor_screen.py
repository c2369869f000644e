"""The doctor's findings on a terminal while they come in; plain lines where there is none."""

import sys
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from holdfast.cli.screen import console
from holdfast.doctor import Check, Report, Watcher
from holdfast.doctor.layout import check_lines, consequence_lines, is_consequence, summary_lines, wrapped

if TYPE_CHECKING:
    from rich.status import Status as Spinner

MAX_COLUMNS: Final = 100
_STYLES: Final = {"PASS": "green", "FAIL": "bold red", "WARN": "yellow", "SKIP": "dim"}


class Telling(Watcher):
    """Prints each line as soon as it is final. What is being looked at turns on stderr, if that is a terminal."""

    def __init__(self, *, verbose: bool) -> None:
        self._out = console()
        self._columns = min(self._out.width, MAX_COLUMNS)
        self._verbose = verbose
        self._spinner: Spinner | None = None
        if sys.stderr.isatty():
            from rich.console import Console

            # On one terminal the lines have to go through the console that turns, or they end up behind its text.
            turning = self._out if sys.stdout.isatty() else Console(stderr=True)
            self._spinner = turning.status("looking")

    def __enter__(self) -> Self:
        if self._spinner is not None:
            self._spinner.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._spinner is not None:
            self._spinner.stop()

    def on_begin(self, title: str) -> None:
        if self._spinner is not None:
            self._spinner.update(title)

    def on_check(self, check: Check) -> None:
        if not is_consequence(check):
            self._print(check_lines(check, columns=self._columns, verbose=self._verbose))

    def sum_up(self, report: Report) -> None:
        """What is told last: what was not looked at, and the verdict."""
        self._print(consequence_lines(report.checks, columns=self._columns))
        self._print(["", *summary_lines(report, columns=self._columns)])

    def tell(self, lines: Iterable[str]) -> None:
        """Further lines, wrapped under their labels."""
        self._print(wrapped(lines, columns=self._columns))

    def _print(self, lines: list[str]) -> None:
        from rich.text import Text

        for line in lines:
            text = Text(line, no_wrap=True, overflow="ignore")
            if style := _STYLES.get(line[:4]):
                text.stylize(style, 0, 4)
            self._out.print(text, soft_wrap=True)
