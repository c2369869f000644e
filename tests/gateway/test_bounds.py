"""Floods of every kind: what is held stays bounded, who misbehaves is named, and the others notice nothing."""

import asyncio
import contextlib
import json
import socket
import struct
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from holdfast.gateway import Limits
from holdfast.model.events import EventKind
from tests.gateway.conftest import OpenPlane
from tests.gateway.frames import CLOSE, CONTINUATION, PING, PONG, TEXT, frame, head
from tests.gateway.loopback import UPGRADE, Plane, Raw, envelope, http, peer, raw, request, until, upgraded

MIB = 1024 * 1024


@asynccontextmanager
async def crowd(port: int, size: int, *, first: int = 1) -> AsyncIterator[list[Raw]]:
    """Upgraded connections that say nothing, each from an address of its own."""
    async with contextlib.AsyncExitStack() as stack:
        silent = []
        for number in range(first, first + size):
            connection = await stack.enter_async_context(raw(port, source=f"127.1.0.{number}"))
            silent.append(await upgraded(connection))
        yield silent


async def test_silent_connections_go_first_when_slots_are_short(open_plane: OpenPlane) -> None:
    running = await open_plane(limits=Limits(max_unregistered=4))
    async with peer(running.port) as talker, peer(running.port, "web-02") as registered:
        await registered.register()
        await talker.init()
        async with crowd(running.port, 3) as silent, peer(running.port, "web-03", source="127.2.0.1") as newcomer:
            ended = await silent[0].ended()
            await newcomer.register()
            beats = [(await agent.beat()).type for agent in (registered, newcomer)]
            still = await talker.beat()

    assert (ended[0], ended[1].split(":")[0]) == (1013, "SRV-MAX-CONNECTIONS")
    assert beats == ["ack", "ack"]
    assert still.code == "MSG-BEFORE-REGISTERED"


async def test_a_crowd_of_silent_connections_never_holds_more_than_its_slots(open_plane: OpenPlane) -> None:
    running = await open_plane(limits=Limits(max_unregistered=5))
    async with peer(running.port) as agent:
        await agent.register()
        async with crowd(running.port, 40):
            await until(lambda: len(running.gateway.sockets) <= 6, "those given up to be gone")
            assert running.gateway.entrance.unregistered == 5
            assert (await agent.beat()).type == "ack"


async def test_when_all_connections_are_taken_a_silent_one_makes_room_for_the_next(open_plane: OpenPlane) -> None:
    running = await open_plane(limits=Limits(max_connections=3))
    async with peer(running.port) as agent:
        await agent.register()
        async with crowd(running.port, 2) as silent, peer(running.port, "web-02") as newcomer:
            await newcomer.register()
            ended = await silent[0].ended()

    assert (ended[0], ended[1].split(":")[0]) == (1013, "SRV-MAX-CONNECTIONS")


async def test_when_registered_agents_take_every_connection_the_next_is_told_503(open_plane: OpenPlane) -> None:
    running = await open_plane(limits=Limits(max_connections=2))
    async with peer(running.port) as first, peer(running.port, "web-02") as second:
        await first.register()
        await second.register()
        status, headers, body = await http(running.port, *UPGRADE)
        health, _, _ = await http(running.port, "GET /health HTTP/1.1")

    told = json.loads(body)
    assert (status, told["code"], headers["retry-after"], health) == (503, "SRV-MAX-CONNECTIONS", "10", 200)
    assert "3 connections are open" in told["detail"]
    assert "the limits are 2 and" in told["detail"]


async def test_one_address_is_told_429_beyond_its_share_and_others_are_not(open_plane: OpenPlane) -> None:
    running = await open_plane(limits=Limits(max_unregistered_per_address=2))
    async with raw(running.port, source="127.1.0.9") as first, raw(running.port, source="127.1.0.9") as second:
        await upgraded(first)
        await upgraded(second)
        refused = await http(running.port, *UPGRADE, source="127.1.0.9")
        async with peer(running.port, source="127.1.0.10") as other:
            await other.register()

    assert (refused[0], refused[1]["retry-after"], json.loads(refused[2])["code"]) == (429, "5", "WS-RATE-429")
    await until(lambda: not running.gateway.sockets, "all to be gone")
    assert (await http(running.port, "GET /health HTTP/1.1", source="127.1.0.9"))[0] == 200


async def test_registered_agents_of_one_address_are_not_counted_against_it(open_plane: OpenPlane) -> None:
    running = await open_plane(limits=Limits(max_unregistered_per_address=1))
    async with contextlib.AsyncExitStack() as stack:
        for number in range(4):
            agent = await stack.enter_async_context(peer(running.port, f"web-{number}"))
            await agent.register()

        assert len(running.gateway.live) == 4


