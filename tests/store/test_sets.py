"""Statements over many keys and rows."""

import sqlalchemy as sa

from holdfast.store import open_store
from holdfast.store.sets import ManyRows, padded
from holdfast.store.tables import nonces, signals


def test_keys_are_padded_to_a_power_of_two_so_that_few_statements_are_prepared() -> None:
    assert padded(["a", "b", "a", "c"]) == ["a", "b", "c", "c"]
    assert padded([]) == []


async def test_many_rows_are_stored_in_their_order_whatever_the_order_of_their_keys(database_url: str) -> None:
    store = await open_store(database_url)
    insert = ManyRows(sa.insert(signals))

    await store.write(lambda connection: insert(connection, [{"at": 1.5, "signal": "one"}, {"signal": "two", "at": 2}]))

    query = sa.select(signals.c.at, signals.c.signal).order_by(signals.c.seq)
    rows = await store.read(lambda connection: connection.execute(query).all())
    assert [tuple(row) for row in rows] == [(1.5, "one"), (2.0, "two")]
    await store.close()


async def test_values_that_the_statement_has_itself_stand_beside_those_of_the_rows(database_url: str) -> None:
    store = await open_store(database_url)
    insert = ManyRows(sa.insert(nonces))
    update = ManyRows(
        sa.update(nonces)
        .where(nonces.c.digest == sa.bindparam("name"), nonces.c.expires_at < 2.0)
        .values(expires_at=sa.bindparam("until"))
    )

    def write(connection: sa.Connection) -> None:
        insert(connection, [{"digest": "a", "expires_at": 1.0}, {"digest": "b", "expires_at": 3.0}])
        update(connection, [{"name": "a", "until": 9.0}, {"name": "b", "until": 9.0}])

    await store.write(write)

    query = sa.select(nonces.c.digest, nonces.c.expires_at).order_by(nonces.c.digest)
    rows = await store.read(lambda connection: connection.execute(query).all())
    assert [tuple(row) for row in rows] == [("a", 9.0), ("b", 3.0)]
    await store.close()


async def test_no_rows_are_no_statement(database_url: str) -> None:
    store = await open_store(database_url)

    await store.write(lambda connection: ManyRows(sa.insert(signals))(connection, []))

    assert await store.read(lambda connection: connection.execute(sa.select(signals.c.seq)).all()) == []
    await store.close()
