"""What a swarm is asked to be, and where it dials."""

import ipaddress
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from holdfast.faults import Refused, problem
from holdfast.protocol.limits import PATH

LOOPBACK: Final = ipaddress.IPv4Network("127.0.0.0/8")
RATE_OWN_ADDRESSES: Final = 500.0
RATE_ONE_ADDRESS: Final = 8.0  # a gateway lets 10 registrations/s through from one address


class SwarmOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`rate` is new agents per second, None for what the gateway takes; `duration_s` None is until it is stopped.

    `addresses` is the network (CIDR) whose addresses the agents dial from, None for the machine's own choice: then a
    gateway on loopback is dialled from 127.0.0.0/8. `name` begins every host_id.
    """

    url: str
    agents: int
    rate: float | None = None
    duration_s: float | None = None
    addresses: str | None = None
    name: str = "swarm"
    org_id: str = "default-org"
    enrolment_token: str | None = None
    ca_file: Path | None = None


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where every agent dials. `host` is the name in the URL, `path` with its query."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None


def destination(options: SwarmOptions) -> Destination:
    """The place that the URL names.

    Raises:
        Refused: the URL is none of a gateway, or the CA file cannot be used.
    """
    try:
        parts = urlsplit(options.url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad_url(str(error)) from error
    if parts.scheme not in ("ws", "wss") or not host:
        raise _bad_url(f"expected ws://HOST:PORT or wss://HOST:PORT, got scheme {parts.scheme[:20]!r}")
    secure = parts.scheme == "wss"
    path = parts.path if parts.path not in ("", "/") else PATH
    return Destination(
        host=host,
        port=port or (443 if secure else 80),
        path=f"{path}?{parts.query}" if parts.query else path,
        tls=_tls(options.ca_file) if secure else None,
    )


def source_network(options: SwarmOptions, host: str) -> ipaddress.IPv4Network | None:
    """The network to dial from; None leaves the address to the machine.

    Raises:
        Refused: `addresses` is no IPv4 network.
    """
    if options.addresses is not None:
        try:
            return ipaddress.IPv4Network(options.addresses, strict=False)
        except ValueError as error:
            raise Refused(
                problem(
                    "NET-UNREACHABLE",
                    what=f"--addresses {options.addresses[:60]} cannot be used",
                    why=str(error),
                    fix="Give an IPv4 network of this machine, such as 127.0.0.0/8",
                )
            ) from error
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None
    return LOOPBACK if address in LOOPBACK else None


def source_address(network: ipaddress.IPv4Network, number: int) -> str:
    """The address of agent `number`; far from the network's first ones, which the machine's own clients use."""
    size = network.num_addresses
    first = min(65_536, size // 2)
    return str(network[(first + number) % size])


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        why = f"{ca_file}: {getattr(error, 'strerror', None) or error}"
        raise Refused(problem("TLS-UNTRUSTED-CA", what="the CA file cannot be used", why=why)) from error


def _bad_url(why: str) -> Refused:
    fix = f"Give the gateway's URL, such as ws://127.0.0.1:8080{PATH}"
    return Refused(problem("WS-WRONG-SCHEME", what="the URL is not one of a gateway", why=why, fix=fix))
