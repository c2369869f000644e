"""Each agent's latency and heartbeats over the last day: one row for up to an hour of one connection."""

import struct
from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa

from holdfast.model.samples import Measured, Samples
from holdfast.registry.aggregates import MINUTE_S
from holdfast.registry.rows import storable
from holdfast.store import Store
from holdfast.store.sets import ManyRows, upsert
from holdfast.store.tables import agent_minutes

MAX_SAMPLES: Final = 60
KEPT_S: Final = 26 * 3600  # the page shows a day, in whole hours
# A round trip as sixteen bits of tenths of a millisecond: longer than 6.5 s is as good as dead.
_PER_MS: Final = 10
_UNKNOWN: Final = 0xFFFF
_MOST: Final = _UNKNOWN - 1


class AgentMinutes:
    """Writes and reads samples."""

    def __init__(self, store: Store) -> None:
        self._store = store
        insert = upsert(store.dialect, agent_minutes)
        measured = {name: insert.excluded[name] for name in ("rtt", "heartbeats")}
        self._upsert = ManyRows(insert.on_conflict_do_update(index_elements=["agent_uid", "at", "node"], set_=measured))

    async def add(self, series: Sequence[Samples]) -> None:
        """Store each of `series`, in place of what was stored of its beginning.

        Raises:
            Unavailable: nothing was stored.
        """
        rows = [
            {
                "agent_uid": storable(one.agent_uid),
                "at": one.at,
                "node": one.node,
                "rtt": _packed(_UNKNOWN if ms is None else min(round(ms * _PER_MS), _MOST) for ms in one.rtt_ms),
                "heartbeats": _packed(min(count, _UNKNOWN) for count in one.heartbeats),
            }
            for one in series
        ]
        await self._store.write(lambda connection: self._upsert(connection, rows))

    async def prune(self, now: float) -> None:
        """Drop what is too old to be shown.

        Raises:
            Unavailable: nothing was dropped.
        """
        old = sa.delete(agent_minutes).where(agent_minutes.c.at < int(now) - KEPT_S)
        await self._store.write(lambda connection: connection.execute(old))

    async def between(self, agent_uid: str, since: int, until: int, step_s: int = MINUTE_S) -> list[Measured]:
        """One point for each `step_s` seconds in which the agent was measured, oldest first; all gateways together."""
        query = (
            sa.select(agent_minutes.c.at, agent_minutes.c.rtt, agent_minutes.c.heartbeats)
            .where(agent_minutes.c.agent_uid == storable(agent_uid))
            .where(agent_minutes.c.at > since - MAX_SAMPLES * MINUTE_S, agent_minutes.c.at < until)
            .order_by(agent_minutes.c.at, agent_minutes.c.node)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        points: dict[int, list[tuple[int, int]]] = {}
        for begun, rtt, heartbeats in rows:
            for number, sample in enumerate(zip(_unpacked(rtt), _unpacked(heartbeats), strict=True)):
                at = begun + number * MINUTE_S
                if since <= at < until:
                    points.setdefault(at - at % step_s, []).append(sample)
        return [_together(at, points[at]) for at in sorted(points)]


def _together(at: int, samples: Sequence[tuple[int, int]]) -> Measured:
    known = [rtt for rtt, _ in samples if rtt != _UNKNOWN]
    return Measured(
        at=at,
        span_s=len(samples) * MINUTE_S,
        rtt_ms=max(known) / _PER_MS if known else None,
        heartbeats=sum(count for _, count in samples),
    )


def _packed(values: Iterable[int]) -> bytes:
    listed = list(values)
    return struct.pack(f"<{len(listed)}H", *listed)


def _unpacked(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 2}H", data)
