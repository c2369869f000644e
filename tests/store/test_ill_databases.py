"""Databases that are full, locked, unwritable, stopped or full of others: named, survived, and well again."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from holdfast.faults import Unavailable
from holdfast.store import Store, open_store
from holdfast.store.database import parse_url
from holdfast.store.sqlite import SqliteDatabase
from holdfast.store.tables import signals
from tests.conftest import PostgresServer

WITHIN_S = 20.0


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    opened = await open_store(sqlite_url)
    yield opened
    await opened.close()


def append(connection: sa.Connection, text: str = "x") -> None:
    """Write one row."""
    connection.execute(sa.insert(signals).values(at=1.0, signal=text))


async def count(store: Store) -> int:
    """How many rows were written."""
    query = sa.select(sa.func.count(signals.c.seq))
    return await store.read(lambda connection: connection.execute(query).scalar_one())


async def until_it_works(store: Store) -> None:
    """Ping until the store is well, and fail when it stays ill."""
    give_up = time.monotonic() + WITHIN_S
    while True:
        try:
            await store.ping()
        except Unavailable:
            assert time.monotonic() < give_up
            await asyncio.sleep(0.05)
        else:
            return


async def test_a_full_disk_is_named_and_loses_nothing_that_was_confirmed(store: Store) -> None:
    # SQLite answers a page limit with the same error as a full disk, and the limit holds for its one writer.
    pages = await store.write(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await store.write(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}"))
    confirmed = 0

    async def fill() -> None:
        nonlocal confirmed
        while True:
            await store.write(lambda connection: append(connection, "x" * 4000))
            confirmed += 1

    with pytest.raises(Unavailable) as refusal:
        await fill()

    assert refusal.value.problem.code == "SRV-DISK-FULL"
    assert refusal.value.problem.retry_after_s == 30.0
    assert confirmed > 0
    assert await count(store) == confirmed

    await store.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1000000"))
    await store.write(append)
    assert await count(store) == confirmed + 1


async def test_a_locked_database_is_waited_for(store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    writing = asyncio.create_task(store.write(append))
    await asyncio.sleep(0.2)
    assert not writing.done()
    other.execute("COMMIT")
    other.close()

    await asyncio.wait_for(writing, WITHIN_S)
    assert await count(store) == 1


async def test_a_process_that_ends_waits_for_an_ill_database_once_and_not_for_each_write(
    sqlite_url: str, tmp_path: Path
) -> None:
    await (await open_store(sqlite_url)).close()
    store = Store(SqliteDatabase(parse_url(sqlite_url), durability="full", busy_timeout_s=1.0))
    other = sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.leave()

    begun = time.monotonic()
    refused = await asyncio.gather(*(store.write(append) for _ in range(20)), return_exceptions=True)

    assert [type(error) for error in refused] == [Unavailable] * 20
    assert time.monotonic() - begun < 10  # one wait of a second, not twenty
    other.close()
    await store.close()


async def test_a_process_that_ends_writes_all_it_has_where_the_database_is_well(store: Store) -> None:
    store.leave()

    await asyncio.gather(*(store.write(append) for _ in range(20)))

    assert await count(store) == 20


async def test_a_database_that_stays_locked_is_named_and_used_again_once_it_is_free(
    sqlite_url: str, tmp_path: Path
) -> None:
    await (await open_store(sqlite_url)).close()
    store = Store(SqliteDatabase(parse_url(sqlite_url), durability="full", busy_timeout_s=0.2))
    other = sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable) as refusal:
        await store.write(append)
    assert refusal.value.problem.code == "SRV-DB-DOWN"
    assert "another process holds a write lock" in refusal.value.problem.why
    assert await count(store) == 0

    other.execute("COMMIT")
    other.close()
    await store.write(append)
    assert await count(store) == 1
    await store.close()


async def test_a_read_only_database_is_named(store: Store) -> None:
    await store.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only=ON"))

    with pytest.raises(Unavailable) as refusal:
        await store.ping()

    assert refusal.value.problem.code == "SRV-DB-DOWN"
    assert refusal.value.problem.what == "the database cannot be used: it is read-only"


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This was never a database. " * 100)

    with pytest.raises(Unavailable) as refusal:
        await open_store(f"sqlite:///{tmp_path / 'text.db'}")
    assert "is not a SQLite database" in refusal.value.problem.why


async def test_a_folder_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable) as refusal:
        await open_store(f"sqlite:///{tmp_path / 'file' / 'holdfast.db'}")
    assert refusal.value.problem.code == "SRV-DB-DOWN"


async def test_postgresql_that_stops_is_named_and_used_again_once_it_runs(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    store = await open_store(postgres_url)
    await store.write(append)
    postgres_server.stop()
    try:
        for refused in await asyncio.gather(
            store.write(append), store.read(append), store.ping(), return_exceptions=True
        ):
            assert isinstance(refused, Unavailable)
            assert refused.problem.code == "SRV-DB-DOWN"
            assert refused.problem.retry_after_s == 2.0
    finally:
        postgres_server.start()

    await until_it_works(store)
    assert await count(store) == 1
    await store.write(append)
    assert await count(store) == 2
    await store.close()


async def test_a_connection_that_postgresql_cuts_is_replaced(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    store = await open_store(postgres_url)
    await store.write(append)
    postgres_server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast'"
    )

    await store.write(append)

    assert await count(store) == 2
    await store.close()


async def test_a_lock_that_another_session_holds_is_named(postgres_url: str) -> None:
    store = await open_store(postgres_url)
    other = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    async with other.transaction():
        await other.execute("LOCK TABLE signals")

        def impatient(connection: sa.Connection) -> None:
            connection.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
            append(connection)

        with pytest.raises(Unavailable) as refusal:
            await store.write(impatient)
    await other.close()

    assert "another session holds a lock" in refusal.value.problem.why
    await store.write(append)
    await store.close()


@pytest.mark.parametrize(
    ("sqlstate", "code", "said"),
    [
        ("53100", "SRV-DISK-FULL", "disk is full"),
        ("53300", "SRV-DB-DOWN", "too many clients"),
        ("25006", "SRV-DB-DOWN", "read-only"),
        ("28P01", "SRV-DB-DOWN", "refused our login"),
        ("57P03", "SRV-DB-DOWN", "stopping or starting"),
        ("57014", "SRV-DB-DOWN", "too long"),
    ],
)
async def test_postgresqls_errors_are_told_by_their_class(
    postgres_url: str, sqlstate: str, code: str, said: str
) -> None:
    store = await open_store(postgres_url)
    raising = sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = '{sqlstate}'; END $$")

    with pytest.raises(Unavailable) as refusal:
        await store.write(lambda connection: connection.execute(raising))

    assert refusal.value.problem.code == code
    assert said in refusal.value.problem.what
    await store.close()


async def test_a_deadlock_is_run_again(postgres_url: str) -> None:
    store, tries = await open_store(postgres_url), 0

    def lose_the_first_race(connection: sa.Connection) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            connection.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = '40P01'; END $$"))
        append(connection)

    await store.write(lose_the_first_race)

    assert tries == 2
    assert await count(store) == 1
    await store.close()


async def test_a_database_that_does_not_exist_is_named(postgres_url: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        await open_store(postgres_url.replace("/test_", "/missing_"))
    assert "does not exist" in refusal.value.problem.why


async def test_an_address_where_nothing_listens_is_named() -> None:
    with pytest.raises(Unavailable) as refusal:
        await open_store("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    assert refusal.value.problem.what == "the database cannot be used: it is not reachable"