async def test_registrations_of_one_address_are_limited_and_told_when_to_come_back(open_plane: OpenPlane) -> None:
    running = await open_plane(limits=Limits(registrations_per_s=0.5, registration_burst=2))
    async with peer(running.port) as agent, peer(running.port, source="127.1.0.10") as other:
        answers = [await agent.init() for _ in range(3)]
        elsewhere = await other.init()

    assert [answer.code for answer in answers] == [None, None, "RATE-LIMITED"]
    assert 0 < answers[2].payload["retry_after"] <= 2.0
    assert elsewhere.code is None


@contextlib.contextmanager
def memory_at_most(extra_bytes: int) -> Iterator[None]:
    """Fail where Python's memory grew by more than that at any moment inside."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        yield
        grown = tracemalloc.get_traced_memory()[1] - before
        assert grown <= extra_bytes, f"{grown} bytes more"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * MIB, 2**63 - 1])
async def test_a_frame_that_announces_too_much_is_refused_before_it_comes(running: Plane, size: int) -> None:
    async with raw(running.port) as connection:
        await upgraded(connection)
        with memory_at_most(2 * MIB):
            await connection.send(head(size) + b"mask" + b"x" * 200_000)
            code, reason = await connection.ended()

    assert (code, reason.split(":")[0]) == (1009, "MSG-TOO-BIG")
    assert running.codes() == ["MSG-TOO-BIG"]


async def test_the_peer_reads_why_its_gigabyte_was_refused_while_it_is_still_sending(running: Plane) -> None:
    async with raw(running.port) as connection:
        await upgraded(connection)
        await connection.send(head(1024 * MIB) + b"mask")
        connection.writer.write(b"x" * (8 * MIB))
        code, _ = await connection.ended()

    assert code == 1009


async def test_a_registered_agent_may_send_larger_messages(running: Plane) -> None:
    async with peer(running.port) as agent:
        small = await agent.ask("agent.heartbeat", {}, kind="heartbeat", pad="x" * 60_000)
        await agent.register()
        large = await agent.ask("agent.heartbeat", {}, kind="heartbeat", pad="x" * 900_000)
        await agent.say("agent.heartbeat", {}, kind="heartbeat", pad="x" * 1_100_000)
        ended = await agent.ended()

    assert [small.code, large.type, ended[0]] == ["MSG-BEFORE-REGISTERED", "ack", 1009]


async def test_fragments_are_added_up_against_the_limit(running: Plane) -> None:
    async with raw(running.port) as connection:
        await upgraded(connection)
        with memory_at_most(3 * MIB):
            await connection.send(frame(b"x" * 1000, fin=False))
            for _ in range(70):
                await connection.send(frame(b"x" * 1000, opcode=CONTINUATION, fin=False))
            code, reason = await connection.ended()

    assert (code, reason.split(":")[0]) == (1009, "MSG-TOO-BIG")


async def flood(connection: Raw, piece: bytes, *, mib: int) -> None:
    """Send as fast as it is taken."""
    with contextlib.suppress(ConnectionError):
        block = piece * (MIB // len(piece))
        for _ in range(mib):
            await connection.send(block)


@pytest.mark.parametrize(
    "light",
    [
        pytest.param(frame(b"", opcode=CONTINUATION, fin=False), id="empty fragments"),
        pytest.param(frame(b"x", opcode=CONTINUATION, fin=False), id="fragments of a byte"),
        pytest.param(frame(b"", opcode=PING), id="empty pings"),
        pytest.param(frame(b"x" * 125, opcode=PING), id="full pings"),
        pytest.param(frame(b"", opcode=PONG), id="pongs nobody asked for"),
    ],
)
async def test_a_flood_of_frames_that_carry_nothing_is_stopped_at_little_cost(running: Plane, light: bytes) -> None:
    async with raw(running.port) as connection, peer(running.port, "web-02") as agent:
        await agent.register()
        await upgraded(connection)
        began = time.process_time()
        with memory_at_most(6 * MIB):
            await connection.send(frame(b"{", fin=False))
            sending = asyncio.create_task(flood(connection, light, mib=4))
            code, reason = await connection.ended()
            sending.cancel()
        spent_s = time.process_time() - began
        beat = await agent.beat()

    assert (code, reason.split(":")[0]) == (4429, "RATE-LIMITED")
    assert "carry nothing" in str(running.of(EventKind.REFUSED)[0].facts["what"])
    assert spent_s < 2.0
    assert beat.type == "ack"


async def test_a_message_in_small_fragments_is_no_flood(running: Plane) -> None:
    async with raw(running.port) as connection:
        await upgraded(connection)
        message = envelope("agent.heartbeat", {}, kind="heartbeat").encode()
        pieces = [frame(message[at : at + 1], opcode=CONTINUATION, fin=False) for at in range(1, len(message))]
        await connection.send(frame(message[:1], fin=False) + b"".join(pieces) + frame(b"", opcode=CONTINUATION))
        opcode, _ = await connection.frame()

    assert opcode == TEXT
    assert running.codes() == ["MSG-BEFORE-REGISTERED"]


def slow_reader(port: int) -> socket.socket:
    """A socket whose kernel takes next to nothing that is not read."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    opened.connect(("127.0.0.1", port))
    opened.setblocking(False)
    return opened


