"""A name server of one answer, for cells."""

import asyncio
import socket
from types import TracebackType
from typing import Final, Self, cast

NXDOMAIN: Final = 0x8183
FOUND: Final = 0x8180
TYPE_A: Final = b"\x00\x01"
TTL_AND_SIZE: Final = (30).to_bytes(4, "big") + b"\x00\x04"


class NameServer(asyncio.DatagramProtocol):
    """Answers every question over `sock` (bound already): this IPv4 address, no such name, or (`mute`) nothing."""

    def __init__(self, sock: socket.socket, *, address: str | None = None, mute: bool = False) -> None:
        self._sock = sock
        self._address = address
        self._mute = mute
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        self._sock.setblocking(False)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=self._sock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if self._mute or self._transport is None:
            return
        end = data.index(b"\x00", 12) + 5  # the question: name, type, class (RFC 1035, 4.1.2)
        question = data[12:end]
        answers = b""
        if self._address is not None and question[-4:-2] == TYPE_A:
            answers = (
                b"\xc0\x0c" + question[-4:] + (30).to_bytes(4, "big") + b"\x00\x04" + socket.inet_aton(self._address)
            )
        flags = NXDOMAIN if self._address is None else FOUND
        counts = b"\x00\x01" + (1 if answers else 0).to_bytes(2, "big") + bytes(4)
        self._transport.sendto(data[:2] + flags.to_bytes(2, "big") + counts + question + answers, addr)
