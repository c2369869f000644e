"""Boxes between an agent and its gateway: relays that misbehave in one way each, and CONNECT proxies."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from tests.doctor.peers import page, serving

Pass = Callable[[bytes], Awaitable[bytes | None]]
"""What becomes of one piece of bytes on its way to the gateway: other bytes, none, or None to lose it."""


async def unchanged(data: bytes) -> bytes:
    return data


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Pass) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            passed = await change(data)
            if passed:
                writer.write(passed)
                await writer.drain()


@asynccontextmanager
async def relay(
    port: int, *, there: Callable[[], Pass] = lambda: unchanged, idle_s: float | None = None
) -> AsyncIterator[int]:
    """The port of a relay to `port`. `there` makes the change of one connection; `idle_s` of quiet ends it by FIN."""
    stopped = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        last, change = loop.time(), there()

        async def forth(data: bytes) -> bytes | None:
            nonlocal last
            last = loop.time()
            return await change(data)

        async def back(data: bytes) -> bytes:
            nonlocal last
            last = loop.time()
            return data

        async def watch() -> None:
            while not stopped.is_set() and (idle_s is None or loop.time() - last < idle_s):
                await asyncio.sleep(0.02)

        await _join(reader, writer, "127.0.0.1", port, forth=forth, back=back, until=watch())

    async with serving(converse) as listening:
        yield listening
        stopped.set()


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    host: str,
    port: int,
    *,
    forth: Pass = unchanged,
    back: Pass = unchanged,
    until: Coroutine[None, None, None] | None = None,
) -> None:
    """Carry both ways between a client and `host:port`, until one of them ends or `until` is over."""
    far_reader, far_writer = await asyncio.open_connection(host, port)
    works = [_carry(reader, far_writer, forth), _carry(far_reader, writer, back)]
    ways = [asyncio.ensure_future(work) for work in (works if until is None else [*works, until])]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    await asyncio.wait(ways)
    far_writer.transport.abort()


def losing(largest: int) -> Callable[[], Pass]:
    """A path that loses every piece larger than `largest` bytes, as one with a smaller MTU and no ICMP does."""

    async def change(data: bytes) -> bytes | None:
        return data if len(data) <= largest else None

    return lambda: change


def hoarding(enough: int, patience_s: float) -> Callable[[], Pass]:
    """A scanner that lets the upgrade pass and then holds pieces smaller than `enough` back for `patience_s`."""

    def made() -> Pass:
        upgraded = False

        async def change(data: bytes) -> bytes:
            nonlocal upgraded
            if upgraded and len(data) < enough:
                await asyncio.sleep(patience_s)
            upgraded = upgraded or b"Upgrade: websocket" in data
            return data

        return change

    return made


def stripping(*headers: str) -> Callable[[], Pass]:
    """A reverse proxy that does not pass these request headers on."""

    async def change(data: bytes) -> bytes:
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not head.startswith((b"GET ", b"HEAD ")):
            return data
        kept = [line for line in head.split(b"\r\n") if line.split(b":")[0].decode().lower() not in headers]
        return b"\r\n".join(kept) + blank + rest

    return lambda: change


def falling_silent(after_s: float) -> Callable[[], Pass]:
    """A firewall that forgets a connection which was quiet for `after_s`: what comes later vanishes."""

    def made() -> Pass:
        loop = asyncio.get_running_loop()
        last = loop.time()
        forgotten = False

        async def change(data: bytes) -> bytes | None:
            nonlocal last, forgotten
            forgotten = forgotten or loop.time() - last > after_s
            last = loop.time()
            return None if forgotten else data

        return change

    return made


def connect_proxy(
    *, status: int = 200, ports: tuple[int, ...] | None = None, user: str | None = None
) -> AbstractAsyncContextManager[int]:
    """A forward proxy. `ports` are those it allows (else 403), `user` is `name:password` (else 407)."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        host, _, port = head.split(" ")[1].rpartition(":")
        refusal = decide(head, int(port))
        if refusal is not None:
            writer.write(refusal)
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _join(reader, writer, host.strip("[]"), int(port))

    def decide(head: str, port: int) -> bytes | None:
        if user is not None and base64.b64encode(user.encode()).decode() not in head:
            return page(407, "<title>Who are you?</title>", Proxy_Authenticate='Basic realm="office"')
        if status != 200:
            return page(status)
        return page(403, "<title>Denied</title>") if ports is not None and port not in ports else None

    return serving(converse)
