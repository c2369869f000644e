"""`python -m holdfast.cli.reference > docs/reference/cli.md`: the reference page, from the commands themselves."""

import re
import sys
from collections.abc import Iterator
from typing import Final, Protocol, cast

from typer.main import get_command

from holdfast.cli.app import app

_HEAD: Final = """\
# Command line

`holdfast --help` and `holdfast COMMAND --help` say the same on the terminal, with examples.

- **Exit codes**: 0 fine; 1 a problem (the server refused, the API is away, the agent was refused); 2 wrong usage or
  configuration, nothing was done; 130 interrupted.
- **Errors** go to stderr as what happened, why, and what to do, with a code; `holdfast explain CODE` says more.
- **Reading** commands print text for people and, with `--json`, the API's own documents. Lists are paged: `--limit`,
  `--cursor`, `--all`. On a terminal narrower than 80 columns lists show their most important columns.
- **Which API**: client commands ask `--api` (HOLDFAST_API_URL, by default `http://127.0.0.1:8083`), with the token of
  `--token-file` (HOLDFAST_TOKEN_FILE), else of HOLDFAST_TOKEN. Reading on the machine itself needs none.
- **Which store**: `tokens` and `enrolment` work on the store itself, on the machine that holds it, because the first
  token cannot be asked for with a token. They find it as the server does: give them the same `--data-dir`,
  `--database-url` or configuration file.
- **AGENT** is an agent_uid, or a host_id where only one agent has it.
"""


class Parameter(Protocol):
    """What is read of an option or argument."""

    name: str | None
    param_type_name: str
    opts: list[str]
    secondary_opts: list[str]
    metavar: str | None
    help: str | None
    default: object
    is_flag: bool


class Command(Protocol):
    """What is read of a command."""

    help: str | None
    params: list[Parameter]


def commands() -> dict[str, Command]:
    """Every command by its full name, in the order of `--help`."""
    return dict(_leaves(get_command(app), ""))


def _leaves(command: object, name: str) -> Iterator[tuple[str, Command]]:
    below: dict[str, object] | None = getattr(command, "commands", None)
    if below is None:
        yield name, cast("Command", command)
        return
    for sub, child in below.items():
        yield from _leaves(child, f"{name} {sub}".strip())


def page() -> str:
    """The reference page."""
    return "\n".join([_HEAD, *(_section(name, command) for name, command in commands().items())])


def _section(name: str, command: Command) -> str:
    text = re.sub(r"[\b\f]", "", command.help or "")
    prose, *example = re.split(r"\n\s*Examples?:\n", text, maxsplit=1)
    parts = [f"## `holdfast {name}`\n", " ".join(prose.split()) + "\n"]
    if example:
        lines = [line.strip() for line in example[0].splitlines() if line.strip()]
        parts.append("\n".join(["```bash", *lines, "```\n"]))
    rows = [row for row in map(_row, command.params) if row]
    if rows:
        parts.append("\n".join(["| option | meaning |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def _row(parameter: Parameter) -> str:
    said = (parameter.help or "").rstrip(".").replace("|", " or ")
    if parameter.param_type_name == "argument":
        shown = (parameter.metavar or parameter.name or "").upper().replace("|", " or ")
        return f"| {shown} | {said} |"
    if parameter.name == "help":
        return ""
    names = ", ".join(f"`{option}`" for option in [*parameter.opts, *parameter.secondary_opts])
    value = f" {parameter.metavar}".replace("|", " or ") if parameter.metavar and not parameter.is_flag else ""
    default = parameter.default
    shown_default = isinstance(default, str | int | float) and not isinstance(default, bool) and default != ""
    return f"| {names}{value} | {said}{f' (default {default})' if shown_default else ''} |"


if __name__ == "__main__":
    sys.stdout.write(page())
