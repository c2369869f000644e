"""What to examine, and where on this host to look for its settings."""

import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

GATEWAY_PORT: Final = 8080
API_PORT: Final = 8083

AddressInfo = tuple[int, str]  # address family, address
Resolve = Callable[[str], Awaitable[list[AddressInfo]]]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One examination. Times in seconds; `idle_s` 0 holds no connection; files are PEM.

    `register` registers for real, with the agent's own key only. Otherwise the last step of a registration is asked
    for as a dry run, or with `dry_run` off not asked for at all.
    """

    url: str
    idle_s: float = 0.0
    timeout_s: float = 5.0
    host_id: str | None = None
    org_id: str = "default-org"
    state_dir: Path | None = None
    enrolment_token: str | None = None
    api: str | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    dry_run: bool = True
    register: bool = False


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """This host, as far as the doctor reads it. `resolve` is None for the system's own resolution."""

    environ: Mapping[str, str] = msgspec.field(default_factory=lambda: dict(os.environ))
    resolv_conf: Path = Path("/etc/resolv.conf")
    hosts: Path = Path("/etc/hosts")
    root: Path = Path("/")
    dns_port: int = 53
    gateway_port: int = GATEWAY_PORT
    api_port: int = API_PORT
    web_ports: tuple[int, ...] = (80, 443)
    resolve: Resolve | None = None
    host_name: str = msgspec.field(default_factory=socket.gethostname)
