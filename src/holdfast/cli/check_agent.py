"""`holdfast check-agent`: for people who write agents."""

import shlex
from typing import TYPE_CHECKING, Annotated, Final

import typer

from holdfast.cli import EXIT_PROBLEM, EXIT_USAGE
from holdfast.cli.paragraphs import say_paragraph
from holdfast.cli.screen import print_json, say

if TYPE_CHECKING:
    from holdfast.conformance.verdict import Line, Report

MARKS: Final = {"pass": "PASS", "warn": "WARN", "fail": "FAIL", "skip": "SKIP"}
_INDENT: Final = " " * 8


def check_agent(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD ...", help="The agent and its arguments.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    patience: Annotated[float, typer.Option("--patience", help="Wait this many times as long as usual.")] = 1.0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Always print what the agent wrote.")] = False,
) -> None:
    """Check an agent in any language against a throw-away gateway.

    The agent finds the gateway's URL in HOLDFAST_URL, and {url} in its arguments is replaced by it. It is watched while
    it registers, gets pings and odd but legal frames, loses its connection once, and sees the gateway restart once.

    Exit code: 0 nothing failed, 1 a line failed or was not reached, 2 the command cannot be started.

    \b
    Examples:
      holdfast check-agent -- python3 my_agent.py
      holdfast check-agent --json -- ./agent --url {url}
    """
    import asyncio

    if not as_json:
        say(f"checking {shlex.join(command)}")
    try:
        report = asyncio.run(_examine(command, patience, quiet=as_json))
    except OSError as error:
        typer.echo(f"error: the command cannot be started: {error.strerror}: {command[0]}", err=True)
        raise typer.Exit(EXIT_USAGE) from error
    if as_json:
        print_json({"passed": report.passed, "finding": report.finding, "report": report})
    else:
        _print_end(report, verbose=verbose)
    raise typer.Exit(0 if report.passed else EXIT_PROBLEM)


async def _examine(command: list[str], patience: float, *, quiet: bool) -> "Report":
    from holdfast.conformance.examination import Examination, Patience
    from holdfast.conformance.stand import Stand
    from holdfast.serve import signature_explainer

    async with signature_explainer() as explain:
        stand = Stand(explain)
        await stand.start()
        try:
            on_line = _ignore if quiet else _print_line
            return await Examination(stand, command, patience=Patience().times(patience), on_line=on_line).run()
        finally:
            await stand.close()


def _ignore(_line: "Line") -> None:
    """With --json the report is printed whole at the end."""


def _print_line(line: "Line") -> None:
    told = line.because and line.finding is None and line.result != "skip"
    because = f" ({line.because})" if told else ""
    say_paragraph(f"{line.title}{because}", lead=f"  {MARKS[line.result]}  ")
    if line.finding is not None:
        say_paragraph(f"{line.finding.code}: {line.finding.what}", lead=_INDENT)
        say_paragraph(line.finding.why, lead=f"{_INDENT}why: ")
        say_paragraph(line.finding.fix, lead=f"{_INDENT}fix: ")


def _print_end(report: "Report", *, verbose: bool) -> None:
    if report.output and (verbose or not report.passed):
        say("what the agent wrote, at the end:")
        for text in report.output.splitlines()[-12:]:
            say(f"  | {text}")
    left_out = [line for line in report.lines if line.result == "skip"]
    if left_out:
        counted = "1 line was" if len(left_out) == 1 else f"{len(left_out)} lines were"
        say_paragraph(f"{counted} not checked: {left_out[0].because}.")
    warned = sum(line.result == "warn" for line in report.lines)
    if report.finding is not None:
        more = "" if report.finding.code.startswith("CLI-") else f" More: holdfast explain {report.finding.code}"
        say_paragraph(f"First thing to mend: {report.finding.fix}.{more}")
    elif warned:
        say_paragraph("The agent does everything right that the guide asks for; see the line with WARN.")
    else:
        say("The agent does everything that was checked right.")
