"""SQLite: one writer thread, a few reader threads, write-ahead log."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL

from holdfast.store.database import Durability, Work

T = TypeVar("T")
BUSY_TIMEOUT_S: Final = 5.0
READERS: Final = 3


class SqliteDatabase:
    """Every write goes through one thread and one connection, so that writers of a process never wait for a lock.

    Writers of other processes are waited for `busy_timeout_s`; `BEGIN IMMEDIATE` takes the lock before the first
    read, since a reader that turns into a writer is refused at once instead of waiting.
    """

    dialect = "sqlite"

    def __init__(self, url: URL, *, durability: Durability, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._write_engine = _engine(url, "BEGIN IMMEDIATE", durability, busy_timeout_s, connections=1)
        self._read_engine = _engine(url, "BEGIN", durability, busy_timeout_s, connections=READERS + 1)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="holdfast-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="holdfast-reader")
        self._looker_up = ThreadPoolExecutor(1, thread_name_prefix="holdfast-lookup")

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a reader's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, partial(_transact, self._read_engine, work))

    async def look_up(self, work: Work[T]) -> T:
        """Run `work` in a thread of its own, which no list or search of somebody's can keep busy."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._looker_up, partial(_transact, self._read_engine, work))

    async def write(self, work: Work[T]) -> T:
        """Run `work` in the writer's thread; it goes on when the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, partial(_transact, self._write_engine, work))

    async def close(self) -> None:
        """Wait for what runs, then close the file; the last connection folds the write-ahead log into it."""
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._readers.shutdown()
        self._looker_up.shutdown()
        self._read_engine.dispose()
        self._writer.shutdown()
        self._write_engine.dispose()


def _transact(engine: sa.Engine, work: Work[T]) -> T:
    with engine.begin() as connection:
        return work(connection)


def _engine(url: URL, begin: str, durability: Durability, busy_timeout_s: float, *, connections: int) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        poolclass=sa.QueuePool,
        connect_args={"check_same_thread": False, "timeout": busy_timeout_s, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL in WAL mode: one fsync per commit, nothing confirmed is lost even when the power fails.
        cursor.execute(f"PRAGMA synchronous={durability.upper()}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-16000")  # KiB
        cursor.close()

    # The driver would begin a transaction only before the first write, and never an IMMEDIATE one.
    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
