"""How a unit of work reaches a database: the one thing that SQLite and PostgreSQL do differently here.

A unit of work is a plain function of a SQLAlchemy Core `Connection`, so that the same statements run on both. On
SQLite it runs in a thread (one hop per transaction, not one per statement); on PostgreSQL in the event loop, where
SQLAlchemy carries each call to asyncpg. The reasons: docs/adr/0004-units-of-work-and-group-commit.md.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from holdfast.faults import Refused, printable, problem

T = TypeVar("T")
Work = Callable[[sa.Connection], T]
Durability = Literal["full", "normal"]

_SQLITE_DRIVERS: Final = frozenset({"sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"})
_POSTGRES_DRIVERS: Final = frozenset({"postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"})


class Database(Protocol):
    """A place where transactions run. Errors come out as the driver raised them."""

    dialect: str

    async def read(self, work: Work[T]) -> T:
        """Run `work` on one consistent snapshot; what it writes is refused or lost."""
        ...

    async def look_up(self, work: Work[T]) -> T:
        """As `read`, for short questions on which a connection waits: they never queue behind a long read."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction and return after its commit; an exception rolls it back."""
        ...

    async def close(self) -> None:
        """Let running work end, then close every connection."""
        ...


def parse_url(text: str) -> URL:
    """The database URL, checked before anything is opened.

    Raises:
        Refused: SRV-DB-DOWN; it is no URL, or names a database that Holdfast does not know, or one kept in memory only.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise _bad_url("it is not a URL") from None
    if url.drivername in _SQLITE_DRIVERS:
        if not url.database or url.database == ":memory:":
            raise _bad_url("it names no file, and what is kept in memory cannot be durable")
        return url.set(drivername="sqlite+pysqlite")
    if url.drivername in _POSTGRES_DRIVERS:
        return url.set(drivername="postgresql+asyncpg")
    raise _bad_url(f"{printable(url.drivername)} is neither sqlite nor postgresql")


def file_of(url: URL) -> Path:
    """The file of a SQLite URL."""
    return Path(url.database or "")


def _bad_url(why: str) -> Refused:
    return Refused(
        problem(
            "SRV-DB-DOWN",
            what="the database URL cannot be used",
            why=why,
            fix="Use sqlite:///path/to/file.db or postgresql+asyncpg://user:password@host/database",
        )
    )
