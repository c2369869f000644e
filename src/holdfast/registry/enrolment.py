"""Enrolment tokens as rows."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from holdfast.model import EnrolmentToken
from holdfast.registry.rows import labels_of
from holdfast.store.sets import AnyRow, padded
from holdfast.store.tables import enrolment_tokens


def lock_tokens(connection: sa.Connection, hashes: Iterable[str]) -> dict[str, EnrolmentToken]:
    """The tokens whose secrets have these hashes, locked until the transaction ends, so that uses are counted right."""
    wanted = padded(hashes)
    return _found(connection, _by_hash(wanted).with_for_update()) if wanted else {}


def look_up_tokens(connection: sa.Connection, hashes: Sequence[str]) -> list[EnrolmentToken | None]:
    """The set statement that finds a token by its secret's hash, and leaves it as it is."""
    found = _found(connection, _by_hash(padded(hashes)))
    return [found.get(digest) for digest in hashes]


def _by_hash(hashes: list[str]) -> sa.Select[*tuple[Any, ...]]:
    table = enrolment_tokens
    return sa.select(table).where(table.c.secret_sha256.in_(hashes)).order_by(table.c.token_id)


def _found(connection: sa.Connection, query: sa.Select[*tuple[Any, ...]]) -> dict[str, EnrolmentToken]:
    return {row.secret_sha256: token_of(row) for row in connection.execute(query)}


def consume(connection: sa.Connection, tokens: Iterable[EnrolmentToken]) -> None:
    """Store how often the tokens have been used; they were locked by `lock_tokens`."""
    rows = [{"id": token.token_id, "count": token.uses} for token in tokens]
    if rows:
        connection.execute(
            sa.update(enrolment_tokens)
            .where(enrolment_tokens.c.token_id == sa.bindparam("id"))
            .values(uses=sa.bindparam("count")),
            rows,
        )


def token_of(row: AnyRow) -> EnrolmentToken:
    """The token that a row tells of."""
    return EnrolmentToken(
        token_id=row.token_id,
        name=row.name,
        created_at=row.created_at,
        org_id=row.org_id,
        labels=labels_of(row.labels),
        expires_at=row.expires_at,
        max_uses=row.max_uses,
        uses=row.uses,
        revoked_at=row.revoked_at,
    )
