"""Bringing a database's tables up to date, with Alembic and without an ini file."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from holdfast.store.tables import HEAD_REVISION

_LOCK_KEY: Final = 0x686F6C64  # "hold": any number that no other program uses for its advisory locks


def migrate(connection: sa.Connection) -> None:
    """Run what is missing, within the caller's transaction, so that a database is never half migrated.

    Processes that start together take turns: SQLite's writer holds the file's write lock already, PostgreSQL is asked
    for an advisory lock that ends with the transaction.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))
    if current_revision(connection) == HEAD_REVISION:
        return
    # Imported late: it takes longer than all else at start-up and is rarely needed.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def current_revision(connection: sa.Connection) -> str | None:
    """The revision the database is at; None when it is new."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
