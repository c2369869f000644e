"""Who is connected: exact in memory at once, in the store a moment later, never wrong about the newer connection."""

import asyncio
import time

from holdfast.model import Agent, Attempt, Condition, Status, agent_uid
from holdfast.registry import RegistrationPolicy, Registry
from tests.registry.conftest import OpenRegistry
from tests.registry.fleet import Clock, claim


async def stored(registry: Registry, name: str = "web-01") -> Agent:
    """The agent as the store has it."""
    agent = await registry.get_agent(name)
    assert agent is not None
    return agent


async def until_stored(registry: Registry, status: Status, within_s: float) -> Agent:
    """The agent, once the store has this status; how long that took is asserted."""
    give_up = time.monotonic() + within_s
    while (agent := await stored(registry)).status is not status:
        assert time.monotonic() < give_up, agent
        await asyncio.sleep(0.01)
    return agent


async def test_an_agent_that_comes_and_goes_is_stored_within_a_second(registry: Registry, clock: Clock) -> None:
    uid = (await registry.register(claim("web-01", attempt="a1"))).agent_uid
    clock.pass_s(10)

    registry.presence.disconnected(uid, "a1", at=clock.now, why="closed by the agent, 1000")
    assert not registry.presence.is_online(uid)
    gone = await until_stored(registry, Status.OFFLINE, 5)
    clock.pass_s(10)
    registry.presence.connected(
        uid, at=clock.now, attempt="a2", remote_address="192.0.2.8:1", instance="i", boot_id="b"
    )
    assert registry.presence.is_online(uid)
    back = await until_stored(registry, Status.ONLINE, 5)

    assert (gone.status_since, gone.status_why, gone.connected_since) == (
        clock.now - 10,
        "closed by the agent, 1000",
        None,
    )
    assert (back.status_since, back.connected_since, back.remote_address) == (clock.now, clock.now, "192.0.2.8:1")
    assert (back.instance, back.boot_id, back.last_seen) == ("i", "b", clock.now)


async def test_the_end_of_an_old_connection_leaves_the_new_one(registry: Registry, clock: Clock) -> None:
    uid = (await registry.register(claim("web-01", attempt="old"))).agent_uid
    registry.presence.connected(uid, at=clock.now + 1, attempt="new")

    registry.presence.disconnected(uid, "old", at=clock.now + 2, why="replaced")
    await registry.flush()

    assert registry.presence.is_online(uid)
    assert (await stored(registry)).status is Status.ONLINE


async def test_the_end_of_an_old_connection_leaves_a_new_one_on_another_gateway(
    open_registry: OpenRegistry, clock: Clock
) -> None:
    here, there = await open_registry(node_id="here"), await open_registry(node_id="there")
    uid = (await here.register(claim("web-01", attempt="old"))).agent_uid
    clock.pass_s(1)
    there.presence.connected(uid, at=clock.now, attempt="new")
    await there.flush()

    here.presence.disconnected(uid, "old", at=clock.now + 60, why="timeout")
    await here.flush()

    assert (await stored(here)).status is Status.ONLINE
    there.presence.disconnected(uid, "new", at=clock.now + 70, why="gone")
    await there.flush()
    assert (await stored(here)).status_why == "gone"


async def test_a_connection_that_ends_while_its_registration_is_stored_is_not_left_online(registry: Registry) -> None:
    claimed = claim("web-01", attempt="a1")

    registering = asyncio.create_task(registry.register(claimed))
    await asyncio.sleep(0)
    registry.presence.disconnected(agent_uid(claimed.public_key), "a1", at=2e9, why="gone already")
    await registering
    await registry.flush()

    assert (await stored(registry)).status_why == "gone already"


async def test_telling_the_same_end_twice_changes_nothing(registry: Registry, clock: Clock) -> None:
    uid = (await registry.register(claim("web-01", attempt="a1"))).agent_uid
    registry.presence.disconnected(uid, "a1", at=clock.now + 1, why="first")
    await registry.flush()

    registry.presence.disconnected(uid, "a1", at=clock.now + 9, why="second")
    await registry.flush()

    agent = await stored(registry)
    assert (agent.status_since, agent.status_why) == (clock.now + 1, "first")


