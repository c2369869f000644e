"""The fleet's numbers over time."""

from holdfast.model.aggregates import Minute
from holdfast.registry.aggregates import KEPT_S, Aggregates
from holdfast.store import open_store

AT = 1_800_000_000


async def test_minutes_of_several_gateways_become_one_point(database_url: str) -> None:
    store = await open_store(database_url)
    aggregates = Aggregates(store)
    for minute in (
        Minute(at=AT, node="a", online=5, opened=3, messages=10, rtt_p95_ms=4.0, statuses={"online": 9}),
        Minute(at=AT + 60, node="a", online=6, opened=1, messages=12, lag_ms=3.0, statuses={"online": 10}),
        Minute(at=AT + 60, node="b", online=4, opened=2, messages=8, rtt_p95_ms=9.0, statuses={"online": 10}),
        Minute(at=AT + 120, node="a", online=7),
    ):
        await aggregates.add(minute)

    found = await aggregates.between(AT, AT + 120, 120)
    await store.close()

    expected = Minute(
        at=AT, node="", span_s=120, online=10, opened=6, messages=30, rtt_p95_ms=9.0, lag_ms=3.0,
        statuses={"online": 10},
    )  # fmt: skip
    assert found == [expected]


async def test_a_minute_stored_twice_counts_once_and_an_old_one_goes(database_url: str) -> None:
    store = await open_store(database_url)
    aggregates = Aggregates(store)
    await aggregates.add(Minute(at=AT - KEPT_S - 60, node="a", opened=7))
    await aggregates.add(Minute(at=AT, node="a", opened=1))
    await aggregates.add(Minute(at=AT, node="a", opened=2))

    found = await aggregates.between(0, AT + 60)
    await store.close()

    assert [(minute.at, minute.opened) for minute in found] == [(AT, 2)]


async def test_a_new_store_has_neither_statuses_nor_versions(database_url: str) -> None:
    store = await open_store(database_url)
    aggregates = Aggregates(store)

    assert await aggregates.statuses() == {}
    assert await aggregates.versions() == []
    await store.close()
