"""Connected agents, measured minute by minute: real connections, and minutes that the test lets pass."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

from holdfast.model.samples import Measured
from holdfast.registry.agent_minutes import MAX_SAMPLES, AgentMinutes
from holdfast.serve.sampling import WRITTEN_EVERY, YOUNG, Sampling
from holdfast.store.database import parse_url
from holdfast.store.sqlite import SqliteDatabase
from holdfast.store.store import Store
from tests.gateway.loopback import Peer, Plane, peer, until

OpenPlane = Callable[..., Awaitable[Plane]]
AT = 1_800_000_000


def sampling_of(plane: Plane) -> Sampling:
    return Sampling(plane.gateway, plane.registry.agent_minutes, node="node-1", clock=lambda: float(AT))


async def beat(agent: Peer, times: int) -> None:
    for _ in range(times):
        await agent.beat()


async def stored(plane: Plane, agent: Peer) -> list[Measured]:
    return await plane.registry.agent_minutes.between(agent.uid, 0, AT + 100_000)


async def test_a_minute_holds_its_own_heartbeats_and_the_last_round_trip(open_plane: OpenPlane) -> None:
    running = await open_plane(ping_interval_s=0.1)
    sampling = sampling_of(running)
    async with peer(running.port) as agent:
        await agent.register()
        await beat(agent, 1)
        await sampling.measure(AT - 60)  # it came in the middle of this one
        await beat(agent, 2)
        await until(lambda: running.gateway.live[agent.uid].rtt_s > 0, "a pong")
        await sampling.measure(AT)
        await beat(agent, 3)
        await sampling.measure(AT + 60)
        found = await stored(running, agent)

    assert [(one.at, one.heartbeats) for one in found] == [(AT, 2), (AT + 60, 3)]
    assert found[0].rtt_ms is not None
    assert 0 < found[0].rtt_ms < 5000


async def test_a_new_connection_begins_anew_and_the_time_between_is_left_out(open_plane: OpenPlane) -> None:
    running = await open_plane()
    sampling = sampling_of(running)
    async with peer(running.port) as agent:
        await agent.register()
        await sampling.measure(AT - 60)
        await beat(agent, 4)
        await sampling.measure(AT)
    await until(lambda: not running.gateway.live, "the end of the connection")
    await sampling.measure(AT + 60)
    async with peer(running.port, key=agent.key) as again:
        await again.register()
        await sampling.measure(AT + 120)
        await beat(again, 1)
        await sampling.measure(AT + 180)
        found = await stored(running, again)

    assert [(one.at, one.heartbeats) for one in found] == [(AT, 4), (AT + 180, 1)]


async def test_an_old_connection_is_written_now_and_then_and_wholly_at_the_end(open_plane: OpenPlane) -> None:
    running = await open_plane()
    sampling = sampling_of(running)
    async with peer(running.port) as agent:
        await agent.register()
        await sampling.measure(AT - 60)
        counts = []
        for minute in range(YOUNG + 2 * WRITTEN_EVERY):
            await sampling.measure(AT + 60 * minute)
            counts.append(len(await stored(running, agent)))
        await sampling.close()
        found = await stored(running, agent)

    assert counts[:YOUNG] == [1, 2, 3, 4, 5]
    assert len(set(counts[YOUNG:])) <= 3  # in ten minutes it was brought up to date twice
    assert counts[-1] > YOUNG + WRITTEN_EVERY
    assert len(found) == YOUNG + 2 * WRITTEN_EVERY


async def test_a_row_holds_an_hour_and_the_next_one_follows_without_a_gap(open_plane: OpenPlane) -> None:
    running = await open_plane()
    sampling = sampling_of(running)
    async with peer(running.port) as agent:
        await agent.register()
        await sampling.measure(AT - 60)
        for minute in range(MAX_SAMPLES + 3):
            await sampling.measure(AT + 60 * minute)
        await sampling.close()
        found = await stored(running, agent)

    assert [one.at for one in found] == [AT + 60 * minute for minute in range(MAX_SAMPLES + 3)]


async def test_what_could_not_be_written_is_written_with_the_next_minute(open_plane: OpenPlane, tmp_path: Path) -> None:
    running = await open_plane()
    store = Store(
        SqliteDatabase(parse_url(f"sqlite:///{tmp_path / 'holdfast.db'}"), durability="full", busy_timeout_s=0.2)
    )
    minutes = AgentMinutes(store)
    sampling = Sampling(running.gateway, minutes, node="node-1", clock=lambda: float(AT))
    async with peer(running.port) as agent:
        await agent.register()
        await sampling.measure(AT - 60)
        other = sqlite3.connect(tmp_path / "holdfast.db")
        other.execute("BEGIN IMMEDIATE")
        await sampling.measure(AT)
        other.execute("ROLLBACK")
        other.close()
        await sampling.measure(AT + 60)
        found = await stored(running, agent)
    await store.close()

    assert [one.at for one in found] == [AT, AT + 60]
