"""A name server on loopback that knows a few names: it stands for the resolvers of a network."""

import asyncio
import ipaddress
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

ZONE = {"gateway.test": ("192.0.2.7",)}


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: Mapping[str, Sequence[str]], *, silent: bool, truncated: bool) -> None:
        self._zone = zone
        self._silent = silent
        self._truncated = truncated
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # asyncio's own shape
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        if not self._silent:
            self._transport.sendto(reply(data, {} if self._truncated else self._zone, self._truncated), addr)


def reply(question: bytes, zone: Mapping[str, Sequence[str]], truncated: bool = False) -> bytes:
    """The answer to one question, as a recursive resolver gives it."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    kind = struct.unpack_from("!H", question, at + 1)[0]
    known = zone.get(".".join(labels))
    wanted = [ipaddress.ip_address(text) for text in known or ()]
    records = [address.packed for address in wanted if (kind == 28) == (address.version == 6)]
    flags = 0x8180 | (0x0200 if truncated else 0) | (0 if known is not None or truncated else 3)
    head = struct.pack("!6H", struct.unpack("!H", question[:2])[0], flags, 1, len(records), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack("!2HIH", kind, 1, 60, len(raw)) + raw for raw in records)
    return head + question[12 : at + 5] + body


@asynccontextmanager
async def name_server(
    host: str = "127.0.0.1",
    port: int = 0,
    zone: Mapping[str, Sequence[str]] = ZONE,
    *,
    silent: bool = False,
    only_tcp: bool = False,
    truncated: bool = False,
) -> AsyncIterator[int]:
    """The port of a name server. `silent` drops every question, `only_tcp` those over UDP."""
    loop = asyncio.get_running_loop()

    async def by_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2))
        answer = reply(await reader.readexactly(size), zone)
        writer.write(len(answer).to_bytes(2) + answer)
        await writer.drain()
        writer.close()

    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(zone, silent=silent or only_tcp, truncated=truncated), local_addr=(host, port)
    )
    bound = int(transport.get_extra_info("sockname")[1])
    server = None if silent else await asyncio.start_server(by_stream, host, bound)
    try:
        yield bound
    finally:
        transport.close()
        if server is not None:
            server.close()
            await server.wait_closed()
