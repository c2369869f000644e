"""The fleet's numbers over time: one row a minute and gateway, read in as few points as a chart shows."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from holdfast.model.aggregates import Minute
from holdfast.store import Store
from holdfast.store.sets import AnyRow, upsert
from holdfast.store.tables import agents, aggregates

KEPT_S: Final = 32 * 86_400
MINUTE_S: Final = 60
_SUMMED: Final = ("opened", "ended", "registered", "resumed", "faults", "messages")

_decode_statuses: Final = msgspec.json.Decoder(dict[str, int]).decode


class Aggregates:
    """Writes and reads minutes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def statuses(self) -> dict[str, int]:
        """How many agents there are of each status now. Served by an index: its cost grows with the fleet, slowly."""
        query = sa.select(agents.c.status, sa.func.count()).group_by(agents.c.status)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {str(status): int(count) for status, count in rows}

    async def versions(self, limit: int = 50) -> list[tuple[str, int]]:
        """The agents' versions with how many agents run each, the most frequent first."""
        count = sa.func.count()
        query = (
            sa.select(agents.c.agent_version, count)
            .group_by(agents.c.agent_version)
            .order_by(count.desc(), agents.c.agent_version)
            .limit(limit)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [(str(version), int(count)) for version, count in rows]

    async def add(self, minute: Minute) -> None:
        """Store a minute, in place of one that this gateway stored for the same time, and drop what is too old.

        Raises:
            Unavailable: nothing was stored.
        """
        row = {name: getattr(minute, name) for name in _COLUMNS} | {
            "statuses": msgspec.json.encode(minute.statuses).decode()
        }
        insert = upsert(self._store.dialect, aggregates)
        statement = insert.on_conflict_do_update(
            index_elements=["at", "node"], set_={name: insert.excluded[name] for name in _COLUMNS[2:]}
        )
        old = sa.delete(aggregates).where(aggregates.c.at < minute.at - KEPT_S)

        def write(connection: sa.Connection) -> None:
            connection.execute(old)
            connection.execute(statement, row)

        await self._store.write(write)

    async def between(self, since: int, until: int, step_s: int = MINUTE_S) -> list[Minute]:
        """One point for each `step_s` seconds in which anything was counted, all gateways together, oldest first."""
        query = (
            sa.select(aggregates)
            .where(aggregates.c.at >= since, aggregates.c.at < until)
            .order_by(aggregates.c.at, aggregates.c.node)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        points: dict[int, list[AnyRow]] = {}
        for row in rows:
            points.setdefault(row.at - row.at % step_s, []).append(row)
        return [_together(at, step_s, together) for at, together in points.items()]


_COLUMNS: Final = tuple(column.name for column in aggregates.columns)


def _together(at: int, step_s: int, rows: Sequence[AnyRow]) -> Minute:
    """Counts are added up; what is as at the end is taken from each gateway's last minute, latency from the worst."""
    last: dict[str, AnyRow] = {row.node: row for row in rows}
    summed: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in _SUMMED}
    return Minute(
        at=at,
        node="",
        span_s=step_s,
        online=sum(row.online for row in last.values()),
        rtt_p50_ms=_worst([row.rtt_p50_ms for row in rows]),
        rtt_p95_ms=_worst([row.rtt_p95_ms for row in rows]),
        lag_ms=max(row.lag_ms for row in rows),
        statuses=_decode_statuses(rows[-1].statuses),
        **summed,
    )


def _worst(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None
