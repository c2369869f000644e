"""The audit log: written with each change, in its transaction, and only ever read afterwards."""

from collections.abc import Mapping
from typing import Final

import msgspec
import sqlalchemy as sa

from holdfast.model import AuditPage, AuditQuery, AuditRecord, JsonValue
from holdfast.registry.cursors import Position, check_limit, read_cursor, write_cursor
from holdfast.registry.rows import storable
from holdfast.store import Store
from holdfast.store.sets import AnyRow
from holdfast.store.tables import audit

_ORDER: Final = "audit"
SYSTEM: Final = "system"
"""The actor where nobody asked: a part of Holdfast, or somebody at its own machine."""


def record(
    connection: sa.Connection,
    *,
    at: float,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, JsonValue] | None = None,
) -> None:
    """Append one record. `actor` has done `action` to `subject`."""
    values = {
        "at": at,
        "actor": storable(actor),
        "action": action,
        "subject": storable(subject),
        "detail": msgspec.json.encode(detail or {}).decode(),
    }
    connection.execute(sa.insert(audit), values)


class AuditLog:
    """Reads the audit log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, query: AuditQuery | None = None) -> AuditPage:
        """One page, the newest first.

        Raises:
            InvalidQuery: the limit or cursor means nothing.
        """
        query = query or AuditQuery()
        limit = check_limit(query.limit)
        statement = sa.select(audit).where(*_conditions(query)).order_by(audit.c.seq.desc()).limit(limit + 1)
        rows = await self._store.read(lambda connection: connection.execute(statement).all())
        records = tuple(_record_of(row) for row in rows[:limit])
        more = len(rows) > limit
        return AuditPage(
            records=records, next_cursor=write_cursor(Position(_ORDER, 0.0, records[-1].seq)) if more else None
        )


def _conditions(query: AuditQuery) -> list[sa.ColumnElement[bool]]:
    conditions = []
    after = read_cursor(query.cursor, order=_ORDER)
    if after is not None:
        conditions.append(audit.c.seq < after.seq)
    exact = ((audit.c.actor, query.actor), (audit.c.action, query.action), (audit.c.subject, query.subject))
    conditions += [column == storable(wanted) for column, wanted in exact if wanted is not None]
    if query.since is not None:
        conditions.append(audit.c.at >= query.since)
    if query.until is not None:
        conditions.append(audit.c.at <= query.until)
    return conditions


def _record_of(row: AnyRow) -> AuditRecord:
    return AuditRecord(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=msgspec.json.decode(row.detail),
    )
