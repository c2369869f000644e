"""What was confirmed is there afterwards: after a kill, a full disk, an outage."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.bus import LocalBus
from holdfast.faults import Unavailable
from holdfast.model import Agent, AgentQuery, Status
from holdfast.registry import Registry
from holdfast.store import open_store
from tests.conftest import PostgresServer
from tests.registry.conftest import OpenRegistry
from tests.registry.fleet import Clock, claim

ROOT = Path(__file__).parents[2]
CONFIRMED_AT_LEAST = 1000


async def everyone(registry: Registry) -> dict[str, Status]:
    """The status of every agent, by host_id."""
    query, found = AgentQuery(limit=1000), dict[str, Status]()
    while True:
        page = await registry.list_agents(query)
        found |= {agent.host_id: agent.status for agent in page.agents}
        if page.next_cursor is None:
            return found
        query = AgentQuery(limit=1000, cursor=page.next_cursor)


def killed_while_registering(url: str, name: str) -> list[str]:
    """Start a process that registers, kill it once it has confirmed many, and return what it had confirmed."""
    command = [sys.executable, "-m", "tests.registry.registering", url, name]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    confirmed = [process.stdout.readline().strip() for _ in range(CONFIRMED_AT_LEAST)]
    process.kill()
    rest = process.stdout.read()
    process.stdout.close()
    process.wait(30)
    # The last line may have been cut by the kill.
    return confirmed + rest.split("\n")[:-1]


async def test_after_kill_9_every_confirmed_agent_is_there_and_none_by_half(
    database_url: str, open_registry: OpenRegistry
) -> None:
    confirmed: list[str] = []
    for life in ("first", "second"):
        confirmed += await asyncio.to_thread(killed_while_registering, database_url, life)

    registry = await open_registry(node_id="killed")
    found = await everyone(registry)

    assert len(confirmed) >= 2 * CONFIRMED_AT_LEAST
    assert set(confirmed) - found.keys() == set()
    assert set(found.values()) == {Status.OFFLINE}
    labelled = sum([(await registry.list_agents(AgentQuery(labels={"worker": str(w)}))).total for w in range(64)])
    assert labelled == len(found)


async def test_a_disk_that_fills_up_refuses_registrations_and_keeps_those_confirmed(
    sqlite_url: str, clock: Clock
) -> None:
    store = await open_store(sqlite_url)
    registry = Registry(store, LocalBus(), node_id="node-1", clock=clock)
    await registry.start()
    pages = await store.write(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await store.write(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 60}"))

    confirmed: set[str] = set()
    refusals: list[BaseException] = []
    for batch in range(20):
        claims = [claim(f"host-{batch}-{number}") for number in range(50)]
        answers = await asyncio.gather(*map(registry.register, claims), return_exceptions=True)
        confirmed |= {one.host_id for one, answer in zip(claims, answers, strict=True) if not _failed(answer)}
        refusals += [answer for answer in answers if isinstance(answer, BaseException)]

    assert {refusal.problem.code for refusal in refusals if isinstance(refusal, Unavailable)} == {"SRV-DISK-FULL"}
    assert all(isinstance(refusal, Unavailable) for refusal in refusals)
    assert confirmed == (await everyone(registry)).keys()

    await store.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1000000"))
    await registry.register(claim("after"))
    assert (await everyone(registry)).keys() == confirmed | {"after"}
    await registry.close()
    await store.close()


def _failed(answer: object) -> bool:
    return isinstance(answer, BaseException)


async def test_while_postgresql_is_away_registrations_are_refused_and_presence_is_kept_for_later(
    postgres_server: PostgresServer, postgres_url: str, clock: Clock
) -> None:
    store = await open_store(postgres_url)
    registry = Registry(store, LocalBus(), node_id="node-1", clock=clock)
    await registry.start()
    uid = (await registry.register(claim("web-01", attempt="a1"))).agent_uid
    postgres_server.stop()
    try:
        with pytest.raises(Unavailable) as refusal:
            await registry.register(claim("web-02"))
        assert refusal.value.problem.code == "SRV-DB-DOWN"
        registry.presence.disconnected(uid, "a1", at=clock.now + 1, why="while the database was away")
        with pytest.raises(Unavailable):
            await registry.flush()
    finally:
        postgres_server.start()

    give_up = time.monotonic() + 20
    while (agent := await _patiently(registry, "web-01", give_up)).status is not Status.OFFLINE:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)
    assert agent.status_why == "while the database was away"
    await registry.register(claim("web-02"))
    assert (await everyone(registry)).keys() == {"web-01", "web-02"}
    await registry.close()
    await store.close()


async def _patiently(registry: Registry, host_id: str, give_up: float) -> Agent:
    while True:
        try:
            agent = await registry.get_agent(host_id)
        except Unavailable:
            assert time.monotonic() < give_up
            await asyncio.sleep(0.05)
        else:
            assert agent is not None
            return agent


async def test_two_gateways_on_one_database_register_the_same_agents_without_getting_in_each_others_way(
    open_registry: OpenRegistry,
) -> None:
    one, other = await open_registry(node_id="one"), await open_registry(node_id="other")
    claims = [claim(f"host-{number}") for number in range(200)]

    answers = await asyncio.gather(
        *(one.register(each) for each in claims), *(other.register(each) for each in reversed(claims))
    )

    assert len({answer.agent_uid for answer in answers}) == 200
    assert (await one.list_agents()).total == 200
