"""Writes `docs/reference/fault-matrix.md` from the table: `python -m holdfast.lab.reference`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from holdfast.faults import CATALOGUE, Area
from holdfast.lab.injections import IN_WORDS, Injection
from holdfast.lab.omissions import OMITTED
from holdfast.lab.table import INJECTIONS

PAGE: Final = Path("docs/reference/fault-matrix.md")
HEAD: Final = """\
# Fault matrix

Every code of the [fault catalogue](../diagnosis/README.md), how the laboratory injects it, and on which side it has to
be named. `holdfast lab --all` runs all of it and prints the verdicts; `make matrix` does the same as a test. How to use
it is told in [Rehearse faults](../how-to/rehearse-faults.md).

This page is generated: `python -m holdfast.lab.reference`.

| Side | Who names the fault there |
|---|---|
| gateway | a finding of the running gateway, read from `GET /findings` |
| doctor | `holdfast doctor URL` on the agent's side |
| agent | the problem that the agent SDK reports |
| check-agent | `holdfast check-agent`, for whoever writes the agent |

A verdict counts as *named* when the code and who has to mend it are right, and nothing is said beside it that does not
belong there. Time constants are shortened by configuration; where a limit is minutes long (`PXY-IDLE-60`,
`PXY-IDLE-100`, `PXY-IDLE-350`, `LIFE-SLEEP`) the control plane runs on a clock that is 5 to 10 times as fast.
"""
TABLE: Final = "| Code | Injected by | Side | To be mended by | Needs |\n|---|---|---|---|---|"


def page() -> str:
    """The whole page."""
    parts = [HEAD, _counts(), *(_area(area) for area in Area), _omitted()]
    return "\n".join(parts)


def _counts() -> str:
    needs = [f"| {need.value} | {words} |" for need, words in IN_WORDS.items()]
    told = f"Of {len(CATALOGUE)} codes {len(INJECTIONS)} are injected for real, {len(OMITTED)} are not.\n"
    return "\n".join([told, "| Needs | What the machine must offer |\n|---|---|", *needs, ""])


def _area(area: Area) -> str:
    rows = [_row(entry) for code, entry in INJECTIONS.items() if CATALOGUE[code].area is area]
    title = "TLS" if area is Area.TLS else area.value.capitalize()
    return "\n".join([f"## {title}", "", TABLE, *rows, ""])


def _row(entry: Injection) -> str:
    needs = ", ".join(need.value for need in entry.needs)
    cells = (
        f"[`{entry.code}`](../diagnosis/{entry.code}.md)", entry.how, entry.sees.value,
        CATALOGUE[entry.code].blame.value, needs,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _omitted() -> str:
    rows = [f"| [`{omitted.code}`](../diagnosis/{omitted.code}.md) | {omitted.reason} |" for omitted in OMITTED]
    return "\n".join(["## Not injected\n\n| Code | Why not |\n|---|---|", *rows, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: the page is as it should be; 1: `--check` found that it is not."""
    parser = argparse.ArgumentParser(prog="python -m holdfast.lab.reference", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, say whether it is out of date")
    if not parser.parse_args(arguments).check:
        PAGE.write_text(page(), "utf-8")
        return 0
    return int(PAGE.read_text("utf-8") != page())


if __name__ == "__main__":
    raise SystemExit(main())
