"""`python -m bench`: Holdfast and the peers in turn, round after round, then one table."""

import os
import platform
import shutil
import tempfile
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import meter, servers
from bench.experiments import EXPERIMENTS
from bench.findings import QUICK, Scale, Trouble
from bench.loading import LoadFailure
from bench.report import Results, as_json, table

WIDE = 200  # columns; a table in a file is not folded to 80
LIBRARIES = ("websockets", "aiohttp", "uvloop", "pynacl", "msgspec")


class Peer(StrEnum):
    WEBSOCKETS = "websockets"
    AIOHTTP = "aiohttp"
    UNDIAGNOSED = servers.UNDIAGNOSED  # Holdfast itself with diagnosis off


class Part(StrEnum):
    REGISTRATIONS = "registrations"
    HEARTBEATS = "heartbeats"
    MEMORY = "memory"
    START = "start"
    STORM = "storm"
    IDLE = "idle"
    AGENTS_PAGE = "agents-page"


USUAL = (Part.REGISTRATIONS, Part.HEARTBEATS, Part.MEMORY, Part.START)  # what can be done in six minutes


def bench(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="How often each server is measured, in turn.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="One round of small numbers: does it all work?")] = False,
    peer: Annotated[list[Peer] | None, typer.Option(help="A peer to compare with; may be repeated.")] = None,
    only: Annotated[list[Part] | None, typer.Option(help="This experiment in place of the usual ones.")] = None,
    without_holdfast: Annotated[bool, typer.Option("--without-holdfast", help="Measure the peers alone.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every reading to this file.")] = None,
    work_dir: Annotated[Path | None, typer.Option(help="Where data goes: the disk that is measured.")] = None,
) -> None:
    """Compare Holdfast with minimal gateways of the same protocol on this machine."""
    scale = QUICK if quick else Scale()
    console = Console(width=None if Console().is_terminal else WIDE, highlight=False)
    names = ([] if without_holdfast else [servers.HOLDFAST]) + [str(each) for each in peer or [Peer.WEBSOCKETS]]
    parts = [str(each) for each in only or USUAL]
    meter.raise_fd_limit(_most_agents(scale, parts) + 1000)
    directory = Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir=work_dir)).resolve()
    results = Results(machine=_machine(directory))
    try:
        for number in range(1 if quick else rounds):
            for name in names:
                for part in parts:
                    console.print(f"round {number + 1}: {name}, {part} ...")
                    _measure(results, name, part, directory / f"{number}-{name}-{part}", scale)
    except (servers.StartFailure, LoadFailure) as failure:
        console.print(str(failure), markup=False)
        raise typer.Exit(2) from failure
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    _tell(console, results, names, json_file)


def _most_agents(scale: Scale, parts: list[str]) -> int:
    agents = {"memory": scale.idle_agents, "storm": scale.storm_agents, "idle": scale.still_agents}
    return max(agents.get(part, scale.registrations) for part in parts)


def _measure(results: Results, name: str, part: str, directory: Path, scale: Scale) -> None:
    for finding in EXPERIMENTS[part](name, directory, scale):
        if isinstance(finding, Trouble):
            results.troubles.append(finding)
        else:
            results.add(finding.figure, name, finding.value)
    shutil.rmtree(directory, ignore_errors=True)


def _machine(directory: Path) -> dict[str, str]:
    return {
        "system": platform.platform(),
        "cpus": str(os.cpu_count()),
        "python": platform.python_version(),
        "load average at start": f"{os.getloadavg()[0]:.2f}",
        "fsync of 4 KiB": f"{meter.fsync_ms(directory):.2f} ms",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def _tell(console: Console, results: Results, names: list[str], json_file: Path | None) -> None:
    console.print()
    for fact, value in results.machine.items():
        console.print(f"{fact}: {value}", markup=False)
    console.print()
    console.print(table(results, names))
    for trouble in results.troubles:
        console.print(f"{'FAILED' if trouble.is_failure else 'note'}: {trouble.text}", markup=False)
    if json_file is not None:
        json_file.write_bytes(as_json(results))
    if any(trouble.is_failure for trouble in results.troubles):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(bench)
