"""What takes too long: requests, first messages, silence, and messages that never end."""

import asyncio
import json
import time

import pytest

from holdfast.model.events import EventKind
from tests.gateway.conftest import OpenPlane
from tests.gateway.frames import BINARY, CONTINUATION, PING, PONG, TEXT, frame
from tests.gateway.loopback import Raw, peer, raw, until, upgraded


async def trickle(connection: Raw, data: bytes, *, every_s: float) -> None:
    """Send byte by byte until the other side has had enough."""
    try:
        for byte in data:
            await connection.send(bytes([byte]))
            await asyncio.sleep(every_s)
    except ConnectionError:
        pass


async def test_a_request_that_comes_byte_by_byte_is_refused_when_its_time_is_over(open_plane: OpenPlane) -> None:
    running = await open_plane(handshake_s=0.4)
    async with raw(running.port) as slow:
        began = time.monotonic()
        sending = asyncio.create_task(trickle(slow, b"GET /ws/agent HTTP/1.1\r\n" + b"X: y\r\n" * 1000, every_s=0.02))
        head, body = await slow.head(), await slow.rest()
        took_s = time.monotonic() - began
        sending.cancel()

    assert head.startswith("HTTP/1.1 408 ")
    assert json.loads(body)["code"] == "WS-HANDSHAKE-SLOW"
    assert took_s < 2.0
    assert running.codes(EventKind.HANDSHAKE_FAILED) == ["WS-HANDSHAKE-SLOW"]


async def test_a_connection_that_says_nothing_at_all_is_closed_after_the_handshakes_time(open_plane: OpenPlane) -> None:
    running = await open_plane(handshake_s=0.2)
    async with raw(running.port) as mute:
        assert await mute.rest() == b""

    assert running.codes() == ["WS-HANDSHAKE-SLOW"]


async def test_a_silent_agent_is_named_then_closed(open_plane: OpenPlane) -> None:
    running = await open_plane(first_message_s=0.2, silent_close_s=0.6)
    async with peer(running.port) as agent:
        error = await agent.hear()
        ended = await agent.ended()

    assert running.codes(EventKind.SILENT) == ["LIFE-SILENT"]
    assert error.code == "LIFE-SILENT"
    assert (ended[0], ended[1].split(":")[0]) == (4408, "LIFE-SILENT")


async def test_who_begins_and_does_not_go_on_is_told_what_is_missing(open_plane: OpenPlane) -> None:
    running = await open_plane(silent_close_s=0.4)
    async with peer(running.port) as agent:
        await agent.init()
        ended = await agent.ended()

    assert (ended[0], ended[1].split(":")[0]) == (4408, "REG-NEVER-COMPLETED")


async def test_a_challenge_that_is_not_answered_is_told_in_the_record(open_plane: OpenPlane) -> None:
    running = await open_plane(challenge_ttl_s=0.2)
    async with peer(running.port) as agent:
        challenge = await agent.init()
        await until(lambda: running.of(EventKind.UNFINISHED), "the challenge to expire")
        late = await agent.ask("agent.registration.complete", agent.completion(challenge.payload))

    assert running.codes(EventKind.UNFINISHED) == ["REG-NEVER-COMPLETED"]
    assert late.code == "REG-ID-EXPIRED"


async def test_a_peer_that_answers_no_ping_is_ended_and_one_that_does_is_not(open_plane: OpenPlane) -> None:
    running = await open_plane(ping_interval_s=0.15, dead_after_s=0.6)
    async with raw(running.port) as dead, peer(running.port) as alive:
        await upgraded(dead)
        await alive.register()
        listening = asyncio.create_task(alive.ended())  # the library answers pings while somebody reads
        ended = await dead.ended()

        assert ended[0] == 4408
        assert ended[1].startswith("LIFE-HALF-OPEN: ")
        assert not listening.done()
        listening.cancel()


async def test_pongs_tell_the_round_trip(open_plane: OpenPlane) -> None:
    running = await open_plane(ping_interval_s=0.1)
    async with peer(running.port) as agent:
        await agent.register()
        sock = running.gateway.live[agent.uid]
        listening = asyncio.create_task(agent.ended())
        await until(lambda: sock.rtt_s > 0, "a pong")
        listening.cancel()

    assert sock.rtt_s < 5.0


@pytest.mark.parametrize("between", [b"", frame(b"", opcode=PING), frame(b"", opcode=PONG)])
async def test_a_message_in_fragments_has_to_end_in_time(open_plane: OpenPlane, between: bytes) -> None:
    running = await open_plane(message_s=0.4)
    async with raw(running.port) as connection:
        await upgraded(connection)
        await connection.send(frame(b'{"id": "', opcode=TEXT, fin=False))
        more = frame(b"x" * 20, opcode=CONTINUATION, fin=False) + between
        sending = asyncio.create_task(trickle(connection, more * 500, every_s=0.001))
        code, reason = await connection.ended()
        sending.cancel()

    assert (code, reason.split(":")[0]) == (1002, "LIFE-PROTOCOL-1002")
    assert "begun and never finished" in str(running.of(EventKind.REFUSED)[0].facts["what"])


async def test_a_frame_whose_bytes_trickle_has_to_end_in_time(open_plane: OpenPlane) -> None:
    running = await open_plane(message_s=0.4, ping_interval_s=0.1)
    async with raw(running.port) as connection:
        await upgraded(connection)
        sending = asyncio.create_task(trickle(connection, frame(b"x" * 60_000), every_s=0.01))
        code, reason = await connection.ended()
        sending.cancel()

    assert (code, reason.split(":")[0]) == (1002, "LIFE-PROTOCOL-1002")


async def test_a_busy_agent_whose_messages_end_is_not_taken_for_one_that_never_ends(open_plane: OpenPlane) -> None:
    running = await open_plane(message_s=0.3, ping_interval_s=0.1)
    async with peer(running.port) as agent, raw(running.port) as connection:
        await agent.register()
        await upgraded(connection)
        message = agent.envelope("agent.heartbeat", {}, kind="heartbeat").encode()
        whole = frame(message[:10], fin=False) + frame(message[10:], opcode=CONTINUATION)
        answered = 0
        give_up = time.monotonic() + 1.0
        await connection.send(whole[:30])
        while time.monotonic() < give_up:
            await connection.send(whole[30:] + whole[:30])  # there is always a message that is not finished
            while (await connection.frame())[0] != TEXT:
                pass
            answered += 1
            await asyncio.sleep(0.08)

    assert answered > 5
    assert "LIFE-PROTOCOL-1002" not in running.codes()


async def test_a_binary_message_in_fragments_is_named_as_a_whole(open_plane: OpenPlane) -> None:
    running = await open_plane()
    async with raw(running.port) as connection:
        await upgraded(connection)
        await connection.send(frame(b"\x00", opcode=BINARY, fin=False) + frame(b"\x01", opcode=CONTINUATION))
        await connection.frame()

    assert running.codes() == ["MSG-BINARY"]
