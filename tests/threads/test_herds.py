"""Fleets that come all at once, again and again, or never stop."""

import asyncio
import random
import statistics
from pathlib import Path

from holdfast.agent import Agent
from holdfast.agent.backoff import Backoff
from holdfast.agent.status import State
from tests.doctor.peers import serving
from tests.threads.ground import HASTE, Ground, until

DRAWS = random.Random(15)  # the same fleet in every run


async def test_our_own_agents_ddosed_our_network_after_a_change(plane: Ground) -> None:
    """elastic/elastic-agent#6761: a delayed enrolment was retried every 1 to 10 s by the whole fleet, without jitter.

    The mean rate of a fleet that cannot get in is bounded by the cap, and every agent's own tries spread.
    """
    backoff = Backoff()
    waits = [backoff.delay_s(failures=failures, draw=DRAWS.random()) for failures in range(1, 200)]
    settled = waits[8:]

    assert statistics.mean(settled) > backoff.cap_s / 3
    assert statistics.stdev(settled) > backoff.cap_s / 5
    assert max(settled) <= backoff.cap_s


async def test_hundreds_of_attempts_in_half_a_second(tmp_path: Path) -> None:
    """centrifugal/centrifuge-js#408: 189 to 373 attempts in 500 ms against a server that closes at once."""
    dialled = 0

    async def close(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal dialled
        dialled += 1

    async with serving(close) as port:
        agent = Agent(f"ws://127.0.0.1:{port}", state_dir=tmp_path, backoff=Backoff(base_s=0.5))
        async with agent:
            await asyncio.sleep(1.0)

    assert 1 <= dialled <= 12


async def test_an_agent_that_hammers_is_one_finding_with_its_cause(plane: Ground) -> None:
    """elastic/elastic-agent#6761: the operator learns which host, how often, and what it keeps failing at."""
    agent = await plane.connect("loop-01", facts={"instance": "one"})
    for _ in range(8):
        await agent.init()
        await agent.wire.drop()
        agent = await plane.connect("loop-01", key=agent.key, facts={"instance": "one"})

    finding = await plane.finding("RATE-RECONNECT-LOOP")

    assert finding["parent"] == "REG-NEVER-COMPLETED"
    assert finding["subject"]["host_id"] == "loop-01"
    found = (await plane.get("/findings", code="RATE-RECONNECT-LOOP"))["findings"]
    assert len(found) == 1


async def test_the_fleet_came_back_from_a_restart_and_stayed_down(plane: Ground) -> None:
    """fleetdm/fleet#45553, #3271: jitter was clamped to nothing at the cap, so all hosts retried together for ever."""
    at_the_cap = [Backoff().delay_s(failures=30, draw=DRAWS.random()) for _ in range(1000)]
    told = [Backoff().delay_s(failures=30, draw=DRAWS.random(), retry_after_s=60.0) for _ in range(1000)]

    for waits in (at_the_cap, told):
        assert statistics.stdev(waits) > 10
        busiest = max(sum(second <= wait < second + 1 for wait in waits) for second in range(200))
        assert busiest < 60  # of a thousand agents, in the worst second
    assert min(told) >= 60.0


async def test_a_gateway_that_restarts_tells_every_agent_another_time(plane: Ground) -> None:
    """fleetdm/fleet#45553: the herd is spread where it begins."""
    agents = [await plane.register(f"web-{number:02}") for number in range(30)]

    await plane.plane.stop()

    for agent in agents:
        await agent.wire.wait_closed()
    waits = [error.retry_after for agent in agents for error in agent.wire.errors]
    assert len(waits) == 30
    assert len(set(waits)) > 20
    assert {agent.wire.closed.code for agent in agents if agent.wire.closed} == {1012}


async def test_4401_meant_for_ever_and_the_client_retried_for_ever(plane: Ground) -> None:
    """nyaruka/rapidpro#6836: a close code that ends it all, and a client that did not know. Ours stays away."""
    async with plane.sdk("web-01") as agent:
        uid = (await agent.wait_registered(5)).uid
        await plane.http.post(f"/agents/{uid}/revoke", headers=await plane.operator(), json={"reason": "test"})

        await until(lambda: is_in(agent, State.REFUSED), "the agent to give up")
        await plane.attempt(agent_uid=uid or "", open=False)
        made = len((await plane.get("/attempts", agent_uid=uid or ""))["attempts"])
        await asyncio.sleep(3 * HASTE.cap_s)

        assert len((await plane.get("/attempts", agent_uid=uid or ""))["attempts"]) == made
        assert agent.status.problem is not None
        assert agent.status.problem.code == "ID-REVOKED"


async def is_in(agent: Agent, state: State) -> bool:
    return agent.status.state is state


async def test_a_close_code_that_asks_to_come_back_is_not_taken_for_the_end(plane: Ground) -> None:
    """nyaruka/rapidpro#6836, the other way round."""
    async with plane.sdk("web-01") as agent:
        uid = (await agent.wait_registered(5)).uid
        first = agent.status.attempt
        await plane.http.post(f"/agents/{uid}/disconnect", headers=await plane.operator(), json={"reason": "test"})

        async def again() -> bool:
            return agent.status.state is State.READY and agent.status.attempt != first

        assert await until(again, "the agent to come back")
