"""Lists of agents: any filter, any sort, a page at a time."""

from typing import Any, Final

import sqlalchemy as sa

from holdfast.model import AgentPage, AgentQuery
from holdfast.registry.cursors import Position, check_limit, read_cursor, write_cursor
from holdfast.registry.refusals import invalid
from holdfast.registry.rows import agent_columns, agent_of, storable
from holdfast.store.sets import AnyRow
from holdfast.store.tables import agent_labels, agents

EXACT_UP_TO: Final = 10_000

# Agents are numbered in the order of registration, so `seq` needs no second column to be a total order.
_SORTS: Final[dict[str, sa.Column[Any]]] = {
    "registered_at": agents.c.seq,
    "host_id": agents.c.host_id,
    "last_seen": agents.c.last_seen,
    "status": agents.c.status,
    "version": agents.c.agent_version,
}
_SEARCHED: Final = (
    agents.c.host_id,
    agents.c.agent_uid,
    agents.c.fingerprint,
    agents.c.remote_address,
    agents.c.agent_version,
    agents.c.note,
    agents.c.labels,
)


class Listing:
    """One checked query. What can be refused is refused when it is made, before the database is asked.

    Raises:
        InvalidQuery: the sort, limit or cursor means nothing.
    """

    def __init__(self, query: AgentQuery) -> None:
        self._descending = query.sort.startswith("-")
        name = query.sort.removeprefix("-")
        if name not in _SORTS:
            invalid("sort", f"agents cannot be sorted by {name[:40]!r}", f"Sort by one of: {', '.join(_SORTS)}")
        self._order = query.sort
        self._column = _SORTS[name]
        self._limit = check_limit(query.limit)
        self._after = read_cursor(query.cursor, order=query.sort)
        if self._after is not None and isinstance(self._after.value, str) != isinstance(self._column.type, sa.Text):
            invalid("cursor", "its value does not fit the sort", "Start again without a cursor")
        self.filters = tuple(_filters(query))

    def page(self, connection: sa.Connection) -> AgentPage:
        """Read the page. Its cost depends on the page's size alone where an index serves the filter and the sort."""
        rows = connection.execute(self.page_statement()).all()
        shown = rows[: self._limit]
        total = connection.execute(self._count_statement()).scalar_one()
        return AgentPage(
            agents=tuple(agent_of(row) for row in shown),
            total=total,
            total_is_exact=total <= EXACT_UP_TO,
            next_cursor=self._cursor(shown[-1]) if len(rows) > self._limit else None,
        )

    def page_statement(self) -> sa.Select[Any]:
        """One row more than the page holds tells whether another page follows."""
        column, seq = self._column, agents.c.seq
        key = (seq,) if column is seq else (column, seq)
        statement = sa.select(*agent_columns).where(*self.filters)
        if self._after is not None:
            at = (self._after.seq,) if column is seq else (self._after.value, self._after.seq)
            here, there = (key[0], at[0]) if len(key) == 1 else (sa.tuple_(*key), sa.tuple_(*at))
            statement = statement.where(here < there if self._descending else here > there)
        ordered = [part.desc() for part in key] if self._descending else list(key)
        return statement.order_by(*ordered).limit(self._limit + 1)

    def _count_statement(self) -> sa.Select[Any]:
        matching = sa.select(sa.literal(1)).select_from(agents).where(*self.filters).limit(EXACT_UP_TO + 1)
        return sa.select(sa.func.count()).select_from(matching.subquery())

    def count_all(self, connection: sa.Connection) -> int:
        """How many agents match, however many those are."""
        count: int = connection.execute(
            sa.select(sa.func.count()).select_from(agents).where(*self.filters)
        ).scalar_one()
        return count

    def _cursor(self, last: AnyRow) -> str:
        value = 0.0 if self._column is agents.c.seq else last._mapping[self._column]
        return write_cursor(Position(self._order, value, last.seq))


def _filters(query: AgentQuery) -> list[sa.ColumnElement[bool]]:
    filters: list[sa.ColumnElement[bool]] = []
    if len(query.status) == 1:
        filters.append(agents.c.status == query.status[0].value)
    elif query.status:
        filters.append(agents.c.status.in_([status.value for status in query.status]))
    exact = (
        (agents.c.org_id, query.org_id),
        (agents.c.host_id, query.host_id),
        (agents.c.agent_version, query.version),
        (agents.c.platform_name, None if query.platform is None else query.platform.lower()),
    )
    filters += [column == storable(wanted) for column, wanted in exact if wanted is not None]
    for key, value in query.labels.items():
        filters.append(_has_label(key, value))
    if query.q is not None and query.q.strip():
        needle = storable(query.q.strip())
        filters.append(sa.or_(*(column.icontains(needle, autoescape=True) for column in _SEARCHED)))
    return filters


def _has_label(key: str, value: str | None) -> sa.ColumnElement[bool]:
    own = sa.select(agent_labels.c.agent_seq).where(agent_labels.c.key == storable(key))
    if value is not None:
        own = own.where(agent_labels.c.value == storable(value))
    return agents.c.seq.in_(own)
