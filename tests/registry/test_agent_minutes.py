"""One agent's latency and heartbeats over time."""

from holdfast.model.samples import Measured, Samples
from holdfast.registry.agent_minutes import KEPT_S, AgentMinutes
from holdfast.store import open_store

AT = 1_800_000_000


def samples(*rtt_ms: float | None, at: int = AT, node: str = "a", uid: str = "exp_1") -> Samples:
    return Samples(agent_uid=uid, node=node, at=at, rtt_ms=rtt_ms, heartbeats=(3,) * len(rtt_ms))


async def test_a_series_is_read_minute_by_minute_and_gaps_are_left_out(database_url: str) -> None:
    store = await open_store(database_url)
    minutes = AgentMinutes(store)
    await minutes.add([samples(1.5, None), samples(2.0, at=AT + 240, node="b"), samples(9.0, uid="exp_2")])

    found = await minutes.between("exp_1", AT, AT + 600)
    await store.close()

    assert found == [
        Measured(at=AT, span_s=60, rtt_ms=1.5, heartbeats=3),
        Measured(at=AT + 60, span_s=60, rtt_ms=None, heartbeats=3),
        Measured(at=AT + 240, span_s=60, rtt_ms=2.0, heartbeats=3),
    ]


async def test_a_point_tells_the_worst_of_its_minutes_and_counts_those_that_were_measured(database_url: str) -> None:
    store = await open_store(database_url)
    minutes = AgentMinutes(store)
    begun = AT - AT % 300
    await minutes.add([samples(1.0, 7.0, 2.0, at=begun)])

    found = await minutes.between("exp_1", begun, begun + 300, 300)
    await store.close()

    assert found == [Measured(at=begun, span_s=180, rtt_ms=7.0, heartbeats=9)]


async def test_a_series_that_grew_replaces_its_beginning_and_an_old_one_goes(database_url: str) -> None:
    store = await open_store(database_url)
    minutes = AgentMinutes(store)
    await minutes.add([samples(1.0), samples(5.0, at=AT - KEPT_S - 60)])
    await minutes.add([samples(1.0, 2.0)])
    await minutes.prune(AT)

    found = await minutes.between("exp_1", 0, AT + 600)
    await store.close()

    assert [(one.at, one.rtt_ms) for one in found] == [(AT, 1.0), (AT + 60, 2.0)]


async def test_a_round_trip_beyond_the_scale_is_told_as_its_end(database_url: str) -> None:
    store = await open_store(database_url)
    minutes = AgentMinutes(store)
    await minutes.add([samples(60_000.0)])

    (found,) = await minutes.between("exp_1", AT, AT + 60)
    await store.close()

    assert found.rtt_ms == 6553.4
