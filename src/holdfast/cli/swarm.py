"""`holdfast swarm URL`: many healthy agents in one process.

Mounted with `app.command()(swarm)`.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from holdfast.cli.options import AsJson

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from holdfast.swarm import Fleet, Progress, Summary, SwarmOptions

EXIT_PROBLEM: Final = 1
PIPE_EVERY_S: Final = 10.0  # nobody wants a line per second in a log file


def swarm(
    url: Annotated[str, typer.Argument(metavar="URL", help="The gateway, e.g. ws://127.0.0.1:8080/ws/agent.")],
    *,
    agents: Annotated[int, typer.Option("--agents", "-n", min=1, help="How many agents.")] = 100,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="New agents per second. [default: 500 on loopback, else 8]")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(min=0, help="Seconds to run once all are started. [default: until Ctrl-C]")
    ] = None,
    addresses: Annotated[
        str | None,
        typer.Option(metavar="CIDR", help="Source addresses. [default: 127.0.0.0/8 for a gateway on loopback]"),
    ] = None,
    name: Annotated[str, typer.Option(help="Beginning of every host_id.")] = "swarm",
    org_id: Annotated[str, typer.Option(help="Organisation of every agent.")] = "default-org",
    enrolment_token_file: Annotated[Path | None, typer.Option(help="File with a token that lets them all in.")] = None,
    ca: Annotated[Path | None, typer.Option(help="CA of the gateway's certificate (PEM).")] = None,
    faulty: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Add faulty agents of the lab, such as 1% of the healthy ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run many healthy agents against a gateway; they register, beat, and come back after losses.

    Exit code: 0 all was well, 1 an agent never registered, was refused, missed an acknowledgement or was lost.

    \b
    Examples:
      holdfast swarm ws://127.0.0.1:8080 --agents 1000 --duration 60
      holdfast swarm wss://gateway.example --agents 200 --rate 5 --ca ca.pem --json
      holdfast swarm ws://127.0.0.1:8080 --agents 500 --faulty 1%
    """
    from holdfast.cli.failures import show_problem
    from holdfast.swarm import SwarmOptions, first_cause, make_room

    options = SwarmOptions(
        url=url, agents=agents, rate=rate, duration_s=duration, addresses=addresses, name=name, org_id=org_id,
        enrolment_token=_token(enrolment_token_file), ca_file=ca,
    )  # fmt: skip
    troublemakers = _share_of(agents, faulty)
    make_room(agents + troublemakers)
    summary = _run(options, troublemakers)
    _show(summary, as_json=as_json)
    if (cause := first_cause(summary, url=url)) is not None:
        show_problem(cause)
    raise typer.Exit(0 if summary.ok else EXIT_PROBLEM)


def _share_of(agents: int, share: str | None) -> int:
    """How many faulty agents: a share such as `1%`, or a number."""
    import math

    from holdfast.cli.failures import usage

    if share is None:
        return 0
    number, percent = share.strip().removesuffix("%"), share.strip().endswith("%")
    if not number.replace(".", "", 1).isdecimal():
        raise usage(what=f"--faulty {share} is no share", why="it is no number", fix="Give a share such as 1%")
    return math.ceil(agents * float(number) / 100) if percent else math.ceil(float(number))


def _run(options: "SwarmOptions", troublemakers: int) -> "Summary":
    import asyncio
    import signal

    from holdfast.swarm import Fleet

    async def run() -> "Summary":
        fleet = Fleet(options)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, fleet.ask_to_stop)
        return await (_told(fleet) if not troublemakers else _mixed(fleet, options.url, troublemakers))

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(run())


async def _mixed(fleet: "Fleet", url: str, troublemakers: int) -> "Summary":
    """The fleet, and faulty agents of the lab beside it for as long as it runs."""
    import asyncio
    import tempfile

    import msgspec

    from holdfast.cli.options import DEFAULT_API
    from holdfast.lab import Target, make_mischief

    stop = asyncio.Event()
    with tempfile.TemporaryDirectory(prefix="holdfast-lab-") as folder:
        target = Target(url=url, api_url=DEFAULT_API)
        mischief = asyncio.create_task(make_mischief(target, troublemakers, Path(folder), stop))
        try:
            summary = await _told(fleet)
        finally:
            stop.set()
        return msgspec.structs.replace(summary, injected=dict((await mischief).most_common()))


async def _told(fleet: "Fleet") -> "Summary":
    """Run the fleet with one live line on a terminal's stderr, or a line now and then where there is none."""
    if not sys.stderr.isatty():
        return await fleet.run(on_progress=lambda at: _hint(_line(at)), every_s=PIPE_EVERY_S)
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        return await fleet.run(on_progress=lambda at: status.update(_line(at)))


def _hint(line: str) -> None:
    from holdfast.cli import screen

    screen.hint(line)


def _line(at: "Progress") -> str:
    return (
        f"{at.at_s:.0f} s: {at.connected} of {at.agents} connected, {at.registered} registered, "
        f"{at.heartbeats_per_s:g} heartbeats/s, {at.acks_missing} acks missing, {at.reconnects} reconnects"
        + (f", {at.refused} refused" if at.refused else "")
    )


def _show(summary: "Summary", *, as_json: bool) -> None:
    from holdfast.cli import screen

    if as_json:
        screen.print_json(summary)
    else:
        screen.print_struct(summary)


def _loop_factory() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _token(path: Path | None) -> str | None:
    if path is None:
        return None
    from holdfast.cli.failures import usage

    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not ASCII text"
        raise usage(what=f"the token file {path} cannot be read", why=why, fix="Correct the path") from error


__all__ = ["swarm"]
