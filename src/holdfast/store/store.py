"""The store: durable state of the control plane, on SQLite or PostgreSQL."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa
import sqlalchemy.exc

from holdfast.faults import Unavailable, problem
from holdfast.store.commits import Group
from holdfast.store.database import Database, Durability, Work, file_of, parse_url
from holdfast.store.failures import is_retryable, translate
from holdfast.store.migrations import migrate

T = TypeVar("T")
MAX_TRIES: Final = 4


class Store:
    """Runs units of work, each in a transaction of its own or grouped with others.

    `commits` groups writes and `reads` groups reads: see `Group`. Every failure of the database comes out as
    `Unavailable` (SRV-DB-DOWN, SRV-DISK-FULL); when the database is well again, so is the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self._is_leaving = False
        self._turn = asyncio.Lock()
        self._given_up: Unavailable | None = None
        self.commits = Group(self.write)
        self.reads = Group(self._look_up)

    async def read(self, work: Work[T], /) -> T:
        """Run `work` on a consistent snapshot."""
        with _translated():
            return await self._database.read(work)

    async def _look_up(self, work: Work[T], /) -> T:
        with _translated():
            return await self._database.look_up(work)

    async def write(self, work: Work[T], /) -> T:
        """Run `work` in a transaction; when this returns, it is durable. `work` may run several times."""
        if not self._is_leaving:
            return await self._write(work)
        async with self._turn:
            if self._given_up is not None:
                raise self._given_up
            try:
                return await self._write(work)
            except Unavailable as error:
                self._given_up = error
                raise

    async def _write(self, work: Work[T]) -> T:
        for remaining in reversed(range(MAX_TRIES)):
            with _translated():
                try:
                    return await self._database.write(work)
                except sqlalchemy.exc.DBAPIError as error:
                    if not (remaining and is_retryable(error)):
                        raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def ping(self) -> None:
        """Check that the database reads and takes writes.

        Raises:
            Unavailable: SRV-DB-DOWN or SRV-DISK-FULL.
        """
        await self.write(_touch)

    def leave(self) -> None:
        """The process is about to end: if the database is ill, one write waits for it, and not one after the other."""
        self._is_leaving = True

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""
        await self.commits.close()
        await self.reads.close()
        await self._database.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Driver errors become `Unavailable` here and nowhere else; bugs stay what they are."""
    try:
        yield
    except Exception as error:
        unavailable = translate(error)
        if unavailable is None:
            raise
        raise unavailable from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            problem(
                "SRV-DB-DOWN",
                what="the database cannot be used: its folder cannot be made",
                why=f"{folder}: {error.strerror}",
                fix="Name another folder, or make this one and let Holdfast write to it",
            )
        ) from error


def _touch(connection: sa.Connection) -> None:
    # A write that changes nothing: it takes the write lock, so a read-only or locked database shows.
    connection.execute(sa.text("UPDATE alembic_version SET version_num = version_num"))


async def open_store(url: str, *, durability: Durability = "full") -> Store:
    """Open the database of `url`, bring its tables up to date and return the store.

    `sqlite:///file.db` (its folder is made) or `postgresql+asyncpg://…`. `durability="normal"` may lose the last
    moments when the machine (not the process) dies. Two processes may open the same new database at once.

    Raises:
        Refused: the URL cannot be used.
        Unavailable: the database cannot be reached or changed at the moment.
    """
    parsed = parse_url(url)
    database: Database
    if parsed.drivername.startswith("sqlite"):
        from holdfast.store.sqlite import SqliteDatabase

        _make_folder(file_of(parsed).parent)
        database = SqliteDatabase(parsed, durability=durability)
    else:
        from holdfast.store.postgres import PostgresDatabase

        database = PostgresDatabase(parsed, durability=durability)
    store = Store(database)
    try:
        await store.write(migrate)
    except BaseException:
        await database.close()
        raise
    return store