async def test_who_pings_without_end_and_reads_nothing_is_stopped_before_much_waits_for_it(running: Plane) -> None:
    loop = asyncio.get_running_loop()
    with slow_reader(running.port) as deaf:
        await loop.sock_sendall(deaf, request(*UPGRADE))
        await until(lambda: running.of(EventKind.UPGRADED), "the upgrade")
        with memory_at_most(4 * MIB), contextlib.suppress(ConnectionError):
            while not running.codes(EventKind.REFUSED):
                await loop.sock_sendall(deaf, frame(b"x" * 125, opcode=PING) * 40)
                await asyncio.sleep(0)

    assert running.codes(EventKind.REFUSED) == ["RATE-LIMITED"]


async def test_an_agent_that_reads_no_answers_is_cut_off_by_name(open_plane: OpenPlane) -> None:
    limits = Limits(write_buffer_bytes=32 * 1024, messages_per_s=1e6, message_burst=1_000_000)
    running = await open_plane(limits=limits)
    loop = asyncio.get_running_loop()
    with slow_reader(running.port) as deaf:
        await loop.sock_sendall(deaf, request(*UPGRADE))
        await until(lambda: running.of(EventKind.UPGRADED), "the upgrade")
        beat = envelope("agent.heartbeat", {}, kind="heartbeat").encode()
        with memory_at_most(16 * MIB), contextlib.suppress(ConnectionError):
            for _ in range(400):
                await loop.sock_sendall(deaf, frame(beat) * 50)
                if running.of(EventKind.ENDED):
                    break
        await until(lambda: running.of(EventKind.ENDED), "the end")

    assert "LIFE-SLOW-CONSUMER" in running.codes(EventKind.REFUSED)
    assert running.of(EventKind.ENDED)[0].facts["how"] == "slow-consumer"


async def test_a_connection_that_is_closed_and_takes_no_bytes_is_not_held_for_ever(open_plane: OpenPlane) -> None:
    running = await open_plane(limits=Limits(messages_per_s=1e6, message_burst=1_000_000))
    loop = asyncio.get_running_loop()
    with slow_reader(running.port) as deaf:
        await loop.sock_sendall(deaf, request(*UPGRADE))
        await until(lambda: running.of(EventKind.UPGRADED), "the upgrade")
        sock = next(iter(running.gateway.sockets))
        beat = envelope("agent.heartbeat", {}, kind="heartbeat").encode()
        while not sock._transport.get_write_buffer_size():
            await loop.sock_sendall(deaf, frame(beat) * 50)
            await asyncio.sleep(0)
        await loop.sock_sendall(deaf, frame(struct.pack("!H", 1000), opcode=CLOSE))

        await until(lambda: not running.gateway.sockets, "the connection to be gone")


async def test_a_flood_of_messages_is_answered_once_then_closed(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        with contextlib.suppress(Exception):
            for _ in range(400):
                await agent.say("agent.heartbeat", {}, kind="heartbeat")
        ended = await agent.ended()

    assert (ended[0], ended[1].split(":")[0]) == (4429, "RATE-LIMITED")
    assert running.codes().count("RATE-LIMITED") == 2


@pytest.mark.parametrize("size", [100, 60_000, 1_000_000])
async def test_what_an_agent_sends_on_while_its_answer_is_pending_is_bounded(running: Plane, size: int) -> None:
    async with raw(running.port) as connection:
        await upgraded(connection)
        sock = next(iter(running.gateway.sockets))
        sock.registered("agt_0123456789abcdef", admitted=True)
        sock._asking = True  # as while the store takes its time
        with memory_at_most(5 * MIB):
            sending = asyncio.create_task(flood(connection, frame(b"x" * size), mib=32))
            await asyncio.sleep(0.3)
            assert not sending.done()
            sending.cancel()
