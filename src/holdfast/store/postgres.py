"""PostgreSQL through asyncpg."""

from typing import Final, TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

from holdfast.store.database import Durability, Work

T = TypeVar("T")
CONNECT_TIMEOUT_S: Final = 5.0
STATEMENT_TIMEOUT_S: Final = 30.0
LOCK_TIMEOUT_S: Final = 5.0
POOL_TIMEOUT_S: Final = 10.0
POOL_SIZE: Final = 5


class PostgresDatabase:
    """A small pool of connections, each tested before use, so that a restarted server is noticed by nobody."""

    dialect = "postgresql"

    def __init__(self, url: URL, *, durability: Durability) -> None:
        self._engine = create_async_engine(
            url,
            pool_pre_ping=True,
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            pool_timeout=POOL_TIMEOUT_S,
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "command_timeout": STATEMENT_TIMEOUT_S + CONNECT_TIMEOUT_S,
                "server_settings": {
                    "application_name": "holdfast",
                    "lock_timeout": f"{LOCK_TIMEOUT_S:.0f}s",
                    "statement_timeout": f"{STATEMENT_TIMEOUT_S:.0f}s",
                    "synchronous_commit": "on" if durability == "full" else "off",
                },
            },
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that ends without a commit."""
        async with self._snapshots.connect() as connection:
            return await connection.run_sync(work)

    async def look_up(self, work: Work[T]) -> T:
        """As `read`: the pool has connections enough."""
        return await self.read(work)

    async def write(self, work: Work[T]) -> T:
        """Run `work` and commit."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self._engine.dispose()
