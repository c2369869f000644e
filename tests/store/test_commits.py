"""Group commit: one transaction for all who write at the same time."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa

from holdfast.faults import HoldfastError, Problem, Refused, Unavailable
from holdfast.store import Store, open_store
from holdfast.store.tables import signals

REFUSAL = Problem(code="API-INVALID", what="no", why="not this one", fix="Send another")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


class Append:
    """A set statement that appends texts, and remembers how many came together."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, connection: sa.Connection, items: Sequence[str]) -> list[str | HoldfastError]:
        self.batches.append(len(items))
        rows = [{"at": 1.0, "signal": item} for item in items if item != "refused"]
        connection.execute(sa.insert(signals), rows)
        return [Refused(REFUSAL) if item == "refused" else item.upper() for item in items]


async def stored(store: Store) -> list[str]:
    """What is in the table, in the order it was written."""
    query = sa.select(signals.c.signal).order_by(signals.c.seq)
    return list(await store.read(lambda connection: connection.execute(query).scalars().all()))


async def test_everyone_gets_his_own_answer_and_everything_is_stored(store: Store) -> None:
    append = Append()

    answers = await asyncio.gather(*(store.commits.submit(append, f"item {number}") for number in range(1000)))

    assert answers == [f"ITEM {number}" for number in range(1000)]
    assert await stored(store) == [f"item {number}" for number in range(1000)]


async def test_those_who_write_together_share_a_transaction(store: Store) -> None:
    append = Append()

    await asyncio.gather(*(store.commits.submit(append, str(number)) for number in range(100)))

    assert append.batches == [100]


async def test_different_statements_share_a_transaction_too(store: Store) -> None:
    one, other = Append(), Append()

    await asyncio.gather(*(store.commits.submit(one if n % 2 else other, str(n)) for n in range(10)))

    assert (one.batches, other.batches) == ([5], [5])


async def test_a_refused_item_is_refused_alone(store: Store) -> None:
    append = Append()

    good, refused = await asyncio.gather(
        store.commits.submit(append, "good"), store.commits.submit(append, "refused"), return_exceptions=True
    )

    assert good == "GOOD"
    assert isinstance(refused, Refused)
    assert await stored(store) == ["good"]


async def test_an_item_that_the_database_cannot_take_does_not_fail_its_neighbours(store: Store) -> None:
    def insert(connection: sa.Connection, items: Sequence[str | None]) -> list[None]:
        connection.execute(sa.insert(signals), [{"at": 1.0, "signal": item} for item in items])
        return [None] * len(items)

    answers = await asyncio.gather(
        *(store.commits.submit(insert, item) for item in ("one", None, "two")), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [type(None), sa.exc.IntegrityError, type(None)]
    assert await stored(store) == ["one", "two"]


async def test_a_writer_who_gives_up_waiting_does_not_stop_the_write(store: Store) -> None:
    append = Append()
    given_up = store.commits.submit(append, "written all the same")
    given_up.cancel()

    await store.commits.submit(append, "next")

    assert await stored(store) == ["written all the same", "next"]


async def test_closing_stores_what_is_queued_and_takes_no_more(database_url: str) -> None:
    store, append = await open_store(database_url), Append()
    queued = [store.commits.submit(append, str(number)) for number in range(700)]

    await store.close()

    assert [await answer for answer in queued] == [str(number) for number in range(700)]
    with pytest.raises(Unavailable, match="stopping"):
        await store.commits.submit(append, "late")
