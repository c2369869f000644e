"""Lists: every filter, every sort, and pages that stay right while agents come and go."""

import asyncio
import string
from collections.abc import AsyncIterator
from functools import partial

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model import AgentPage, AgentQuery, Condition, Status
from holdfast.registry import InvalidQuery, Registry
from holdfast.registry.cursors import Position, read_cursor, write_cursor
from holdfast.registry.listing import Listing
from holdfast.store import Store, open_store
from holdfast.store.tables import agents
from tests.registry.conftest import OpenRegistry
from tests.registry.fleet import Clock, claim

SORTS = ["registered_at", "host_id", "last_seen", "status", "version"]


async def pages(registry: Registry, query: AgentQuery) -> list[AgentPage]:
    """All pages from `query` to the end."""
    found = [await registry.list_agents(query)]
    while (cursor := found[-1].next_cursor) is not None:
        found.append(await registry.list_agents(msgspec.structs.replace(query, cursor=cursor)))
    return found


async def hosts(registry: Registry, query: AgentQuery) -> list[str]:
    """The host_ids on all pages from `query` to the end."""
    return [agent.host_id for page in await pages(registry, query) for agent in page.agents]


@pytest.fixture
async def fleet(registry: Registry, clock: Clock) -> Registry:
    """Nine agents that differ in everything one can filter by."""
    for number in range(9):
        clock.pass_s(1)
        registered = await registry.register(
            claim(
                f"host-{(number * 4) % 9}",
                org_id="acme" if number < 6 else "umbrella",
                agent_version=f"1.{number % 3}",
                platform={"os": "Linux" if number % 2 else "Windows"},
                labels={"rack": f"r{number % 2}", **({"canary": "yes"} if number == 4 else {})},
                remote_address=f"192.0.2.{number}:1000",
            )
        )
        if number == 8:
            registry.presence.disconnected(registered.agent_uid, "att-host-5", at=clock.now, why="went away")
        if number == 7:
            registry.presence.condition(registered.agent_uid, Condition.FLAPPING, "5 times in a minute", at=clock.now)
    await registry.flush()
    return registry


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (AgentQuery(status=(Status.OFFLINE,)), ["host-5"]),
        (AgentQuery(status=(Status.OFFLINE, Status.FLAPPING)), ["host-1", "host-5"]),
        (AgentQuery(org_id="umbrella"), ["host-6", "host-1", "host-5"]),
        (AgentQuery(org_id="umbrella", status=(Status.ONLINE,)), ["host-6"]),
        (AgentQuery(host_id="host-7"), ["host-7"]),
        (AgentQuery(version="1.1"), ["host-4", "host-7", "host-1"]),
        (AgentQuery(platform="linux", org_id="acme"), ["host-4", "host-3", "host-2"]),
        (AgentQuery(labels={"canary": None}), ["host-7"]),
        (AgentQuery(labels={"rack": "r1"}, org_id="acme"), ["host-4", "host-3", "host-2"]),
        (AgentQuery(labels={"rack": "r0", "canary": "yes"}), ["host-7"]),
        (AgentQuery(labels={"rack": "r2"}), []),
        (AgentQuery(q="HOST-7"), ["host-7"]),
        (AgentQuery(q="192.0.2.3"), ["host-3"]),
        (AgentQuery(q="canary"), ["host-7"]),
        (AgentQuery(q="%"), []),
        (AgentQuery(q="/"), []),
        (AgentQuery(q=" Host-7 "), ["host-7"]),
        (AgentQuery(q="host_"), []),
    ],
)
async def test_a_filter_finds_what_it_says_and_nothing_else(
    fleet: Registry, query: AgentQuery, found: list[str]
) -> None:
    page = await fleet.list_agents(query)

    assert [agent.host_id for agent in page.agents] == found
    assert (page.total, page.total_is_exact) == (len(found), True)


@pytest.mark.parametrize("sort", SORTS)
async def test_pages_of_any_sort_show_every_agent_once_in_order_in_both_directions(fleet: Registry, sort: str) -> None:
    forward = await hosts(fleet, AgentQuery(sort=sort, limit=2))
    backward = await hosts(fleet, AgentQuery(sort=f"-{sort}", limit=4))

    assert sorted(forward) == [f"host-{number}" for number in range(9)]
    assert backward == forward[::-1]
    if sort == "host_id":
        assert forward == sorted(forward)


async def test_the_last_page_has_no_cursor_even_when_it_is_full(fleet: Registry) -> None:
    assert [len(page.agents) for page in await pages(fleet, AgentQuery(limit=3))] == [3, 3, 3]


async def test_while_agents_register_pages_neither_repeat_nor_miss_those_that_were_there(registry: Registry) -> None:
    for number in range(40):
        await registry.register(claim(f"old-{number:02}"))

    async def register_more() -> None:
        for number in range(60):
            await registry.register(claim(f"new-{number:02}"))

    registering = asyncio.create_task(register_more())
    shown: list[str] = []
    for sort in ("registered_at", "host_id", "-host_id"):
        shown = await hosts(registry, AgentQuery(sort=sort, limit=7))
        assert len(shown) == len(set(shown))
        assert {f"old-{number:02}" for number in range(40)} <= set(shown)
    await registering


