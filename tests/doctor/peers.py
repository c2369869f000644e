"""Listeners that stand for what an agent meets in place of a gateway: web servers, login pages, filters, proxies."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from email.utils import formatdate
from http import HTTPStatus

Headers = dict[str, str]
Respond = Callable[[str, str, Headers], bytes | None]
Pages = Mapping[str, tuple[int, str]]


def page(status: int, body: str = "", *, date_s: float | None = None, **headers: str) -> bytes:
    """The bytes of an HTTP answer; underscores in header names stand for hyphens."""
    told = {"Date": formatdate(date_s, usegmt=True), "Content-Length": str(len(body.encode())), "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n{body}".encode()


@asynccontextmanager
async def answering(respond: Respond, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that answers each request with `respond(method, path, headers)`, None: not at all.

    HEAD answers lose their body. After each answer the connection ends.
    """

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = lines[0].split(" ", 2)
            pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
            answer = respond(method, path, {name.lower(): value.strip() for name, value in pairs})
            if answer is not None:
                writer.write(answer.split(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


def web_server(pages: Pages, *, tls: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[int]:
    """A web server with these pages; everything else is 404."""

    def respond(_: str, path: str, __: Headers) -> bytes:
        status, body = pages.get(path, (404, "not found"))
        return page(status, body)

    return answering(respond, tls=tls)
