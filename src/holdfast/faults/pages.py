"""The documentation page of every fault, and their index: `python -m holdfast.faults.pages [--check] [DIR]`.

Plain string building: this side of Holdfast is installed with agents, which carry no template engine.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from holdfast.faults.catalogue import CATALOGUE
from holdfast.faults.entry import Area, Blame, Fault, Kind
from holdfast.faults.explanation import Explanation, Reference, explain
from holdfast.faults.guide import ANSWERED_BY, GUIDE

INDEX: Final = "README.md"
GUIDE_PAGE: Final = "THE-GUIDE-AUTOMATED.md"

AREAS: Final[Mapping[Area, str]] = {
    Area.NETWORK: "Name resolution and network",
    Area.TLS: "TLS and certificates",
    Area.PROXY: "Proxies and load balancers",
    Area.HANDSHAKE: "WebSocket handshake",
    Area.LIFECYCLE: "Connection lifecycle",
    Area.MESSAGE: "Message format",
    Area.REGISTRATION: "Registration",
    Area.SIGNATURE: "Signature and key",
    Area.IDENTITY: "Identity and enrolment",
    Area.CLOCK: "Clocks and replay",
    Area.RATE: "Rates",
    Area.SERVER: "Server side",
}

WHERE: Final[Mapping[Blame, str]] = {
    Blame.AGENT: "the agent's program or its configuration",
    Blame.HOST: "the machine the agent runs on",
    Blame.NETWORK: "the network between agent and gateway",
    Blame.PROXY: "a proxy or balancer on the way",
    Blame.OPERATOR: "the operation of the fleet: names, certificates, approvals, limits",
    Blame.GATEWAY: "Holdfast, or what it stands on",
    Blame.NOBODY: "nowhere, it is planned or natural",
}

_GENERATED: Final = "<!-- Generated from the fault catalogue by `python -m holdfast.faults.pages`. Edit that. -->"


def pages() -> dict[str, str]:
    """Every file of the directory by its name, with its whole content."""
    return {INDEX: _index(), GUIDE_PAGE: _guide()} | {f"{code}.md": _page(explain(code)) for code in CATALOGUE}


def _guide() -> str:
    lines = [
        _GENERATED,
        "",
        "# The guide, automated",
        "",
        "Holdfast grew out of a troubleshooting guide. Each of its items, what answers it now, and the faults that may",
        "be behind it: they are named by the software itself, before a human opens the guide.",
        "",
        "| the guide | what answers it | findings |",
        "|---|---|---|",
    ]
    for item, text in GUIDE.items():
        codes = [code for code, entry in CATALOGUE.items() if item in entry.guide]
        links = ", ".join(f"[{code}]({code}.md)" for code in codes)
        lines.append(f"| {text} | {ANSWERED_BY[item]} | {links} |")
    return "\n".join(lines) + "\n"


def stale(directory: Path) -> list[str]:
    """What is wrong with the pages in `directory`: missing, out of date, or of no fault; sorted."""
    wanted = pages()
    present = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.md")}
    missing = [f"{name} is missing" for name in wanted.keys() - present.keys()]
    unknown = [f"{name} belongs to no fault" for name in present.keys() - wanted.keys()]
    changed = [f"{name} is out of date" for name in wanted.keys() & present.keys() if wanted[name] != present[name]]
    return sorted(missing + unknown + changed)


def write(directory: Path) -> None:
    """Bring `directory` up to date: write every page, remove those of no fault."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in directory.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")


def _page(told: Explanation) -> str:
    return "\n\n".join(_blocks(told)) + "\n"


def _blocks(told: Explanation) -> Iterator[str]:
    entry = told.fault
    yield f"# {entry.code}: {entry.title}"
    yield _GENERATED
    yield f"Severity **{entry.severity}** · where to put it right: {WHERE[entry.blame]} · [all faults]({INDEX})"
    yield f"## What you see\n\n{entry.symptom}."
    yield f"## Cause\n\n{entry.cause}."
    if entry.kind is Kind.SYMPTOM:
        yield "This code names a symptom. It is reported together with one of the causes that may lie beneath it:"
        yield _links(told.beneath)
    yield f"## Fix\n\n{entry.fix}."
    yield f"## How Holdfast knows\n\n{entry.gateway_sees}."
    yield f"## What `holdfast doctor` checks\n\n{entry.doctor_probes}."
    if told.confused_with:
        yield f"## Easily confused with\n\n{_links(told.confused_with)}"
    if told.symptom_in:
        yield f"## Often hidden behind\n\n{_links(told.symptom_in)}"
    if told.guide:
        items = "\n".join(f"- {item.text}" for item in told.guide)
        yield f"## In the troubleshooting guide\n\n{items}"
    if entry.seen:
        threads = "\n".join(f"- {_thread(name)}" for name in entry.seen)
        yield f"## Seen in\n\nPublic threads where people met this, or something very close:\n\n{threads}"


def _links(references: Sequence[Reference]) -> str:
    return "\n".join(
        f"- [{other.code}]({other.code}.md) {other.title}" + (f". {other.note}." if other.note else "")
        for other in references
    )


def _thread(name: str) -> str:
    repository, _, number = name.partition("#")
    return f"[{name}](https://github.com/{repository}/issues/{number})"


def _index() -> str:
    intro = (
        f"Every way we know in which an agent fails to connect, register or stay connected: {len(CATALOGUE)} faults, "
        "each with a stable code. The same code stands in error messages, close reasons, the API, logs and findings. "
        "What the columns mean is told in [the reference](../reference/faults.md)."
    )
    blocks = ["# Faults by code", _GENERATED, intro]
    for area, heading in AREAS.items():
        entries = [entry for entry in CATALOGUE.values() if entry.area is area]
        rows = "\n".join(_row(entry) for entry in entries)
        head = "| Code | What happened | Severity | Put right by |\n|---|---|---|---|"
        blocks.append(f"## {heading}\n\n{head}\n{rows}")
    return "\n\n".join(blocks) + "\n"


def _row(entry: Fault) -> str:
    return f"| [{entry.code}]({entry.code}.md) | {entry.title} | {entry.severity} | {entry.blame} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: the pages are as they should be; 1: `--check` found one that is not."""
    parser = argparse.ArgumentParser(prog="python -m holdfast.faults.pages", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, name what is missing or out of date")
    parser.add_argument("directory", nargs="?", type=Path, default=Path("docs/diagnosis"), metavar="DIR")
    chosen = parser.parse_args(arguments)
    directory: Path = chosen.directory
    if not chosen.check:
        write(directory)
        return 0
    findings = stale(directory)
    for finding in findings:
        sys.stderr.write(f"{directory / finding}\n")
    if findings:
        sys.stderr.write("Run `python -m holdfast.faults.pages` and commit what it writes.\n")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
