"""Enrolment tokens: issued once, kept as a hash, counted, revocable."""

from functools import partial

import msgspec
import sqlalchemy as sa

from holdfast.model import EnrolmentToken, IssuedEnrolmentToken
from holdfast.registry import audit
from holdfast.registry.clock import Clock
from holdfast.registry.enrolment import token_of
from holdfast.registry.issuing import check_name, expiry, revoke
from holdfast.registry.labels import check_labels
from holdfast.registry.refusals import invalid
from holdfast.registry.rows import labels_text, storable_or_none
from holdfast.registry.secret_text import ENROLMENT_PREFIX, new_id, new_secret, secret_hash
from holdfast.store import Store
from holdfast.store.tables import enrolment_tokens


class EnrolmentTokens:
    """Tokens that let agents register; `holdfast.registry.enrolment` uses them up."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(
        self,
        name: str,
        *,
        org_id: str | None = None,
        labels: dict[str, str] | None = None,
        ttl: float | None = None,
        max_uses: int | None = None,
        actor: str = audit.SYSTEM,
    ) -> IssuedEnrolmentToken:
        """Issue a token that lets `max_uses` agents register within `ttl` seconds. Its secret is told here only.

        Raises:
            InvalidQuery: a name, label, time or number means nothing.
        """
        if max_uses is not None and max_uses < 1:
            invalid("max_uses", f"{max_uses} lets nobody in", "Use at least 1, or none for no limit")
        now, secret = self._clock(), new_secret(ENROLMENT_PREFIX)
        token = EnrolmentToken(
            token_id=new_id(ENROLMENT_PREFIX),
            name=check_name(name),
            created_at=now,
            org_id=storable_or_none(org_id),
            labels=check_labels(labels or {}),
            expires_at=expiry(ttl, now),
            max_uses=max_uses,
        )
        await self._store.write(partial(_insert, token, secret, actor))
        return IssuedEnrolmentToken(secret=secret, token=token)

    async def list(self) -> tuple[EnrolmentToken, ...]:
        """All tokens, also those that are no longer valid, the oldest first."""
        query = sa.select(enrolment_tokens).order_by(enrolment_tokens.c.created_at, enrolment_tokens.c.token_id)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return tuple(token_of(row) for row in rows)

    async def revoke(self, token_id: str, *, actor: str = audit.SYSTEM) -> None:
        """Let nobody register with this token any more; agents that did stay. Its name will do where no other has it.

        Raises:
            NotFound: there is no such token.
        """
        now = self._clock()
        await self._store.write(
            lambda connection: revoke(
                connection, enrolment_tokens, token_id, kind="enrolment-token", actor=actor, at=now
            )
        )


def _insert(token: EnrolmentToken, secret: str, actor: str, connection: sa.Connection) -> None:
    row = msgspec.to_builtins(token) | {"labels": labels_text(token.labels), "secret_sha256": secret_hash(secret)}
    connection.execute(sa.insert(enrolment_tokens).values(row))
    detail = {"name": token.name, "org_id": token.org_id, "max_uses": token.max_uses}
    audit.record(
        connection,
        at=token.created_at,
        actor=actor,
        action="enrolment-token.create",
        subject=token.token_id,
        detail=detail,
    )
