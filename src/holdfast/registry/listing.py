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
Condition = sa.ColumnElement[bool]


class Listing:
    """One checked query. What can be refused is refused when it is made, before the database is asked.

    Raises:
        InvalidQuery: the sort, limit or cursor means nothing.
    """

    def __init__(self, query: AgentQuery) -> None:
        self._query = query
        self._descending = query.sort.startswith("-")
        name = query.sort.removeprefix("-")
        if name not in _SORTS:
            invalid("sort", f"agents cannot be sorted by {name[:40]!r}", f"Sort by one of: {', '.join(_SORTS)}")
        self._column = _SORTS[name]
        self._limit = check_limit(query.limit)
        self._after = read_cursor(query.cursor, order=query.sort)
        if self._after is not None and isinstance(self._after.value, str) != isinstance(self._column.type, sa.Text):
            invalid("cursor", "its value does not fit the sort", "Start again without a cursor")

    def page(self, connection: sa.Connection, known_total: int | None = None) -> AgentPage:
        """Read the page. Its cost depends on the page's size alone where an index serves the filter and the sort.

        `known_total` is a count that is fresh enough to be told instead of counting again.
        """
        conditions = _conditions(connection, self._query)
        rows = connection.execute(self.select(conditions)).all()
        shown, more = rows[: self._limit], len(rows) > self._limit
        if known_total is not None:
            total = known_total
        elif self._after is None and not more:
            total = len(shown)
        else:
            total = _count(connection, conditions, at_most=EXACT_UP_TO + 1)
        return AgentPage(
            agents=tuple(agent_of(row) for row in shown),
            total=total,
            total_is_exact=total <= EXACT_UP_TO,
            next_cursor=self._cursor(shown[-1]) if more else None,
        )

    def count_all(self, connection: sa.Connection) -> int:
        """How many agents match, however many those are."""
        return _count(connection, _conditions(connection, self._query), at_most=None)

    def select(self, conditions: list[Condition]) -> sa.Select[*tuple[Any, ...]]:
        """One row more than the page holds tells whether another page follows."""
        column, seq = self._column, agents.c.seq
        key = (seq,) if column is seq else (column, seq)
        statement = sa.select(*agent_columns).where(*conditions)
        if self._after is not None:
            at = (self._after.seq,) if column is seq else (self._after.value, self._after.seq)
            here, there = (key[0], at[0]) if len(key) == 1 else (sa.tuple_(*key), sa.tuple_(*at))
            statement = statement.where(here < there if self._descending else here > there)
        ordered = [part.desc() for part in key] if self._descending else list(key)
        return statement.order_by(*ordered).limit(self._limit + 1)

    def _cursor(self, last: AnyRow) -> str:
        value = 0.0 if self._column is agents.c.seq else last._mapping[self._column]
        return write_cursor(Position(self._query.sort, value, last.seq))


def _count(connection: sa.Connection, conditions: list[Condition], *, at_most: int | None) -> int:
    matching = sa.select(sa.literal(1)).select_from(agents).where(*conditions).limit(at_most)
    return connection.execute(sa.select(sa.func.count()).select_from(matching.subquery())).scalar_one()


def _conditions(connection: sa.Connection, query: AgentQuery) -> list[Condition]:
    conditions: list[Condition] = []
    if len(query.status) == 1:
        conditions.append(agents.c.status == query.status[0].value)
    elif query.status:
        conditions.append(agents.c.status.in_([status.value for status in query.status]))
    exact = (
        (agents.c.org_id, query.org_id),
        (agents.c.host_id, query.host_id),
        (agents.c.agent_version, query.version),
        (agents.c.platform_name, None if query.platform is None else query.platform.lower()),
    )
    conditions += [column == storable(wanted) for column, wanted in exact if wanted is not None]
    conditions += [_has_label(connection, key, value) for key, value in query.labels.items()]
    if query.q is not None and query.q.strip():
        conditions.append(_mentions(connection, storable(query.q.strip())))
    return conditions


def _mentions(connection: sa.Connection, text: str) -> Condition:
    """`text` stands anywhere in an agent's texts, in capitals or not.

    No index helps, so this reads every agent that the other filters leave: about a microsecond each. SQLite's LIKE
    takes no notice of (ASCII) case by itself, twice as fast as through lower().
    """
    escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
    pattern = f"%{escaped}%"
    if connection.dialect.name == "sqlite":
        return sa.or_(*(column.like(pattern, escape="/") for column in _SEARCHED))
    return sa.or_(*(column.ilike(pattern, escape="/") for column in _SEARCHED))


def _has_label(connection: sa.Connection, key: str, value: str | None) -> Condition:
    """A rare label is looked up, a common one is tested on the agents as they are passed.

    Neither database can tell the two apart by itself: looking up a label of half a million agents, or testing a
    million agents for a label that ten have, takes as long as the fleet is large.
    """
    wanted = agent_labels.c.key == storable(key)
    if value is not None:
        wanted &= agent_labels.c.value == storable(value)
    own = sa.select(agent_labels.c.agent_seq).where(wanted)
    few = own.limit(EXACT_UP_TO).subquery()
    if connection.execute(sa.select(sa.func.count()).select_from(few)).scalar_one() < EXACT_UP_TO:
        return agents.c.seq.in_(own)
    return own.where(agent_labels.c.agent_seq == agents.c.seq).correlate(agents).exists()
