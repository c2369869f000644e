"""Listeners that stand for what an agent meets in place of a gateway: web servers, login pages, filters, proxies."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from email.utils import formatdate
from http import HTTPStatus

Headers = dict[str, str]
Respond = Callable[[str, str, Headers], bytes | None]
Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Pages = Mapping[str, tuple[int, str]]


def page(status: int, body: str = "", *, date_s: float | None = None, **headers: str) -> bytes:
    """The bytes of an HTTP answer; underscores in header names stand for hyphens."""
    told = {"Date": formatdate(date_s, usegmt=True), "Content-Length": str(len(body.encode())), "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n{body}".encode()


@asynccontextmanager
async def serving(converse: Converse, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a listener. At the end every conversation is over and every socket closed."""
    open_now: set[asyncio.Task[None]] = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await converse(reader, writer)
            writer.close()
            with suppress(OSError):
                async with asyncio.timeout(2):
                    await writer.wait_closed()
        finally:
            writer.transport.abort()
            open_now.discard(task)

    server = await asyncio.start_server(tracked, "127.0.0.1", 0, ssl=tls)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        if open_now:
            _, left = await asyncio.wait(open_now, timeout=10)
            assert not left, "a conversation goes on although its client is gone"
        await server.wait_closed()


def answering(respond: Respond, *, tls: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[int]:
    """A server that answers each request with `respond(method, path, headers)`, and with None not at all.

    HEAD answers lose their body. After each answer the connection ends.
    """

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
        answer = respond(method, path, {name.lower(): value.strip() for name, value in pairs})
        if answer is not None:
            writer.write(answer.split(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else answer)
            await writer.drain()

    return serving(converse, tls=tls)


def web_server(pages: Pages, *, tls: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[int]:
    """A web server with these pages; everything else is 404."""

    def respond(_: str, path: str, __: Headers) -> bytes:
        status, body = pages.get(path, (404, "not found"))
        return page(status, body)

    return answering(respond, tls=tls)


@contextmanager
def blocking_tls_server(tls: ssl.SSLContext) -> Iterator[int]:
    """A TLS listener outside asyncio, whose library sends its alerts: asyncio drops them when a handshake fails."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError), tls.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65_536)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
