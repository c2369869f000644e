"""What a TLS server sends before anything is encrypted: in TLS 1.2 its whole first flight can be read.

A library tells that a handshake failed. Whether the server asked for a client certificate, and whether it ever spoke
TLS at all, stands in these bytes. Formats: RFC 5246, 6.2.1 and 7.4.
"""

import asyncio
import ssl
from contextlib import suppress
from enum import IntEnum
from typing import Final

import msgspec

from holdfast.doctor.case import Case
from holdfast.doctor.certificates import unverified
from holdfast.doctor.wire import Wire, open_wire

_ALERT: Final = 21
_HANDSHAKE: Final = 22
_MAX_BYTES: Final = 256 * 1024


class Message(IntEnum):
    """Handshake messages of a server."""

    SERVER_HELLO = 2
    CERTIFICATE = 11
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` are the types that came, `alert` the code of a refusal, `reset` whether the end was a TCP reset."""

    messages: tuple[int, ...] = ()
    alert: int | None = None
    reset: bool = False

    @property
    def speaks_tls(self) -> bool:
        return bool(self.messages) or self.alert is not None

    @property
    def wants_certificate(self) -> bool:
        return Message.CERTIFICATE_REQUEST in self.messages


async def first_flight(case: Case) -> Flight:
    """Send a ClientHello of TLS 1.2 and read what comes; the handshake is never finished."""
    try:
        async with asyncio.timeout(case.timeout_s), open_wire(case, None) as wire:
            wire.writer.write(_client_hello(case))
            await wire.writer.drain()
            return await _read(wire)
    except ConnectionResetError:
        return Flight(reset=True)
    except OSError:
        return Flight()


def _client_hello(case: Case) -> bytes:
    context = unverified()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    outgoing = ssl.MemoryBIO()
    started = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=case.target.host)
    with suppress(ssl.SSLWantReadError):
        started.do_handshake()
    return outgoing.read()


async def _read(wire: Wire) -> Flight:
    received = b""
    while len(received) < _MAX_BYTES:
        try:
            piece = await wire.reader.read(16_384)
        except ConnectionResetError:
            return Flight(messages=read_flight(received).messages, alert=read_flight(received).alert, reset=True)
        received += piece
        flight = read_flight(received)
        if not piece or flight.alert is not None or Message.SERVER_HELLO_DONE in flight.messages:
            return flight
    return Flight()


def read_flight(received: bytes) -> Flight:
    """The messages and the alert in the bytes received so far; bytes that are no TLS hold none."""
    handshake, alert, at = b"", None, 0
    while at + 5 <= len(received) and received[at] in (_ALERT, _HANDSHAKE) and received[at + 1] == 3:
        size = int.from_bytes(received[at + 3 : at + 5])
        body = received[at + 5 : at + 5 + size]
        if received[at] == _HANDSHAKE:
            handshake += body
        elif len(body) == 2:
            alert = body[1]
        at += 5 + size
    messages, at = [], 0
    while at + 4 <= len(handshake):
        messages.append(handshake[at])
        at += 4 + int.from_bytes(handshake[at + 1 : at + 4])
    return Flight(messages=tuple(messages), alert=alert)
