"""Connection attempts as rows: the newest are kept, for each claimed identity and in all."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from holdfast.faults import Severity
from holdfast.faults.catalogue import CATALOGUE
from holdfast.model import Attempt, AttemptPage, AttemptQuery, Step, TimelineEntry
from holdfast.registry.clock import Clock
from holdfast.registry.cursors import Position, check_limit, read_cursor, write_cursor
from holdfast.registry.rows import storable, storable_or_none
from holdfast.store import Store
from holdfast.store.sets import AnyRow, ManyRows, padded, upsert
from holdfast.store.tables import attempts

KEPT_PER_IDENTITY: Final = 50
KEPT_IN_ALL: Final = 20_000
PRUNE_EVERY: Final = 200
CRASHED: Final = "gateway stopped without saying so"
Row = dict[str, Any]
_ORDER: Final = "attempts"
_ARRIVED: Final = (Step.REGISTERED.value, Step.FIRST_HEARTBEAT.value)
# A connection that ended with nothing but an expected ending, such as our own restart, did not fail.
_HARMLESS: Final = ("", *(f" {entry.code} " for entry in CATALOGUE.values() if entry.severity is Severity.INFO))

_decode_timeline: Final = msgspec.json.Decoder(tuple[TimelineEntry, ...]).decode


class Attempts:
    """Saves, lists and prunes attempts. Saving is an upsert: an open attempt is saved again as it goes on."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        node: str,
        kept_per_identity: int = KEPT_PER_IDENTITY,
        kept_in_all: int = KEPT_IN_ALL,
    ) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._kept_per_identity = kept_per_identity
        self._kept_in_all = kept_in_all
        self._upsert = ManyRows(_upsert(store.dialect))
        self._since_pruned = 0
        self._unpruned: set[str] = set()

    async def save(self, saved: Sequence[Attempt]) -> None:
        """Store these attempts, and remove what is too old to keep now and then.

        Raises:
            Unavailable: nothing was stored.
        """
        if not saved:
            return
        newest = {attempt.attempt: attempt for attempt in saved}  # one statement may touch a row once
        rows = [_row(attempt, self._node) for attempt in newest.values()]
        identities = {str(row["identity"]) for row in rows}
        await self._store.commits.submit(self._write, rows)
        self._unpruned |= identities
        self._since_pruned += len(rows)
        if self._since_pruned >= min(PRUNE_EVERY, self._kept_in_all, self._kept_per_identity):
            await self.prune()

    async def prune(self) -> None:
        """Remove the oldest attempts beyond the bounds; live ones stay."""
        identities, self._unpruned, self._since_pruned = self._unpruned, set(), 0
        await self._store.write(lambda connection: self._prune(connection, identities))

    async def get(self, attempt: str) -> Attempt | None:
        """The attempt of this id; None where there is none, or it was removed to keep their number bounded."""
        query = sa.select(attempts).where(attempts.c.attempt == storable(attempt))
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _attempt(row)

    async def load(self, ids: Sequence[str]) -> dict[str, Attempt]:
        """Those of these attempts that are stored."""
        query = sa.select(attempts).where(attempts.c.attempt.in_(padded(sorted(ids))))
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {row.attempt: _attempt(row) for row in rows}

    async def list(self, query: AttemptQuery) -> AttemptPage:
        """One page, the newest first.

        Raises:
            InvalidQuery: the limit or cursor means nothing.
        """
        limit = check_limit(query.limit)
        statement = sa.select(attempts).where(*_filters(query))
        after = read_cursor(query.cursor, order=_ORDER)
        key = sa.tuple_(attempts.c.started_at, attempts.c.seq)
        if after is not None:
            statement = statement.where(key < sa.tuple_(after.value, after.seq))
        statement = statement.order_by(attempts.c.started_at.desc(), attempts.c.seq.desc()).limit(limit + 1)
        rows = await self._store.read(lambda connection: connection.execute(statement).all())
        more = len(rows) > limit
        last = rows[limit - 1] if more else None
        return AttemptPage(
            attempts=tuple(_attempt(row) for row in rows[:limit]),
            next_cursor=write_cursor(Position(_ORDER, last.started_at, last.seq)) if last is not None else None,
        )

    async def end_what_a_crash_left(self) -> None:
        """Close the attempts that this node's last life left open."""
        now = self._clock()
        statement = (
            sa.update(attempts)
            .where(attempts.c.ended_at.is_(None), attempts.c.node == self._node)
            .values(ended_at=now, ended_how=CRASHED)
        )
        await self._store.write(lambda connection: connection.execute(statement))

    def _write(self, connection: sa.Connection, saved: Sequence[Sequence[Row]]) -> Sequence[None]:
        self._upsert(connection, [row for rows in saved for row in rows])
        return [None] * len(saved)

    def _prune(self, connection: sa.Connection, identities: set[str]) -> None:
        if identities:
            newest_first = sa.func.row_number().over(
                partition_by=attempts.c.identity, order_by=(attempts.c.started_at.desc(), attempts.c.seq.desc())
            )
            ranked = (
                sa.select(attempts.c.seq, newest_first.label("rank"))
                .where(attempts.c.identity.in_(padded(sorted(identities))))
                .subquery()
            )
            surplus = sa.select(ranked.c.seq).where(ranked.c.rank > self._kept_per_identity)
            connection.execute(sa.delete(attempts).where(attempts.c.seq.in_(surplus), attempts.c.ended_at.is_not(None)))
        surplus = (
            sa.select(attempts.c.seq)
            .order_by(attempts.c.started_at.desc(), attempts.c.seq.desc())
            .limit(1_000_000)
            .offset(self._kept_in_all)
        )
        connection.execute(sa.delete(attempts).where(attempts.c.seq.in_(surplus), attempts.c.ended_at.is_not(None)))


