"""A listener that says fixed bytes: it stands for web servers, proxies, TLS terminators and silent peers."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def raw_listener(
    answer: bytes | None, *, tls: ssl.SSLContext | None = None, wait_for_request: bool = True
) -> AsyncIterator[int]:
    """The port of a listener that reads the request, says `answer` and closes; with None it says nothing, for ever."""
    silence = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if wait_for_request:
                await reader.readuntil(b"\r\n\r\n")
            if answer is None:
                await silence.wait()
            else:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        silence.set()
        server.close()
        await server.wait_closed()
