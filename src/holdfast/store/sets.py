"""Statements over many keys at once."""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

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


class ManyRows:
    """A statement for many rows at a time. Its text is made once for each database, and rows go to the driver as told.

    SQLAlchemy's own way converts every row by the types of its columns, which takes as long as the database takes to
    store it. So: texts, numbers, truth values and bytes only, and all rows of a call with the same keys.
    """

    def __init__(self, statement: sa.Insert | sa.Update) -> None:
        self._statement = statement
        self._prepared: dict[str, _Prepared] = {}

    def __call__(self, connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Run it for each of `rows`: parameters by name, as `Connection.execute` takes them."""
        if not rows:
            return
        dialect = connection.dialect.name
        text, constants, ordered = self._prepared.get(dialect) or self._prepare(connection, list(rows[0]))
        connection.exec_driver_sql(text, [ordered(constants | row if constants else row) for row in rows])

    def _prepare(self, connection: sa.Connection, names: list[str]) -> "_Prepared":
        compiled = self._statement.compile(dialect=connection.dialect, column_keys=names)
        assert isinstance(compiled, SQLCompiler)
        order = compiled.positiontup
        assert order is not None, "both drivers number their parameters"
        constants = {name: compiled.binds[name].effective_value for name in order if name not in names}
        prepared = self._prepared[connection.dialect.name] = _Prepared(str(compiled), constants, itemgetter(*order))
        return prepared


class _Prepared(NamedTuple):
    """A statement's text for one database, what in it is no parameter of a row, and how a row is put in order."""

    text: str
    constants: dict[str, Any]
    ordered: Callable[[dict[str, Any]], tuple[Any, ...]]
