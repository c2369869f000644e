"""What stands between agents and gateways, in user space: relays that cut, hold, drop and rewrite.

A relay shows both sides the same bytes as the box it stands for, without root and without that box's program.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Final, Self

import msgspec

from holdfast.lab.listeners import Listener

RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s: the close is a reset
CHUNK: Final = 65_536
HEAD_END: Final = b"\r\n\r\n"

Edit = Callable[[bytes], bytes]


class Cut(Enum):
    """How a relay ends what it has had enough of."""

    FIN = "fin"  # as nginx and HAProxy do
    RESET_NEXT = "reset"  # forget it, and answer the next byte by a reset, as AWS NLB does
    SWALLOW = "swallow"  # forget it, and drop what comes, as NAT does


class Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """How a relay behaves; by default it passes everything on.

    `idle_s`: seconds without a byte in either direction before `cut`. `age_s`: seconds before it ends any connection.
    `largest`: chunks of more bytes vanish, and all that follows them. `hold_bytes` and `hold_s`: pass on what the
    client sends only when so many bytes are there, or when they are so old. `reset_on`: reset when the client sends
    these bytes. `request` and `answer` rewrite the first HTTP head of either side.
    """

    idle_s: float | None = None
    cut: Cut = Cut.FIN
    age_s: float | None = None
    largest: int | None = None
    hold_bytes: int = 0
    hold_s: float = 0.0
    reset_on: bytes | None = None
    request: Edit | None = None
    answer: Edit | None = None


class Relay:
    """Listens on a port of 127.0.0.1 and connects every client to `host:port`, from `source` where that is given.

    `sockets` makes the sockets to connect with, where they have to be of another network.
    """

    def __init__(
        self, host: str, port: int, conduct: Conduct, *, source: str | None = None,
        sockets: Callable[[], socket.socket] | None = None,
    ) -> None:  # fmt: skip
        self._to = (host, port)
        self._sockets = sockets
        self._source = None if source is None else (source, 0)
        self.conduct = conduct
        self._listener = Listener(self._serve)
        self._flows: set[_Flow] = set()

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

    def cut_all(self) -> None:
        """End every connection at once, as a reload of a proxy does."""
        for flow in list(self._flows):
            flow.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await self._dial()
        flow = _Flow(self.conduct, (reader, writer), there)
        self._flows.add(flow)
        try:
            await flow.run()
        finally:
            self._flows.discard(flow)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._sockets is None:
            return await asyncio.open_connection(*self._to, local_addr=self._source)
        sock = self._sockets()
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, self._to)
        return await asyncio.open_connection(sock=sock)


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Flow:
    """One relayed connection."""

    def __init__(self, conduct: Conduct, client: Side, server: Side) -> None:
        self._conduct = conduct
        self._client, self._server = client, server
        self._loop = asyncio.get_running_loop()
        self._moved_at = self._loop.time()
        self._forgotten = False
        self._stuck = False

    async def run(self) -> None:
        """Until one side ends, or the relay has had enough."""
        conduct = self._conduct
        there = asyncio.create_task(self._pump(self._client[0], self._server[1], conduct.request, from_client=True))
        back = asyncio.create_task(self._pump(self._server[0], self._client[1], conduct.answer, from_client=False))
        watch = asyncio.create_task(self._watch())
        try:
            await asyncio.wait((there, back, watch), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (there, back, watch):
                task.cancel()
            self.end()

    def end(self) -> None:
        """Close both sides (FIN)."""
        for _, writer in (self._client, self._server):
            writer.close()

    async def _watch(self) -> None:
        """Return when the connection is too old, or was idle for too long and is to be ended."""
        conduct, began = self._conduct, self._loop.time()
        if conduct.idle_s is None and conduct.age_s is None:
            await asyncio.Event().wait()
        while True:
            now = self._loop.time()
            old_in = began + (conduct.age_s or 1e9) - now
            idle_in = self._moved_at + (conduct.idle_s or 1e9) - now
            if old_in <= 0:
                return
            if idle_in <= 0 and not self._forgotten:
                if conduct.cut is Cut.FIN:
                    return
                self._forgotten = True
            await asyncio.sleep(max(0.005, min(old_in, idle_in if not self._forgotten else old_in, 1.0)))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, edit: Edit | None, *, from_client: bool
    ) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if edit is not None:
                writer.write(edit(await reader.readuntil(HEAD_END)))
            while data := await self._read(reader, held=from_client):
                if self._forgotten:
                    if self._conduct.cut is Cut.RESET_NEXT:
                        self._reset()
                        return
                    continue
                self._moved_at = self._loop.time()
                if from_client and self._conduct.reset_on and self._conduct.reset_on in data:
                    self._reset()
                    return
                if self._conduct.largest is not None and len(data) > self._conduct.largest:
                    self._stuck = True
                if not self._stuck:
                    writer.write(data)
                    await writer.drain()

    async def _read(self, reader: asyncio.StreamReader, *, held: bool) -> bytes:
        """The next bytes, or where data is held back, the next heap of them."""
        conduct = self._conduct
        data = await reader.read(CHUNK)
        if not held:
            return data
        until = self._loop.time() + conduct.hold_s
        while data and len(data) < conduct.hold_bytes and self._loop.time() < until:
            try:
                async with asyncio.timeout_at(until):
                    more = await reader.read(CHUNK)
            except TimeoutError:
                break
            if not more:
                break
            data += more
        return data

    def _reset(self) -> None:
        for _, writer in (self._client, self._server):
            reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by RST."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