def _filters(query: AttemptQuery) -> list[sa.ColumnElement[bool]]:
    filters: list[sa.ColumnElement[bool]] = []
    if query.open is not None:
        filters.append(attempts.c.ended_at.is_(None) if query.open else attempts.c.ended_at.is_not(None))
    if query.failed is not None:
        failed = sa.or_(attempts.c.codes.not_in(_HARMLESS), attempts.c.step.not_in(_ARRIVED))
        filters.append(failed if query.failed else sa.not_(failed))
    exact = (
        (attempts.c.claimed_host_id, query.host_id),
        (attempts.c.agent_uid, query.agent_uid),
        (attempts.c.step, query.step),
    )
    filters += [column == storable(wanted) for column, wanted in exact if wanted is not None]
    if query.address is not None:
        # The address is stored with its port; people ask with and without it.
        address = storable(query.address)
        filters.append(
            sa.or_(
                attempts.c.remote_address == address,
                attempts.c.remote_address.startswith(f"{address}:", autoescape=True),
            )
        )
    if query.code is not None:
        filters.append(attempts.c.codes.contains(f" {storable(query.code)} ", autoescape=True))
    return filters


def _row(attempt: Attempt, node: str) -> Row:
    return {
        "attempt": attempt.attempt,
        "node": node,
        "identity": storable(attempt.identity),
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "remote_address": storable_or_none(attempt.remote_address),
        "user_agent": storable_or_none(attempt.user_agent),
        "claimed_org_id": storable_or_none(attempt.claimed_org_id),
        "claimed_host_id": storable_or_none(attempt.claimed_host_id),
        "claimed_agent_uid": storable_or_none(attempt.claimed_agent_uid),
        "claimed_fingerprint": storable_or_none(attempt.claimed_fingerprint),
        "agent_uid": attempt.agent_uid,
        "step": attempt.step.value,
        "ended_how": storable_or_none(attempt.ended_how),
        "close_code": attempt.close_code,
        "close_reason": storable_or_none(attempt.close_reason),
        "codes": f" {' '.join(attempt.codes)} " if attempt.codes else "",
        "timeline": msgspec.json.encode(attempt.timeline).decode(),
        "bytes_in": attempt.bytes_in,
        "bytes_out": attempt.bytes_out,
        "messages_in": attempt.messages_in,
        "profile": storable_or_none(attempt.profile),
    }


def _attempt(row: AnyRow) -> Attempt:
    return Attempt(
        attempt=row.attempt,
        started_at=row.started_at,
        ended_at=row.ended_at,
        remote_address=row.remote_address,
        user_agent=row.user_agent,
        claimed_org_id=row.claimed_org_id,
        claimed_host_id=row.claimed_host_id,
        claimed_agent_uid=row.claimed_agent_uid,
        claimed_fingerprint=row.claimed_fingerprint,
        agent_uid=row.agent_uid,
        step=Step(row.step),
        ended_how=row.ended_how,
        close_code=row.close_code,
        close_reason=row.close_reason,
        codes=tuple(row.codes.split()),
        timeline=_decode_timeline(row.timeline),
        bytes_in=row.bytes_in,
        bytes_out=row.bytes_out,
        messages_in=row.messages_in,
        profile=row.profile,
    )


def _upsert(dialect: str) -> sa.Insert:
    insert = upsert(dialect, attempts)
    changing = [column.name for column in attempts.columns if column.name not in {"seq", "attempt", "started_at"}]
    return insert.on_conflict_do_update(
        index_elements=["attempt"], set_={name: insert.excluded[name] for name in changing}
    )
