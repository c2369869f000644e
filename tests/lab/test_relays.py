"""Relays do to a stream what they say they do, and nothing else."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import pytest

from holdfast.lab.relays import Conduct, Cut, Relay
from holdfast.lab.responders import Hole, Responder, http_answer


class Echo:
    """A server that sends back what it gets, and notes how each connection ended."""

    def __init__(self) -> None:
        self.port = 0
        self.ends: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
            self.ends.append("fin")
        except ConnectionResetError:
            self.ends.append("reset")
        finally:
            writer.close()


@asynccontextmanager
async def through(echo: Echo, conduct: Conduct) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of the echo server, behind a relay."""
    async with Relay("127.0.0.1", echo.port, conduct) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        try:
            yield reader, writer
        finally:
            await let_go(writer)


async def let_go(writer: asyncio.StreamWriter) -> None:
    """Close a client's end, whatever became of the other one."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_relay_without_orders_passes_everything_on() -> None:
    async with Echo() as echo, through(echo, Conduct()) as (reader, writer):
        writer.write(b"x" * 100_000)

        assert await reader.readexactly(100_000) == b"x" * 100_000


async def test_what_is_quiet_for_too_long_is_ended_by_fin_on_both_sides() -> None:
    async with Echo() as echo, through(echo, Conduct(idle_s=0.3)) as (reader, writer):
        writer.write(b"ping")
        await reader.readexactly(4)
        began = time.monotonic()

        assert await reader.read() == b""
        assert 0.25 < time.monotonic() - began < 2
    assert echo.ends == ["fin"]


async def test_traffic_within_the_limit_keeps_a_connection() -> None:
    async with Echo() as echo, through(echo, Conduct(idle_s=0.6)) as (reader, writer):
        for _ in range(5):
            await asyncio.sleep(0.2)
            writer.write(b"ping")
            assert await reader.readexactly(4) == b"ping"


async def test_what_is_forgotten_is_reset_by_the_next_byte() -> None:
    async with Echo() as echo, through(echo, Conduct(idle_s=0.2, cut=Cut.RESET_NEXT)) as (reader, writer):
        await asyncio.sleep(0.5)
        writer.write(b"anyone?")

        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_what_is_swallowed_stays_open_and_carries_nothing() -> None:
    async with Echo() as echo, through(echo, Conduct(idle_s=0.2, cut=Cut.SWALLOW)) as (reader, writer):
        await asyncio.sleep(0.5)
        writer.write(b"anyone?")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)


async def test_large_chunks_vanish_with_all_that_follows_while_small_ones_pass() -> None:
    async with Echo() as echo, through(echo, Conduct(largest=100)) as (reader, writer):
        writer.write(b"small")
        assert await reader.readexactly(5) == b"small"
        writer.write(b"x" * 500)
        await asyncio.sleep(0.1)
        writer.write(b"small")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)


async def test_little_data_is_held_back_and_much_is_not() -> None:
    async with Echo() as echo, through(echo, Conduct(hold_bytes=1024, hold_s=0.5)) as (reader, writer):
        began = time.monotonic()
        writer.write(b"x" * 2000)
        await reader.readexactly(2000)
        large_s = time.monotonic() - began
        began = time.monotonic()
        writer.write(b"x")
        await reader.readexactly(1)

        assert large_s < 0.4
        assert time.monotonic() - began >= 0.5


async def test_a_responder_answers_what_it_was_told_to() -> None:
    async with Responder(lambda _: http_answer("403 Forbidden", "no")) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")

        said = await reader.read()
        await let_go(writer)

    assert said.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert said.endswith(b"\r\n\r\nno")


async def test_a_hole_lets_nobody_connect_and_refuses_nobody() -> None:
    async with Hole() as hole:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection("127.0.0.1", hole.port), 1.0)
