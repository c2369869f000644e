"""What `holdfast up` tells the person who typed it: what to open and what to type next."""

from socket import gethostname
from typing import TYPE_CHECKING

from holdfast.cli.screen import say

if TYPE_CHECKING:
    from holdfast.serve import Running

_WHO = {
    "open": "open: every agent that reaches the gateway may register",
    "approve": "approve: agents wait until an operator approves them",
    "token": "token: agents need an enrolment token",
}
_ANY = {"0.0.0.0", "::"}  # noqa: S104 - compared, never bound


def greet(running: "Running") -> None:
    """Print the greeting."""
    for line in lines(running):
        say(line)


def lines(running: "Running") -> list[str]:
    """The greeting, fit for 60 columns."""
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
    if running.sign_in_path is not None:
        told.append(f"  sign in     {api}{running.sign_in_path}")
        told.append("              (once, as administrator, within 15 minutes)")
    told += [f"  register    {_WHO[config.registration or 'open']}", f"  data        {config.data_dir}", ""]
    return told + _next(running, api)


def _next(running: "Running", api: str) -> list[str]:
    if running.api_port is None:
        return []
    told = ["Next, in another terminal:", f"  curl {api}/agents"]
    option = "" if running.api_port == 8083 and running.config.host == "127.0.0.1" else f" --api {api}"
    told.append(f"  holdfast agents list{option}")
    if running.gateway_port is not None:
        told.append(f"  holdfast agent run --url ws://HOST:{running.gateway_port}")
    told.append(f"  holdfast tokens create --name me --role admin --data-dir {running.config.data_dir}")
    return told
