"""Findings as rows: written by diagnosis, marked by operators, found by code, severity, agent or host."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from holdfast.model.findings import Finding, FindingPage, FindingQuery, KeptFinding, Mark
from holdfast.registry import audit
from holdfast.registry.attempts import CRASHED
from holdfast.registry.clock import Clock
from holdfast.registry.cursors import Position, check_limit, read_cursor, write_cursor
from holdfast.registry.finding_rows import find_row, finding_of, kept_of, names_of, row_values, upsert_findings
from holdfast.registry.refusals import invalid
from holdfast.registry.rows import storable
from holdfast.store import Store
from holdfast.store.findings_table import finding_names, findings
from holdfast.store.sets import padded, upsert
from holdfast.store.tables import agents, attempts

KEPT_IN_ALL: Final = 20_000
PRUNE_EVERY: Final = 500
FOLLOWED: Final = 500
STARTING_S: Final = 30.0
MAX_REASON_CHARS: Final = 1000
_ORDER: Final = "findings"
Row = dict[str, Any]


class Findings:
    """Saves, lists and marks findings. Saving is an upsert, and never touches what operators did."""

    def __init__(self, store: Store, clock: Clock, *, node: str, kept_in_all: int = KEPT_IN_ALL) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._kept_in_all = kept_in_all
        self._upsert = upsert_findings(store.dialect)
        self._add_names = upsert(store.dialect, finding_names).on_conflict_do_nothing()
        self._since_pruned = 0

    async def save(self, saved: Sequence[KeptFinding]) -> None:
        """Store these findings, new or changed; the last of each id counts.

        Raises:
            Unavailable: nothing was stored.
        """
        if not saved:
            return
        newest = list({kept.finding.id: kept for kept in saved}.values())
        self._since_pruned += len(newest)
        prune = self._since_pruned >= min(PRUNE_EVERY, self._kept_in_all)
        await self._store.write(lambda connection: self._write(connection, newest, prune=prune))
        if prune:
            self._since_pruned = 0

    async def get(self, finding_id: str) -> Finding:
        """The finding of this id.

        Raises:
            NotFound: there is none, or it was removed to keep their number bounded.
        """
        return await self._store.read(lambda connection: finding_of(find_row(connection, finding_id)))

    async def list(self, query: FindingQuery | None = None) -> FindingPage:
        """One page, the newest first, without those that a shared finding took up.

        Raises:
            InvalidQuery: the limit or cursor means nothing.
        """
        query = query or FindingQuery()
        limit = check_limit(query.limit)
        statement = sa.select(findings).where(*_filters(query))
        after = read_cursor(query.cursor, order=_ORDER)
        key = sa.tuple_(findings.c.first_seen, findings.c.seq)
        if after is not None:
            statement = statement.where(key < sa.tuple_(after.value, after.seq))
        statement = statement.order_by(findings.c.first_seen.desc(), findings.c.seq.desc()).limit(limit + 1)
        rows = await self._store.read(lambda connection: connection.execute(statement).all())
        last = rows[limit - 1] if len(rows) > limit else None
        return FindingPage(
            findings=tuple(finding_of(row) for row in rows[:limit]),
            next_cursor=write_cursor(Position(_ORDER, last.first_seen, last.seq)) if last is not None else None,
        )

    async def of_agent(
        self, agent_uid: str, host_id: str, *, is_open: bool | None = None, limit: int = 50
    ) -> Sequence[Finding]:
        """Findings about this agent, and those about whoever claims its host_id without proof, the newest first."""
        about = sa.select(finding_names.c.finding_id)
        mine = findings.c.id.in_(about.where(finding_names.c.name == storable(agent_uid)))
        claimed = findings.c.id.in_(about.where(finding_names.c.name == storable(host_id)))
        filters = [sa.or_(mine, sa.and_(claimed, findings.c.agent_uid.is_(None))), findings.c.merged_into.is_(None)]
        if is_open is not None:
            filters.append(findings.c.resolved_at.is_(None) if is_open else findings.c.resolved_at.is_not(None))
        statement = (
            sa.select(findings)
            .where(*filters)
            .order_by(findings.c.first_seen.desc(), findings.c.seq.desc())
            .limit(check_limit(limit))
        )
        rows = await self._store.read(lambda connection: connection.execute(statement).all())
        return [finding_of(row) for row in rows]

    async def changed_since(self, at: float, *, limit: int = FOLLOWED) -> Sequence[tuple[float, Finding]]:
        """What was written at `at` (Unix seconds) or later, with the time of each, the oldest first.

        Clocks of several nodes differ: ask with some seconds of overlap.
        """
        statement = (
            sa.select(findings)
            .where(findings.c.changed_at >= at)
            .order_by(findings.c.changed_at, findings.c.seq)
            .limit(limit)
        )
        rows = await self._store.read(lambda connection: connection.execute(statement).all())
        return [(row.changed_at, finding_of(row)) for row in rows]

    async def open_of_this_node(self) -> Sequence[KeptFinding]:
        """What this node's last life left open."""
        statement = sa.select(findings).where(findings.c.resolved_at.is_(None), findings.c.node == self._node)
        rows = await self._store.read(lambda connection: connection.execute(statement).all())
        return [kept_of(row) for row in rows]

    async def cut_off_at_start(self) -> int:
        """How many connections this node's last life left open, as its start a moment ago put right.

        Counted by attempts and by agents, whichever knows of more: what happened just before a crash is stored in part.
        """
        since = self._clock() - STARTING_S
        ended = sa.select(sa.func.count()).where(
            attempts.c.node == self._node, attempts.c.ended_how == CRASHED, attempts.c.ended_at >= since
        )
        offline = sa.select(sa.func.count()).where(
            agents.c.node == self._node, agents.c.presence_why == CRASHED, agents.c.presence_since >= since
        )
        return await self._store.read(
            lambda connection: max(connection.execute(ended).scalar_one(), connection.execute(offline).scalar_one())
        )

    async def acknowledge(self, finding_id: str, *, actor: str, reason: str = "") -> Finding:
        """Note that somebody has seen it.

        Raises:
            NotFound: there is no such finding.
        """
        mark = Mark(at=self._clock(), by=actor, reason=_reason(reason))
        return await self._mark(finding_id, "acknowledged", mark, action="finding.acknowledge")

    async def mute(self, finding_id: str, *, actor: str, reason: str, until: float | None = None) -> Finding:
        """Send nobody word of it, nor of its return, until `until` (Unix seconds) or for good.

        Raises:
            NotFound: there is no such finding.
            InvalidQuery: no reason is given.
        """
        if not reason.strip():
            invalid("reason", "it is empty", "Say why this finding is muted")
        mark = Mark(at=self._clock(), by=actor, reason=_reason(reason), until=until)
        return await self._mark(finding_id, "muted", mark, action="finding.mute")

    async def unmute(self, finding_id: str, *, actor: str) -> Finding:
        """Send word of it again.

        Raises:
            NotFound: there is no such finding.
        """
        return await self._mark(finding_id, "muted", None, action="finding.unmute", actor=actor)

    async def lower_heartbeat(self, agent_uid: str, interval_s: float) -> None:
        """Ask this agent for a heartbeat at least every `interval_s` seconds, from its next connection on."""
        statement = (
            sa.update(agents)
            .where(agents.c.agent_uid == storable(agent_uid))
            .where(sa.func.coalesce(agents.c.heartbeat_ceiling_s, interval_s) >= interval_s)
            .values(heartbeat_ceiling_s=interval_s, heartbeat_interval_s=interval_s)
        )
        await self._store.write(lambda connection: connection.execute(statement))

    # ---- within

    def _write(self, connection: sa.Connection, saved: Sequence[KeptFinding], *, prune: bool) -> None:
        at = self._clock()
        rows = [row_values(kept, self._node, at) for kept in saved]
        self._inherit_mutes(connection, rows)
        connection.execute(self._upsert, rows)
        names = [{"name": name, "finding_id": kept.finding.id} for kept in saved for name in names_of(kept.finding)]
        if names:
            connection.execute(self._add_names, names)
        if prune:
            self._prune(connection)

    def _inherit_mutes(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """A finding that comes back later is a new one; what the last one was muted for holds."""
        counted = padded(row["counted_by"] for row in rows)
        before = sa.select(findings.c.counted_by, findings.c.muted).where(findings.c.counted_by.in_(counted))
        mutes = {row.counted_by: row.muted for row in connection.execute(before.order_by(findings.c.seq))}
        for row in rows:
            row["muted"] = mutes.get(row["counted_by"])

    async def _mark(
        self, finding_id: str, column: str, mark: Mark | None, *, action: str, actor: str | None = None
    ) -> Finding:
        text = None if mark is None else msgspec.json.encode(mark).decode()
        by = actor or (mark.by if mark is not None else audit.SYSTEM)
        at = self._clock()

        def write(connection: sa.Connection) -> Finding:
            row = find_row(connection, finding_id)
            connection.execute(
                sa.update(findings).where(findings.c.seq == row.seq).values({column: text, "changed_at": at})
            )
            audit.record(
                connection, at=at, actor=by, action=action, subject=finding_id,
                detail={"code": row.code, "reason": mark.reason if mark is not None else ""},
            )  # fmt: skip
            return finding_of(find_row(connection, finding_id))

        return await self._store.write(write)

    def _prune(self, connection: sa.Connection) -> None:
        surplus = (
            sa.select(findings.c.id, findings.c.resolved_at)
            .order_by(findings.c.first_seen.desc(), findings.c.seq.desc())
            .limit(1_000_000)
            .offset(self._kept_in_all)
            .subquery()
        )
        old = connection.execute(sa.select(surplus.c.id).where(surplus.c.resolved_at.is_not(None))).scalars().all()
        for start in range(0, len(old), PRUNE_EVERY):
            part = padded(old[start : start + PRUNE_EVERY])
            connection.execute(sa.delete(finding_names).where(finding_names.c.finding_id.in_(part)))
            connection.execute(sa.delete(findings).where(findings.c.id.in_(part)))


def _filters(query: FindingQuery) -> list[sa.ColumnElement[bool]]:
    filters: list[sa.ColumnElement[bool]] = [findings.c.merged_into.is_(None)]
    if query.open is not None:
        filters.append(findings.c.resolved_at.is_(None) if query.open else findings.c.resolved_at.is_not(None))
    if query.code is not None:
        filters.append(findings.c.code == storable(query.code))
    if query.severity is not None:
        filters.append(findings.c.severity == query.severity.value)
    if query.agent is not None:
        named = sa.select(finding_names.c.finding_id).where(finding_names.c.name == storable(query.agent))
        filters.append(findings.c.id.in_(named))
    return filters


def _reason(reason: str) -> str:
    if len(reason) > MAX_REASON_CHARS:
        invalid("reason", f"it has {len(reason)} characters", f"Use at most {MAX_REASON_CHARS}")
    return reason
