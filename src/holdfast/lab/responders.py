"""Servers that are no gateways: portals, filters, forward proxies that refuse, and ports where nothing answers."""

import asyncio
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from holdfast.lab.listeners import Listener

HEAD_END: Final = b"\r\n\r\n"
Answering = Callable[[bytes], bytes]


class Responder:
    """A server that answers every request head with bytes of its own choice; empty bytes are no answer at all.

    It stands for portals, filters, forward proxies that refuse, and proxies without a gateway behind them.
    """

    def __init__(self, answer: Answering, *, ends: bool = True) -> None:
        self._answer = answer
        self._ends = ends
        self._listener = Listener(self._serve)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listener.port

    async def __aenter__(self) -> Self:
        await self._listener.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = self._answer(await reader.readuntil(HEAD_END))
        writer.write(said)
        await writer.drain()
        if not said or not self._ends:
            await reader.read()


def http_answer(status: str, body: str = "", *headers: str, kind: str = "text/html") -> bytes:
    """An HTTP answer that ends the connection; `status` as in `502 Bad Gateway`."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body.encode())}",
        "Connection: close",
    ]
    return ("\r\n".join([*lines, *headers, "", ""]) + body).encode()


class Hole:
    """A port where nothing answers: its queue is full, so the kernel drops what comes, as a firewall would."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._fillers: list[socket.socket] = []

    @property
    def port(self) -> int:
        """Where nothing answers."""
        return int(self._listener.getsockname()[1])

    async def __aenter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)
        await asyncio.sleep(0.05)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sock in (*self._fillers, self._listener):
            sock.close()
