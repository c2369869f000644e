"""Connections of the doctor's own, where it has to see the bytes: TCP, CONNECT where a proxy applies, TLS on top."""

import asyncio
import errno
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from websockets.client import ClientProtocol
from websockets.proxy import Proxy, prepare_connect_request
from websockets.uri import WebSocketURI

from holdfast.agent.facts import version
from holdfast.doctor.case import Case
from holdfast.doctor.httpanswer import Answer, read_answer
from holdfast.doctor.target import Target
from holdfast.faults.problem import printable

USER_AGENT: Final = f"holdfast-doctor/{version()}"
CLOSE_S: Final = 1.0


class ProxyRefusedError(ConnectionError):
    """A forward proxy answered CONNECT with something else than success."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the proxy answered CONNECT with HTTP {answer.status}")
        self.answer = answer


def words(error: BaseException, *, limit_s: float) -> str:
    """What an error of a socket, of OpenSSL or of a time limit (`limit_s`) says, in plain words."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return f"no answer within {limit_s:g} s"
    number = error.errno if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    if number is not None and number in errno.errorcode:
        return os.strerror(number)
    return printable(str(error) or type(error).__name__, 160)


class Wire:
    """One open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def tls(self) -> ssl.SSLObject | None:
        found: ssl.SSLObject | None = self.writer.get_extra_info("ssl_object")
        return found

    async def close(self) -> None:
        """At once: the farewell of TLS is not waited for, since the other side may be ill."""
        self.writer.transport.abort()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.writer.wait_closed()


@asynccontextmanager
async def open_wire(
    case: Case, tls: ssl.SSLContext | None, *, server_name: str | None = None, direct: bool = False
) -> AsyncIterator[Wire]:
    """A connection to the gateway on the way that the agent takes; `direct` goes past the proxy.

    `tls` None speaks plainly. `server_name` replaces the URL's host in TLS; the empty text sends none.

    Raises:
        OSError: as the socket or OpenSSL said it; ProxyRefusedError where the proxy declined.
    """
    name = (case.target.host if server_name is None else server_name) or None
    if case.proxy is not None and not direct:
        wire = await through(case.proxy, case.target)
        secured = tls
    else:
        place = case.reached.ip if case.reached is not None else case.target.host
        # Both None for `ws://`. asyncio takes an empty name for "send none", and None for "the host that was dialled".
        server = None if tls is None else name or ""
        wire = Wire(*await asyncio.open_connection(place, case.target.port, ssl=tls, server_hostname=server))
        secured = None
    try:
        if secured is not None:
            await wire.writer.start_tls(secured, server_hostname=name)
        yield wire
    finally:
        await wire.close()


async def through(proxy: Proxy, target: Target) -> Wire:
    """A tunnel through `proxy` to `target`.

    Raises:
        OSError: the proxy cannot be reached; ProxyRefusedError where it declined.
    """
    context = ssl.create_default_context() if proxy.scheme == "https" else None
    wire = Wire(*await asyncio.open_connection(proxy.host, proxy.port, ssl=context))
    try:
        uri = WebSocketURI(target.secure, target.host, target.port, target.path, "")
        wire.writer.write(prepare_connect_request(proxy, uri, USER_AGENT))
        await wire.writer.drain()
        _check_grant(await read_answer(wire.reader, "CONNECT"))
    except BaseException:
        await wire.close()
        raise
    return wire


def _check_grant(answer: Answer) -> None:
    if not 200 <= answer.status < 300:
        raise ProxyRefusedError(answer)


async def ask(
    case: Case,
    method: str,
    path: str,
    *,
    tls: ssl.SSLContext | None = None,
    user_agent: str = USER_AGENT,
    direct: bool = False,
) -> Answer:
    """One HTTP request on a connection of its own.

    Raises:
        OSError: no connection, or it broke; TimeoutError after the examination's timeout; NotHttpError.
    """
    async with asyncio.timeout(case.timeout_s), open_wire(case, tls, direct=direct) as wire:
        request = (
            f"{method} {path} HTTP/1.1\r\nHost: {case.target.host_header}\r\nUser-Agent: {user_agent}\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n"
        )
        wire.writer.write(request.encode("latin-1", "replace"))
        await wire.writer.drain()
        return await read_answer(wire.reader, method)


def upgrade_request(protocol: ClientProtocol) -> bytes:
    """The bytes of the agent's own upgrade request, with `protocol`'s key."""
    request = protocol.connect()
    request.headers["User-Agent"] = USER_AGENT
    return request.serialize()


def new_protocol(target: Target) -> ClientProtocol:
    """A WebSocket without I/O, as the agent sets it up: no extension, no subprotocol."""
    path, _, query = target.path.partition("?")
    return ClientProtocol(WebSocketURI(target.secure, target.host, target.port, path, query))
