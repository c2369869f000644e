"""Whose address a connection has that comes through a proxy: the PROXY protocol, X-Forwarded-For and Forwarded.

Only a peer that the operator listed as trusted is believed. What others say is recorded, and changes nothing.
"""

import ipaddress
import re
import struct
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from holdfast.faults import Problem, Refused, printable, problem

# https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, 2.1 and 2.2.
V1_START: Final = b"PROXY "
V1_MAX_BYTES: Final = 107
V2_START: Final = b"\r\n\r\n\x00\r\nQUIT\n"
V2_MAX_BYTES: Final = 16 + 2048  # ours: room for the addresses (36 bytes) and any extension seen in the field
_V1: Final = re.compile(rb"PROXY (TCP4|TCP6) ([0-9a-fA-F.:]+) [0-9a-fA-F.:]+ (\d{1,5}) \d{1,5}\r\n")
_V1_UNKNOWN: Final = re.compile(rb"PROXY UNKNOWN[^\r\n]*\r\n")
_V2_ADDRESSES: Final = {0x11: ("!4s4sHH", 12), 0x21: ("!16s16sHH", 36)}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Origin(msgspec.Struct, frozen=True):
    """Where a connection began; `port` is 0 where nobody told it."""

    address: str
    port: int = 0

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class ProxyHeader(msgspec.Struct, frozen=True):
    """A PROXY header of `size` bytes; without `origin` the proxy speaks for itself, as in its health checks."""

    size: int
    origin: Origin | None


class TrustedProxies:
    """The proxies that are believed."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Raises Refused (CFG-BAD-VALUE) for an entry that is neither an address nor a network."""
        self._networks = [_network(entry) for entry in entries]

    def __contains__(self, address: str) -> bool:
        if not self._networks:
            return False
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, forwarded: Sequence[Origin | None]) -> Origin | None:
        """Who is behind the proxies: the rightmost hop that is not one of ours, since each proxy appends its peer.

        What stands further left was said by the client itself. None where the last hop is unreadable or there is none.
        """
        nearest = None
        for hop in reversed(forwarded):
            if hop is None:
                return nearest
            nearest = hop
            if hop.address not in self:
                return nearest
        return nearest


def hops(forwarded_for: Sequence[str], forwarded: Sequence[str]) -> list[Origin | None]:
    """The hops that X-Forwarded-For tells, else those of Forwarded (RFC 7239); None stands for an unreadable one.

    X-Forwarded-For goes first, because that is what proxies write; a Forwarded beside it is more probably the client's.
    """
    if forwarded_for:
        return [_hop(part) for part in ",".join(forwarded_for).split(",")]
    return [_hop(_for_parameter(element)) for element in ",".join(forwarded).split(",")] if forwarded else []


def is_proxy_header(data: bytes | bytearray) -> bool:
    """Whether the first bytes of a connection are a PROXY header."""
    return data.startswith((V1_START, V2_START))


def proxy_header(head: bytes | bytearray) -> ProxyHeader | Problem | None:
    """The PROXY header at the start of `head`; None while it is incomplete, a header of 0 bytes where there is none."""
    if head.startswith(V1_START):
        return _version_1(head)
    if head.startswith(V2_START):
        return _version_2(head)
    if any(start.startswith(head) for start in (V1_START, V2_START)):
        return None
    return ProxyHeader(0, None)


def untrusted(data: bytes | bytearray, peer: str) -> Problem:
    """Why a PROXY header from `peer` ends the connection."""
    return problem(
        "PXY-CLIENT-IP-HIDDEN",
        what="the connection begins with a PROXY header, and its sender is not trusted",
        why=f"{peer} is not among trusted_proxies; it said {_shown(data)}",
        fix="Add the proxy's address to trusted_proxies, or switch its PROXY protocol off",
    )


def _version_1(head: bytes | bytearray) -> ProxyHeader | Problem | None:
    line, ended, _ = bytes(head[:V1_MAX_BYTES]).partition(b"\r\n")
    if not ended:
        return None if len(head) < V1_MAX_BYTES else _unreadable(head)
    size = len(line) + 2
    if _V1_UNKNOWN.fullmatch(line + b"\r\n"):
        return ProxyHeader(size, None)
    match = _V1.fullmatch(line + b"\r\n")
    address = _parse(match[2].decode()) if match else None
    if match is None or address is None or (address.version == 4) != (match[1] == b"TCP4") or int(match[3]) > 65_535:
        return _unreadable(head)
    return ProxyHeader(size, Origin(str(address), int(match[3])))


def _version_2(head: bytes | bytearray) -> ProxyHeader | Problem | None:
    if len(head) < 16:
        return None
    command, family, length = struct.unpack_from("!BBH", head, len(V2_START))
    size = 16 + length
    if command not in (0x20, 0x21) or size > V2_MAX_BYTES:
        return _unreadable(head)
    if len(head) < size:
        return None
    if command == 0x20 or family not in _V2_ADDRESSES:
        return ProxyHeader(size, None)
    form, needed = _V2_ADDRESSES[family]
    if length < needed:
        return _unreadable(head)
    source, _, port, _ = struct.unpack_from(form, head, 16)
    return ProxyHeader(size, Origin(str(ipaddress.ip_address(source)), port))


def _unreadable(head: bytes | bytearray) -> Problem:
    return problem(
        "PXY-CLIENT-IP-HIDDEN",
        what="the proxy's PROXY header cannot be read",
        why=f"it begins with {_shown(head)}",
        fix="Let the proxy send the PROXY protocol, version 1 or 2, or switch it off",
    )


def _shown(data: bytes | bytearray) -> str:
    return repr(printable(bytes(data[:V1_MAX_BYTES]).split(b"\r\n", 1)[0].decode("latin-1") or "version 2", 60))


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(entry.strip(), strict=False)
    except ValueError as error:
        raise Refused(
            Problem(
                code="CFG-BAD-VALUE",
                what=f"trusted_proxies holds {printable(entry)!r}",
                why=str(error),
                fix="Write addresses or networks such as 10.0.0.0/8",
                field="trusted_proxies",
            )
        ) from error


def _for_parameter(element: str) -> str:
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""


def _hop(text: str) -> Origin | None:
    """`192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`."""
    text = text.strip()
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    address = _parse(host)
    if address is None or not (port == "" or (port.isascii() and port.isdigit() and int(port) <= 65_535)):
        return None
    return Origin(str(address), int(port or 0))


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A dual-stack listener shows IPv4 peers as ::ffff:192.0.2.1, and operators write 192.0.2.1.
    return getattr(address, "ipv4_mapped", None) or address