async def test_signs_of_life_and_the_clocks_difference_are_stored_within_five_seconds(
    registry: Registry, clock: Clock
) -> None:
    uid = (await registry.register(claim("web-01"))).agent_uid
    registry.presence.clock_offset(uid, -2.5)
    registry.presence.seen(uid, clock.now + 30)

    give_up = time.monotonic() + 8
    while (agent := await stored(registry)).last_seen != clock.now + 30:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)

    assert agent.clock_offset_s == -2.5


async def test_a_sign_of_life_of_a_stranger_is_ignored(registry: Registry, clock: Clock) -> None:
    registry.presence.seen("agt_unknown", clock.now)
    registry.presence.clock_offset("agt_unknown", 1.0)
    await registry.flush()

    assert not registry.presence.is_online("agt_unknown")
    assert registry.presence.last_seen("agt_unknown") is None


async def test_a_condition_colours_the_status_until_it_is_taken_back(registry: Registry, clock: Clock) -> None:
    uid = (await registry.register(claim("web-01", attempt="a1"))).agent_uid
    seen: list[tuple[Status, str]] = []
    for condition, why in (
        (Condition.DEGRADED, "late heartbeats"),
        (Condition.FLAPPING, "6 connections in a minute"),
        (Condition.DUPLICATE, "two hosts, one key"),
        (None, ""),
    ):
        registry.presence.condition(uid, condition, why)
        await registry.flush()
        agent = await stored(registry)
        seen.append((agent.status, agent.status_why))

    assert seen == [
        (Status.DEGRADED, "late heartbeats"),
        (Status.FLAPPING, "6 connections in a minute"),
        (Status.DUPLICATE, "two hosts, one key"),
        (Status.ONLINE, "connected from 192.0.2.7:4711"),
    ]


async def test_after_a_crash_the_agents_of_that_gateway_are_offline_and_others_are_not(
    open_registry: OpenRegistry, clock: Clock
) -> None:
    crashed = await open_registry(node_id="crashed", start=False)
    other = await open_registry(node_id="other")
    await crashed.register(claim("web-01"))
    await crashed.save_attempts([Attempt(attempt="open", started_at=clock.now)])
    await other.register(claim("web-02"))
    seen_last = clock.now
    clock.pass_s(100)

    again = await open_registry(node_id="crashed")

    agent, attempt = await stored(again), await again.get_attempt("open")
    assert (agent.status, agent.status_since) == (Status.OFFLINE, seen_last)
    assert agent.status_why == "gateway stopped without saying so"
    assert (await stored(again, "web-02")).status is Status.ONLINE
    assert attempt is not None
    assert attempt.ended_how == "gateway stopped without saying so"


async def test_a_registry_that_closes_leaves_nobody_online(open_registry: OpenRegistry, clock: Clock) -> None:
    other = await open_registry(node_id="other")
    closing = await open_registry(RegistrationPolicy.OPEN, node_id="closing")
    uid = (await closing.register(claim("web-01"))).agent_uid
    closing.presence.seen(uid, clock.now + 5)

    await closing.close()

    agent = await stored(other)
    assert (agent.status, agent.status_why, agent.last_seen) == (Status.OFFLINE, "gateway stopped", clock.now + 5)


async def test_agents_that_are_gone_and_stored_take_no_memory(registry: Registry, clock: Clock) -> None:
    uids = [one.agent_uid for one in await asyncio.gather(*(registry.register(claim(f"h{n}")) for n in range(50)))]
    for number, uid in enumerate(uids):
        registry.presence.disconnected(uid, f"att-h{number}", at=clock.now, why="gone")
    await registry.flush()

    assert registry.presence.remembered() == 0


async def test_five_thousand_agents_that_come_back_at_once_are_stored(registry: Registry, clock: Clock) -> None:
    claims = [claim(f"h{number}", attempt="old") for number in range(5000)]
    uids = [one.agent_uid for one in await asyncio.gather(*map(registry.register, claims))]
    for uid in uids:
        registry.presence.disconnected(uid, "old", at=clock.now + 1, why="gateway killed")
        registry.presence.connected(uid, at=clock.now + 2, attempt="new")
        registry.presence.seen(uid, clock.now + 3)
    await registry.flush()

    page = await registry.list_agents()
    assert page.total == 5000
    assert {(agent.status, agent.connected_since, agent.last_seen) for agent in page.agents} == {
        (Status.ONLINE, clock.now + 2, clock.now + 3)
    }
