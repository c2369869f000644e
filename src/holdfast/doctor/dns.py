"""Asking one name server directly: the two questions that a connection needs, over UDP, and over TCP where asked to.

The system's resolver tells only its conclusion. Which of several servers is dead, and which one does not know a name,
shows only when each is asked by itself. Formats: RFC 1035, section 4.
"""

import asyncio
import ipaddress
import secrets
import struct
import time
from enum import StrEnum
from typing import Final

import msgspec

A: Final = 1
AAAA: Final = 28
_HEADER: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!2HIH")
_RECURSE: Final = 0x0100
_TRUNCATED: Final = 0x0200
_IN: Final = 1
_NXDOMAIN: Final = 3
_MAX_RECORDS: Final = 64


class Said(StrEnum):
    """What a name server made of a question."""

    ANSWERED = "answered"
    EMPTY = "no such record"
    NXDOMAIN = "no such name"
    FAILED = "failed"
    SILENT = "no answer"
    REFUSED = "port closed"
    UNREACHABLE = "no way to it"


DEAD: Final = frozenset({Said.SILENT, Said.REFUSED, Said.UNREACHABLE})


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One server's answer to one question. `ttl_s` is the shortest of its records."""

    said: Said
    addresses: tuple[str, ...] = ()
    ttl_s: int | None = None
    took_ms: float = 0.0


class _Datagram(asyncio.DatagramProtocol):
    def __init__(self, txid: int) -> None:
        self.reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._txid = txid.to_bytes(2)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if data[:2] == self._txid and not self.reply.done():
            self.reply.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(exc)


async def ask_server(server: str, name: str, kind: int, *, port: int, timeout_s: float, tcp: bool = False) -> Reply:
    """Ask `server` for the records of `kind` (`A` or `AAAA`) of `name`; never raises for what a network does."""
    begun = time.perf_counter()
    txid = secrets.randbelow(1 << 16)
    question = encode_question(txid, name, kind)
    try:
        async with asyncio.timeout(timeout_s):
            raw = await (_by_tcp(server, port, question) if tcp else _by_udp(server, port, question, txid))
            if not tcp and _is_truncated(raw):
                raw = await _by_tcp(server, port, question)
        reply = decode_reply(raw, kind)
    except TimeoutError:
        reply = Reply(said=Said.SILENT)
    except ConnectionRefusedError:
        reply = Reply(said=Said.REFUSED)
    except asyncio.IncompleteReadError:
        reply = Reply(said=Said.SILENT)
    except OSError:
        reply = Reply(said=Said.UNREACHABLE)
    return msgspec.structs.replace(reply, took_ms=round((time.perf_counter() - begun) * 1000, 1))


def encode_question(txid: int, name: str, kind: int) -> bytes:
    """The bytes that ask for `name`.

    Raises:
        OSError: no DNS name can look like this.
    """
    try:
        labels = name.rstrip(".").encode("idna").split(b".")
    except UnicodeError as error:
        raise OSError(f"{name!r} cannot be a DNS name") from error
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"
    return _HEADER.pack(txid, _RECURSE, 1, 0, 0, 0) + encoded + struct.pack("!2H", kind, _IN)


def decode_reply(raw: bytes, kind: int) -> Reply:
    """What a server's bytes say; whatever cannot be read counts as a failure of the server."""
    try:
        return _decode(raw, kind)
    except (struct.error, IndexError, ValueError):
        return Reply(said=Said.FAILED)


def _decode(raw: bytes, kind: int) -> Reply:
    _, flags, questions, answers, _, _ = _HEADER.unpack_from(raw)
    if flags & 15 == _NXDOMAIN:
        return Reply(said=Said.NXDOMAIN)
    if flags & 15:
        return Reply(said=Said.FAILED)
    at = _HEADER.size
    for _ in range(questions):
        at = _after_name(raw, at) + 4
    addresses, ttls = [], []
    for _ in range(min(answers, _MAX_RECORDS)):
        at = _after_name(raw, at)
        found, _, ttl_s, size = _RECORD.unpack_from(raw, at)
        at += _RECORD.size
        if found == kind:
            addresses.append(str(ipaddress.ip_address(raw[at : at + size])))
            ttls.append(ttl_s)
        at += size
    said = Said.ANSWERED if addresses else Said.EMPTY
    return Reply(said=said, addresses=tuple(addresses), ttl_s=min(ttls, default=None))


def _after_name(raw: bytes, at: int) -> int:
    while raw[at]:
        if raw[at] >= 0xC0:  # a pointer ends a name
            return at + 2
        at += 1 + raw[at]
    return at + 1


def _is_truncated(raw: bytes) -> bool:
    return len(raw) >= 4 and bool(int.from_bytes(raw[2:4]) & _TRUNCATED)


async def _by_udp(server: str, port: int, question: bytes, txid: int) -> bytes:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Datagram(txid), remote_addr=(server, port))
    try:
        transport.sendto(question)
        return await protocol.reply
    finally:
        transport.close()


async def _by_tcp(server: str, port: int, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(len(question).to_bytes(2) + question)
        await writer.drain()
        size = int.from_bytes(await reader.readexactly(2))
        return await reader.readexactly(size)
    finally:
        writer.transport.abort()
