"""Presence as statements: many agents in one transaction."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from holdfast.model import Presence
from holdfast.registry.rows import storable, storable_or_none
from holdfast.store.sets import ManyRows
from holdfast.store.tables import agents

CRASHED: Final = "gateway stopped without saying so"


class PresenceRow(NamedTuple):
    """An agent's newest connection, as it stands."""

    agent_uid: str
    online: bool
    since: float
    why: str
    last_seen: float
    connected_since: float
    remote_address: str | None
    instance: str | None
    boot_id: str | None
    agent_version: str | None
    clock_offset_s: float | None
    attempt: str


class SeenRow(NamedTuple):
    """A sign of life."""

    agent_uid: str
    last_seen: float
    clock_offset_s: float | None


class ConditionRow(NamedTuple):
    """What diagnosis thinks of an agent; None for nothing."""

    agent_uid: str
    condition: str | None
    since: float
    why: str


def _later(column: sa.Column[float], name: str) -> sa.ColumnElement[float]:
    new = sa.bindparam(name, type_=sa.Double)
    return sa.case((column < new, new), else_=column)


def _or_kept(column: sa.Column[str], name: str) -> sa.ColumnElement[str]:
    return sa.func.coalesce(sa.bindparam(name, type_=column.type), column)


_ATTEMPT: Final = sa.bindparam("b_attempt", type_=sa.Text)
_PRESENCE: Final = sa.bindparam("b_presence", type_=sa.Text)
_CONNECTED_SINCE: Final = sa.bindparam("b_connected_since", type_=sa.Double)

_WRITE_PRESENCE: Final = ManyRows(
    sa.update(agents)
    .where(
        agents.c.agent_uid == sa.bindparam("uid"),
        # Never over a newer connection, which another gateway may hold by now, and never twice.
        sa.or_(
            sa.and_(agents.c.attempt == _ATTEMPT, agents.c.presence == Presence.ONLINE.value),
            sa.and_(
                agents.c.attempt.is_distinct_from(_ATTEMPT),
                sa.func.coalesce(agents.c.connected_since, 0.0) <= _CONNECTED_SINCE,
            ),
            sa.and_(sa.literal(Presence.ONLINE.value) == _PRESENCE, agents.c.presence != Presence.ONLINE.value),
        ),
    )
    .values(
        presence=_PRESENCE,
        presence_since=sa.bindparam("b_since"),
        presence_why=sa.bindparam("b_why"),
        last_seen=_later(agents.c.last_seen, "b_last_seen"),
        connected_since=_CONNECTED_SINCE,
        remote_address=_or_kept(agents.c.remote_address, "b_remote_address"),
        instance=_or_kept(agents.c.instance, "b_instance"),
        boot_id=_or_kept(agents.c.boot_id, "b_boot_id"),
        agent_version=_or_kept(agents.c.agent_version, "b_agent_version"),
        clock_offset_s=sa.func.coalesce(sa.bindparam("b_clock_offset_s", type_=sa.Double), agents.c.clock_offset_s),
        node=sa.bindparam("b_node"),
        attempt=_ATTEMPT,
    )
)
_WRITE_SEEN: Final = ManyRows(
    sa.update(agents)
    .where(agents.c.agent_uid == sa.bindparam("uid"), agents.c.last_seen < sa.bindparam("b_last_seen", type_=sa.Double))
    .values(
        last_seen=sa.bindparam("b_last_seen", type_=sa.Double),
        clock_offset_s=sa.func.coalesce(sa.bindparam("b_clock_offset_s", type_=sa.Double), agents.c.clock_offset_s),
    )
)
_WRITE_CONDITION: Final = (
    sa.update(agents)
    .where(agents.c.agent_uid == sa.bindparam("uid"))
    .values(
        condition=sa.bindparam("b_condition"),
        condition_since=sa.bindparam("b_since"),
        condition_why=sa.bindparam("b_why"),
    )
)


class PresenceStatements:
    """The set statements of one node; an item is a slice of rows. Slices keep a storm from filling one transaction."""

    def __init__(self, node: str) -> None:
        self._node = node

    def write_presence(self, connection: sa.Connection, slices: Sequence[list[PresenceRow]]) -> list[None]:
        """Store who came and who went."""
        _WRITE_PRESENCE(connection, [self._presence(row) for rows in slices for row in sorted(rows)])
        return [None] * len(slices)

    def write_seen(self, connection: sa.Connection, slices: Sequence[list[SeenRow]]) -> list[None]:
        """Store signs of life."""
        parameters = [
            {"uid": row.agent_uid, "b_last_seen": row.last_seen, "b_clock_offset_s": row.clock_offset_s}
            for rows in slices
            for row in sorted(rows)
        ]
        _WRITE_SEEN(connection, parameters)
        return [None] * len(slices)

    def write_conditions(self, connection: sa.Connection, slices: Sequence[list[ConditionRow]]) -> list[None]:
        """Store what diagnosis thinks."""
        parameters = [
            {"uid": row.agent_uid, "b_condition": row.condition, "b_since": row.since, "b_why": storable(row.why)}
            for rows in slices
            for row in rows
        ]
        connection.execute(_WRITE_CONDITION, parameters)
        return [None] * len(slices)

    def end_what_a_crash_left(self, connection: sa.Connection, now: float) -> int:
        """Mark those offline whom this node's last life left online; since when, nobody knows better than last_seen."""
        last_known = sa.case((agents.c.last_seen > 0, agents.c.last_seen), else_=now)
        ended = connection.execute(
            sa.update(agents)
            .where(agents.c.presence == Presence.ONLINE.value, agents.c.node == self._node)
            .values(presence=Presence.OFFLINE.value, presence_since=last_known, presence_why=CRASHED)
        )
        return ended.rowcount

    def _presence(self, row: PresenceRow) -> dict[str, str | float | None]:
        return {
            "uid": row.agent_uid,
            "b_presence": Presence.ONLINE.value if row.online else Presence.OFFLINE.value,
            "b_since": row.since,
            "b_why": storable(row.why),
            "b_last_seen": row.last_seen,
            "b_connected_since": row.connected_since,
            "b_remote_address": storable_or_none(row.remote_address),
            "b_instance": storable_or_none(row.instance),
            "b_boot_id": storable_or_none(row.boot_id),
            "b_agent_version": storable_or_none(row.agent_version),
            "b_clock_offset_s": row.clock_offset_s,
            "b_node": self._node,
            "b_attempt": row.attempt,
        }
