"""A graceful stop: every agent is told, each with its own time to come back."""

import asyncio
import contextlib
import json
import time

from websockets.exceptions import ConnectionClosed

from holdfast.model.events import EventKind
from tests.gateway.conftest import OpenPlane
from tests.gateway.loopback import Heard, Peer, Plane, http, peer, raw, until, upgraded


async def last_words(agent: Peer) -> tuple[list[Heard], tuple[int, str]]:
    """What the agent hears until the end, and the end."""
    heard = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            heard.append(await agent.hear())
    return heard, await agent.ended()


async def test_every_agent_is_told_a_time_of_its_own_then_1012(running: Plane) -> None:
    async with contextlib.AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(peer(running.port, f"web-{n}")) for n in range(12)]
        for agent in agents:
            await agent.register()
        ends = [asyncio.create_task(last_words(agent)) for agent in agents]
        await running.gateway.stop()
        told = await asyncio.gather(*ends)

    errors = [heard[-1] for heard, _ in told]
    assert {error.code for error in errors} == {"LIFE-RESTART-1012"}
    waits = [error.payload["retry_after"] for error in errors]
    assert all(0 < wait <= 60 for wait in waits)
    assert len(set(waits)) > 6, "all at once is what must not happen"
    assert {code for _, (code, _) in told} == {1012}
    assert all(reason.startswith("LIFE-RESTART-1012: ") for _, (_, reason) in told)
    assert running.of(EventKind.GATEWAY_STOPPED)
    assert [event.facts["closed_by"] for event in running.of(EventKind.ENDED)] == ["gateway"] * 12


async def test_a_larger_fleet_is_spread_over_a_longer_time(running: Plane) -> None:
    spread = [running.gateway.window_s(agents) for agents in (1, 500, 5_000, 1_000_000)]

    assert spread == [1.0, 1.0, 10.0, 60.0]


async def test_after_a_stop_every_agent_is_offline_with_the_reason(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        await running.gateway.stop()

    await running.registry.flush()
    known = await running.registry.get_agent(agent.uid)
    assert known is not None
    assert known.status.value == "offline"
    assert "1012" in known.status_why


async def test_an_agent_that_does_not_answer_the_close_delays_the_stop_by_the_drain_time_at_most(
    open_plane: OpenPlane,
) -> None:
    running = await open_plane(drain_s=0.3)
    async with raw(running.port) as deaf:
        await upgraded(deaf)
        began = time.monotonic()
        await running.gateway.stop()
        took_s = time.monotonic() - began

    assert 0.3 <= took_s < 2.0
    assert not running.gateway.live


async def test_a_stop_without_connections_takes_no_time(open_plane: OpenPlane) -> None:
    running = await open_plane(drain_s=60.0)

    await asyncio.wait_for(running.gateway.stop(), 2.0)


async def test_a_connection_that_comes_while_the_gateway_stops_is_told_to_come_back(open_plane: OpenPlane) -> None:
    running = await open_plane(drain_s=5.0)
    async with raw(running.port) as late, raw(running.port) as other, raw(running.port) as slow:
        await upgraded(slow)
        stopping = asyncio.create_task(running.gateway.stop())
        await until(lambda: running.gateway.draining, "the stop to begin")
        await late.send(b"GET /ws/agent HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        await late.send(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        refused = await late.head(), await late.rest()
        await other.send(b"GET /health HTTP/1.1\r\n\r\n")
        health = await other.head(), await other.rest()
        slow.writer.transport.abort()
        await stopping

    assert refused[0].startswith("HTTP/1.1 503 ")
    assert "Retry-After: " in refused[0]
    assert json.loads(refused[1])["code"] == "LIFE-RESTART-1012"
    assert json.loads(health[1])["status"] == "draining"


async def test_a_registration_that_was_asked_for_is_stored_when_the_gateway_stops(running: Plane) -> None:
    async with peer(running.port) as agent:
        challenge = await agent.init()
        await agent.say("agent.registration.complete", agent.completion(challenge.payload))
        await until(lambda: running.of(EventKind.COMPLETE), "the message to arrive")
        await running.gateway.stop()

        assert await running.registry.get_agent(agent.uid) is not None


async def test_the_port_is_free_again_after_a_stop(running: Plane) -> None:
    port = running.port
    await running.gateway.stop()

    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    server.close()
    await server.wait_closed()


async def test_health_is_answered_again_by_a_gateway_started_anew(running: Plane) -> None:
    await running.gateway.stop()
    await running.gateway.start()

    status, _, body = await http(running.port, "GET /health HTTP/1.1", "Host: gateway")
    assert (status, json.loads(body)["status"]) == (200, "healthy")
