"""Opening a database, on both kinds."""

import asyncio
import itertools
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from holdfast.faults import Refused
from holdfast.model import Admission, Condition, Presence, derive_status
from holdfast.store import migrations as migrations_package
from holdfast.store import open_store
from holdfast.store.migrations import current_revision
from holdfast.store.tables import HEAD_REVISION, agents, audit, metadata

OPEN = "import asyncio, sys; from holdfast.store import open_store; asyncio.run(open_store(sys.argv[1]))"


async def test_a_new_database_opens_and_answers(database_url: str) -> None:
    store = await open_store(database_url)
    await store.ping()

    assert await store.read(current_revision) == HEAD_REVISION
    await store.close()


async def test_the_migrations_make_the_tables_that_the_code_knows(database_url: str) -> None:
    store = await open_store(database_url)

    def differences(connection: sa.Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await store.read(differences) == []
    await store.close()


def test_the_known_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(next(iter(migrations_package.__path__))))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_current_head() == HEAD_REVISION


def test_processes_that_start_together_on_a_new_database_all_open_it(database_url: str) -> None:
    started = [subprocess.Popen([sys.executable, "-c", OPEN, database_url]) for _ in range(4)]

    assert [process.wait(60) for process in started] == [0, 0, 0, 0]


async def test_what_is_written_is_there_when_the_database_is_opened_again(database_url: str) -> None:
    store = await open_store(database_url)
    await store.write(lambda connection: connection.execute(_agent("one")))
    await store.close()

    again = await open_store(database_url)
    found = await again.read(lambda connection: connection.execute(sa.select(agents.c.agent_uid)).scalars().all())
    await again.close()
    assert found == ["one"]


async def test_a_transaction_that_fails_leaves_nothing(database_url: str) -> None:
    store = await open_store(database_url)

    def half(connection: sa.Connection) -> None:
        connection.execute(_agent("one"))
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        await store.write(half)

    count = await store.read(lambda connection: connection.execute(sa.select(sa.func.count(agents.c.seq))).scalar_one())
    await store.close()
    assert count == 0


async def test_the_database_derives_the_same_status_as_the_model(database_url: str) -> None:
    store = await open_store(database_url)
    combinations = list(itertools.product(Admission, Presence, (None, *Condition)))

    def fill(connection: sa.Connection) -> dict[str, str]:
        for number, (admission, presence, condition) in enumerate(combinations):
            row = _agent(str(number)).values(admission=admission, presence=presence, condition=condition)
            connection.execute(row)
        return {row.agent_uid: row.status for row in connection.execute(sa.select(agents))}

    stored = await store.write(fill)
    await store.close()
    assert stored == {str(number): derive_status(*facts) for number, facts in enumerate(combinations)}


@pytest.mark.parametrize("change", [sa.update(audit).values(actor="nobody"), sa.delete(audit)])
async def test_the_database_itself_refuses_to_change_the_audit_log(
    database_url: str, change: sa.Update | sa.Delete
) -> None:
    store = await open_store(database_url)
    record = sa.insert(audit).values(at=1.0, actor="ops", action="agent.revoke", subject="agt_a")
    await store.write(lambda connection: connection.execute(record))

    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        await store.write(lambda connection: connection.execute(change))

    actors = await store.read(lambda connection: connection.execute(sa.select(audit.c.actor)).scalars().all())
    await store.close()
    assert actors == ["ops"]


@pytest.mark.parametrize("url", ["nonsense", "mysql://db/x", "sqlite://", "sqlite:///:memory:"])
async def test_a_url_that_cannot_be_used_is_refused_before_anything_is_opened(url: str) -> None:
    with pytest.raises(Refused) as refusal:
        await open_store(url)
    assert refusal.value.problem.fix.startswith("Use sqlite:///path/to/file.db or postgresql+asyncpg://")


async def test_a_long_read_does_not_keep_others_waiting(database_url: str) -> None:
    store = await open_store(database_url)
    slow = asyncio.gather(*(store.read(_count_for_ever) for _ in range(3)))

    answer = await asyncio.wait_for(store.reads.submit(_echo, "quick"), 5)

    assert answer == "quick"
    assert not slow.done()
    await slow
    await store.close()


def _echo(_connection: sa.Connection, items: object) -> list[str]:
    assert isinstance(items, list)
    return items


def _count_for_ever(connection: sa.Connection) -> None:
    """Keeps the database busy for about a second, whatever the machine."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_sleep(1.5)"))
        return
    connection.execute(
        sa.text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 6000000) SELECT count(*) FROM n")
    )


def _agent(uid: str) -> sa.Insert:
    return sa.insert(agents).values(
        agent_uid=uid,
        org_id="default-org",
        host_id=uid,
        public_key="",
        fingerprint="",
        admission="approved",
        admission_since=1.0,
        admission_why="",
        presence="offline",
        presence_since=1.0,
        presence_why="",
    )
