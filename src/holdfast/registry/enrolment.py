"""Enrolment tokens as rows."""

from collections.abc import Iterable

import sqlalchemy as sa

from holdfast.model import EnrolmentToken
from holdfast.registry.rows import labels_of
from holdfast.store.sets import AnyRow, padded
from holdfast.store.tables import enrolment_tokens


def find_by_hash(connection: sa.Connection, hashes: Iterable[str]) -> dict[str, EnrolmentToken]:
    """The tokens whose secrets have these hashes, locked until the transaction ends, so that uses are counted right."""
    wanted = padded(hashes)
    if not wanted:
        return {}
    table = enrolment_tokens
    query = sa.select(table).where(table.c.secret_sha256.in_(wanted)).order_by(table.c.token_id).with_for_update()
    return {row.secret_sha256: token_of(row) for row in connection.execute(query)}


def consume(connection: sa.Connection, tokens: Iterable[EnrolmentToken]) -> None:
    """Store how often the tokens have been used; they were locked by `find_by_hash`."""
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
