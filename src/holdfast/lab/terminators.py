"""A TLS terminator in front of a gateway. Its alerts reach the peer, as real ones do; those of asyncio do not."""

import asyncio
import contextlib
import ssl
from types import TracebackType
from typing import Final, Self

from holdfast.lab.listeners import Listener

CHUNK: Final = 65_536


class Terminator:
    """Speaks TLS with `context` on a port of 127.0.0.1, and in plain with `host:port`, from `source`."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, *, source: str) -> None:
        self._to = (host, port)
        self._context = context
        self._source = (source, 0)
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
        sealed = _Sealed(self._context, reader, writer)
        await sealed.handshake()
        there = await asyncio.open_connection(*self._to, local_addr=self._source)
        back = asyncio.create_task(_copy(there[0], sealed))
        try:
            while data := await sealed.read():
                there[1].write(data)
            await back
        finally:
            back.cancel()
            there[1].close()


class _Sealed:
    """The TLS side of one connection."""

    def __init__(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    async def handshake(self) -> None:
        """Raises ssl.SSLError; by then the alert is on its way."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                if not await self._feed():
                    raise ConnectionError("ended within the handshake") from None
            except ssl.SSLError:
                self._flush()
                # What the peer still sends is read away: with unread bytes our end would be a reset, not an alert.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.3):
                        await self._reader.read(CHUNK)
                raise
            else:
                self._flush()
                return

    async def read(self) -> bytes:
        """Plain bytes; empty at the end."""
        while True:
            try:
                return self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                if not await self._feed():
                    return b""
            except ssl.SSLZeroReturnError:
                return b""
            finally:
                self._flush()

    def write(self, data: bytes) -> None:
        """Send plain bytes."""
        self._tls.write(data)
        self._flush()

    async def _feed(self) -> bool:
        data = await self._reader.read(CHUNK)
        self._in.write(data)
        return bool(data)

    def _flush(self) -> None:
        if data := self._out.read():
            self._writer.write(data)


async def _copy(reader: asyncio.StreamReader, sealed: _Sealed) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            sealed.write(data)
