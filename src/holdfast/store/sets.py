"""Statements over many keys at once."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

AnyRow = sa.Row[*tuple[Any, ...]]
"""A row of any query; its columns are read by name."""


def padded(keys: Iterable[str]) -> list[str]:
    """The distinct `keys`, the last one repeated up to a power of two, for `column.in_(...)`.

    An IN list is part of a statement's text. With at most ten different lengths, both drivers keep the prepared
    statements instead of preparing one for every batch.
    """
    distinct = list(dict.fromkeys(keys))
    if not distinct:
        return distinct
    size = 1 << (len(distinct) - 1).bit_length()
    return distinct + [distinct[-1]] * (size - len(distinct))


def upsert(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say ON CONFLICT: the same clause on both databases, from two modules of SQLAlchemy."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
