"""`holdfast lab FAULT…`: inject faults of the catalogue for real, and watch them being named.

Mounted with `app.command()(lab)`.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from holdfast.cli.options import AsJson, TokenFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.lab import Injection, Result, Target

EXIT_PROBLEM: Final = 1
COLUMNS: Final = ("fault", "seen by", "outcome", "verdict", "basis", "confidence", "also", "seconds")
NARROW: Final = ("fault", "outcome", "verdict", "seconds")


def lab(
    faults: Annotated[list[str] | None, typer.Argument(metavar="FAULT…", help="Codes, or groups such as MSG.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Inject every fault that this machine can.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the faults, and inject none.")] = False,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A running gateway. [default: one of the lab's own]")
    ] = None,
    api: Annotated[
        str | None, typer.Option("--api", metavar="URL", envvar="HOLDFAST_API_URL", help="Its Actions API.")
    ] = None,
    token_file: TokenFile = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Injections at once.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Inject faults and print fault, verdict and seconds.

    Without --url the lab starts control planes of its own, whose timers are short. A fault that needs a server set up
    in a certain way always gets its own.

    Exit code: 0 every fault was named, 1 one was not.

    \b
    Examples:
      holdfast lab SIG-ORDER LIFE-SILENT
      holdfast lab MSG --url ws://127.0.0.1:8080 --api http://127.0.0.1:8083
      holdfast lab --all --json
    """
    from holdfast.cli import screen
    from holdfast.lab import INJECTIONS, Outcome

    chosen = list(INJECTIONS.values()) if every or (listing and not faults) else _chosen(faults or [])
    if listing:
        _list(chosen, as_json=as_json)
        return
    results = _run(chosen, _target(url, api, token_file), jobs=jobs)
    if as_json:
        screen.print_json(results)
    else:
        _show(results)
    fine = (Outcome.NAMED, Outcome.SKIPPED)
    raise typer.Exit(0 if all(result.outcome in fine for result in results) else EXIT_PROBLEM)


def _chosen(faults: list[str]) -> "list[Injection]":
    from holdfast.cli.failures import usage
    from holdfast.faults import UnknownFault
    from holdfast.lab import INJECTIONS, injection

    if not faults:
        raise usage(what="no fault was named", why="the lab injects what it is told to", fix="Name codes, or use --all")
    found: dict[str, Injection] = {}
    for name in faults:
        group = {code: entry for code, entry in INJECTIONS.items() if code.startswith(f"{name.upper().rstrip('-')}-")}
        try:
            found |= group or {name: injection(name)}
        except UnknownFault as unknown:
            near = f"Did you mean {', '.join(unknown.nearest)}?" if unknown.nearest else "See `holdfast lab --list`"
            raise usage(
                what=f"the lab has no fault {unknown.code}", why="no row of it has this code", fix=near
            ) from None
    return list(dict.fromkeys(found.values()))


def _target(url: str | None, api: str | None, token_file: Path | None) -> "Target | None":
    if url is None:
        return None
    import os

    from holdfast.cli.options import DEFAULT_API
    from holdfast.lab import Target

    token = token_file.read_text("utf-8").strip() if token_file is not None else os.environ.get("HOLDFAST_TOKEN")
    return Target(url=url, api_url=api or DEFAULT_API, token=token)


def _run(chosen: "list[Injection]", target: "Target | None", *, jobs: int) -> "list[Result]":
    import asyncio
    import tempfile

    from holdfast.lab import Laboratory

    async def run(folder: Path) -> "list[Result]":
        async with Laboratory(folder, target, jobs=jobs) as laboratory:
            return await laboratory.run(chosen, _teller(len(chosen)))

    with tempfile.TemporaryDirectory(prefix="holdfast-lab-", ignore_cleanup_errors=True) as folder:
        return asyncio.run(run(Path(folder)))


def _teller(total: int) -> "Callable[[Result], None]":
    """One line on stderr for each result, as it comes."""
    done = 0

    def tell(result: "Result") -> None:
        nonlocal done
        done += 1
        verdict = result.verdict or "no verdict"
        sys.stderr.write(f"[{done}/{total}] {result.code}: {verdict} ({result.outcome}, {result.seconds:g} s)\n")

    return tell


def _list(chosen: "list[Injection]", *, as_json: bool) -> None:
    from holdfast.cli import screen

    if as_json:
        rows = [{"code": entry.code, "how": entry.how, "sees": entry.sees, "needs": entry.needs} for entry in chosen]
        screen.print_json(rows)
        return
    screen.print_table(
        ("fault", "seen by", "how", "needs"),
        ((e.code, e.sees.value, e.how, ", ".join(e.needs) or "-") for e in chosen),
        narrow=("fault", "how"),
    )


def _show(results: "list[Result]") -> None:
    from collections import Counter

    from holdfast.cli import screen

    screen.print_table(COLUMNS, (_row(result) for result in results), narrow=NARROW)
    for result in results:
        if result.outcome not in ("named", "skipped"):
            screen.say(f"{result.code}: {result.outcome}: {result.why}")
    counted = Counter(result.outcome.value for result in results)
    screen.hint(", ".join(f"{n} {outcome}" for outcome, n in counted.most_common()))


def _row(result: "Result") -> tuple[str, ...]:
    confidence = "-" if result.confidence is None else f"{result.confidence:g}"
    return (
        result.code, result.sees.value, result.outcome.value, result.verdict or "-", result.basis or "-", confidence,
        ", ".join(result.also) or "-", f"{result.seconds:g}",
    )  # fmt: skip


__all__ = ["lab"]