async def test_an_agent_that_goes_does_not_make_the_next_page_pass_over_another(fleet: Registry) -> None:
    first = await fleet.list_agents(AgentQuery(limit=3))
    await fleet.delete_agent(first.agents[0].agent_uid)
    await fleet.delete_agent(first.agents[2].agent_uid)

    rest = await hosts(fleet, AgentQuery(limit=3, cursor=first.next_cursor))

    assert [agent.host_id for agent in first.agents] + rest == [f"host-{(n * 4) % 9}" for n in range(9)]


async def test_last_seen_is_exact_for_an_agent_that_is_connected_here(registry: Registry, clock: Clock) -> None:
    registered = await registry.register(claim("web-01"))
    registry.presence.seen(registered.agent_uid, clock.now + 3)

    assert [agent.last_seen for agent in (await registry.list_agents()).agents] == [clock.now + 3]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (AgentQuery(sort="colour"), "sort"),
        (AgentQuery(sort="--host_id"), "sort"),
        (AgentQuery(limit=0), "limit"),
        (AgentQuery(limit=1001), "limit"),
        (AgentQuery(cursor=""), "cursor"),
        (AgentQuery(cursor="AAAA"), "cursor"),
        (AgentQuery(cursor="not a cursor"), "cursor"),
        (AgentQuery(cursor=write_cursor(Position("host_id", "web", 1))), "cursor"),
        (AgentQuery(cursor=write_cursor(Position("host_id", 1.0, 1)), sort="host_id"), "cursor"),
        (AgentQuery(cursor=write_cursor(Position("last_seen", "soon", 1)), sort="last_seen"), "cursor"),
    ],
)
async def test_a_query_that_means_nothing_is_refused_by_the_field(
    registry: Registry, query: AgentQuery, field: str
) -> None:
    with pytest.raises(InvalidQuery) as refusal:
        await registry.list_agents(query)
    assert refusal.value.problem.field == field


values = st.text() | st.floats(allow_nan=False).map(float)


@given(st.sampled_from(SORTS), values, st.integers(0, 2**62))
def test_a_cursor_reads_as_what_was_written(order: str, value: str | float, seq: int) -> None:
    position = Position(order, value, seq)

    assert read_cursor(write_cursor(position), order=order) == position


@given(st.text(max_size=60) | st.text(string.ascii_letters + string.digits + "-_", max_size=60))
def test_no_text_makes_reading_a_cursor_fail_otherwise_than_by_refusal(text: str) -> None:
    with pytest.raises(InvalidQuery):
        read_cursor(text, order="host_id")


@given(values, st.data())
def test_one_changed_character_of_a_cursor_never_goes_unnoticed(value: str | float, data: st.DataObject) -> None:
    position = Position("host_id", value, 7)
    cursor = write_cursor(position)
    index = data.draw(st.integers(0, len(cursor) - 1))
    changed = cursor[:index] + data.draw(st.sampled_from(string.ascii_letters)) + cursor[index + 1 :]

    try:
        read = read_cursor(changed, order="host_id")
    except InvalidQuery:
        return
    assert read == position  # the same bytes: base64 has spare bits in its last character


LARGE = 30_000


@pytest.fixture
async def large(database_url: str) -> AsyncIterator[Store]:
    """A database of many agents, written by the shortest way."""
    store = await open_store(database_url)
    rows = [
        {
            "agent_uid": f"agt_{number:026}",
            "org_id": f"org-{number % 10}",
            "host_id": f"host-{number:06}",
            "public_key": "",
            "fingerprint": "",
            "agent_version": f"1.{number % 5}",
            "last_seen": float(number),
            "admission": "approved",
            "admission_since": 1.0,
            "admission_why": "",
            "presence": "online" if number % 100 else "offline",
            "presence_since": 1.0,
            "presence_why": "",
        }
        for number in range(LARGE)
    ]
    await store.write(lambda connection: connection.execute(sa.insert(agents), rows))
    await store.write(lambda connection: connection.execute(sa.text("ANALYZE")))
    yield store
    await store.close()


async def test_totals_are_exact_up_to_ten_thousand_and_soon_right_beyond(
    large: Store, open_registry: OpenRegistry
) -> None:
    registry = await open_registry()
    for query, count in (
        (AgentQuery(), LARGE),
        (AgentQuery(status=(Status.ONLINE,)), LARGE * 99 // 100),
        (AgentQuery(status=(Status.OFFLINE,)), LARGE // 100),
        (AgentQuery(org_id="org-1"), LARGE // 10),
    ):
        page = await registry.list_agents(query)
        assert (page.total, page.total_is_exact) == (min(count, 10_001), count <= 10_000)
        async with asyncio.timeout(10):
            while (page := await registry.list_agents(query)).total != count:
                await asyncio.sleep(0.01)
        assert len(page.agents) == 50


async def test_no_page_of_a_large_fleet_sorts_or_reads_more_than_it_shows(large: Store) -> None:
    for sort in (*SORTS, *(f"-{sort}" for sort in SORTS)):
        value: str | float = 0.0 if sort.lstrip("-") in {"registered_at", "last_seen"} else "m"
        middle = write_cursor(Position(sort, value, LARGE // 2))
        statement = Listing(AgentQuery(sort=sort, cursor=middle)).select([])

        plan = await large.read(partial(explain, statement))

        assert not any(word in plan for word in ("TEMP B-TREE", "Sort", "Seq Scan", "SCAN agents\n")), (sort, plan)


def explain(statement: sa.Select[*tuple[object, ...]], connection: sa.Connection) -> str:
    """How the database would run `statement`."""
    text = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
    verb = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{verb} {text}")) + "\n"
