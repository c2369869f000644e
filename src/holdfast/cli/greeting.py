"""What `holdfast up` tells the person who typed it: what to open and what to type next."""

import shlex
import shutil
import sys
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Final

from holdfast.cli.screen import say

if TYPE_CHECKING:
    from holdfast.serve import Running

_WHO = {
    "open": "open: every agent that reaches the gateway may register",
    "approve": "approve: agents wait until an operator approves them",
    "token": "token: agents need an enrolment token",
}
_ANY = {"0.0.0.0", "::"}  # noqa: S104 - compared, never bound
_KEPT_IN: Final = "~/.holdfast-token"


def greet(running: "Running") -> None:
    """Print the greeting, fit for the terminal it goes to."""
    columns = shutil.get_terminal_size().columns
    command = program(sys.argv[0], shutil.which("holdfast"), Path.cwd())
    for line in lines(running, command=command, columns=columns, to_person=sys.stdout.isatty()):
        say(line)


def program(started_as: str, on_path: str | None, working_dir: Path) -> str:
    """How to start this very program in another terminal: by its name where the shell finds it, else by its path."""
    path = Path(started_as).absolute()
    if path.stem != "holdfast" or not path.is_file():
        return "holdfast"
    if on_path is not None and Path(on_path).absolute() == path:
        return "holdfast"
    return shlex.quote(str(path.relative_to(working_dir) if path.is_relative_to(working_dir) else path))


def lines(running: "Running", *, command: str, columns: int, to_person: bool) -> list[str]:
    """The greeting. The link that signs an administrator in is told `to_person` alone: files and logs keep it."""
    config = running.config
    host = gethostname() if config.host in _ANY else config.host
    host = f"[{host}]" if ":" in host else host
    told = ["Holdfast is running. Stop it with Ctrl-C.", ""]
    if running.gateway_port is not None:
        scheme = "wss" if config.tls_cert else "ws"
        told.append(f"  agents      {scheme}://{host}:{running.gateway_port}/ws/agent")
    api = f"{'https' if config.api_tls_cert else 'http'}://{host}:{running.api_port}"
    if running.api_port is not None:
        told.append(f"  API         {api}/agents")
        told.append(f"  dashboard   {api}/")
    if running.sign_in_path is not None and to_person:
        told.append(f"  sign in     {api}{running.sign_in_path}")
        told.append("              (once, as administrator, within 15 minutes)")
    who = config.registration if running.gateway_port is not None else None
    told += [f"  register    {_WHO[who]}"] if who else []
    told += [f"  data        {config.data_dir}", ""]
    if running.api_port is None:
        return told
    told.append("Next, in another terminal:")
    for words in _next(running, api, command):
        told += _wrapped(words, columns)
    return told


def _next(running: "Running", api: str, command: str) -> list[list[str]]:
    """Commands, each as the parts between which its line may be broken."""
    from holdfast.api.access import is_loopback

    config = running.config
    sqlite = (config.database_url or "").startswith("sqlite")
    store = f"--data-dir {shlex.quote(str(config.data_dir))}" if sqlite else "--database-url URL"
    create = [f"{command} tokens create", "--name me", "--role admin", store]
    where = [] if running.api_port == 8083 and config.host == "127.0.0.1" else [f"--api {api}"]
    join = []
    if running.gateway_port is not None:
        scheme = "wss" if config.tls_cert else "ws"
        join = [[f"{command} agent run", f"--url {scheme}://HOST:{running.gateway_port}"]]
    if is_loopback(config.host):
        return [[f"curl {api}/agents"], [f"{command} agents list", *where], *join, create]
    # Away from loopback nothing can be read without a token: it comes first, and the others take it from its file.
    return [
        [*create, f"> {_KEPT_IN}"],
        [f"{command} agents list", *where, f"--token-file {_KEPT_IN}"],
        ["curl", f'-H "Authorization: Bearer $(cat {_KEPT_IN})"', f"{api}/agents"],
        *join,
    ]


def _wrapped(words: list[str], columns: int) -> list[str]:
    """One command on as many lines as it takes, so that it can still be copied whole."""
    told, line = [], f"  {words[0]}"
    for word in words[1:]:
        if len(line) + len(word) + 3 > columns:
            told.append(f"{line} \\")
            line = f"    {word}"
        else:
            line = f"{line} {word}"
    return [*told, line]
