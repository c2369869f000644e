"""API tokens and enrolment tokens: issued once, kept as a hash, revocable."""

import hmac
from typing import Final, TypeVar

import sqlalchemy as sa

from holdfast.model import ApiToken, EnrolmentToken, IssuedApiToken, IssuedEnrolmentToken, Role
from holdfast.registry import audit
from holdfast.registry.changes import check_labels
from holdfast.registry.clock import Clock
from holdfast.registry.enrolment import token_of
from holdfast.registry.refusals import invalid, not_found
from holdfast.registry.rows import labels_text, storable
from holdfast.registry.secret_text import API_PREFIX, ENROLMENT_PREFIX, damage, new_id, new_secret, secret_hash
from holdfast.store import Store
from holdfast.store.sets import AnyRow
from holdfast.store.tables import api_tokens, enrolment_tokens

T = TypeVar("T")
MAX_NAME_CHARS: Final = 128
SYSTEM: Final = "system"


class ApiTokens:
    """Tokens of people and programs that use the API. Last uses are written some seconds late, by `write_uses`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._uses: dict[str, float] = {}

    async def create(
        self, name: str, role: Role | str, ttl: float | None = None, *, actor: str = SYSTEM
    ) -> IssuedApiToken:
        """Issue a token that is valid for `ttl` seconds, or until it is revoked. Its secret is told here only.

        Raises:
            InvalidQuery: the name, role or time means nothing.
        """
        now = self._clock()
        token = ApiToken(
            token_id=new_id(API_PREFIX),
            name=_check_name(name),
            role=_check_role(role),
            created_at=now,
            expires_at=_expiry(ttl, now),
        )
        secret = new_secret(API_PREFIX)

        def write(connection: sa.Connection) -> None:
            connection.execute(
                sa.insert(api_tokens).values(
                    token_id=token.token_id,
                    name=token.name,
                    role=token.role.value,
                    secret_sha256=secret_hash(secret),
                    created_at=token.created_at,
                    expires_at=token.expires_at,
                )
            )
            audit.record(
                connection,
                at=now,
                actor=actor,
                action="token.create",
                subject=token.token_id,
                name=token.name,
                role=token.role.value,
            )

        await self._store.write(write)
        return IssuedApiToken(secret=secret, token=token)

    async def verify(self, secret: str) -> ApiToken | None:
        """The token of this secret, if it may be used now. None does not say why: a thief must not learn it."""
        if damage(secret.strip(), API_PREFIX) is not None:
            return None
        digest = secret_hash(secret.strip())
        query = sa.select(api_tokens).where(api_tokens.c.secret_sha256 == digest)
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        # The index compares hashes, whose prefixes tell nothing of the secret; the last word is constant in time.
        if row is None or not hmac.compare_digest(row.secret_sha256, digest):
            return None
        token, now = _api_token(row), self._clock()
        if token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
            return None
        self._uses[token.token_id] = now
        return token

    async def list(self) -> tuple[ApiToken, ...]:
        """All tokens, also those that are no longer valid, the oldest first."""
        await self.write_uses()
        query = sa.select(api_tokens).order_by(api_tokens.c.created_at, api_tokens.c.token_id)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return tuple(_api_token(row) for row in rows)

    async def revoke(self, token_id: str, *, actor: str = SYSTEM) -> None:
        """End a token, at once and for ever; `token_id` may be its name where no other has it.

        Raises:
            NotFound: there is no such token.
        """
        now = self._clock()
        await self._store.write(lambda connection: _revoke(connection, api_tokens, token_id, actor=actor, at=now))

    async def write_uses(self) -> None:
        """Store when tokens were last used."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        rows = [{"id": token_id, "used": used} for token_id, used in uses.items()]
        statement = (
            sa.update(api_tokens)
            .where(api_tokens.c.token_id == sa.bindparam("id"))
            .values(last_used_at=sa.bindparam("used"))
        )
        try:
            await self._store.write(lambda connection: connection.execute(statement, rows))
        except BaseException:
            self._uses = uses | self._uses
            raise


class EnrolmentTokens:
    """Tokens that let agents register."""

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
        actor: str = SYSTEM,
    ) -> IssuedEnrolmentToken:
        """Issue a token that lets `max_uses` agents register within `ttl` seconds. Its secret is told here only.

        Raises:
            InvalidQuery: a name, label, time or number means nothing.
        """
        now = self._clock()
        if max_uses is not None and max_uses < 1:
            invalid("max_uses", f"{max_uses} lets nobody in", "Use at least 1, or none for no limit")
        token = EnrolmentToken(
            token_id=new_id(ENROLMENT_PREFIX),
            name=_check_name(name),
            created_at=now,
            org_id=None if org_id is None else storable(org_id),
            labels=check_labels(labels or {}),
            expires_at=_expiry(ttl, now),
            max_uses=max_uses,
        )
        secret = new_secret(ENROLMENT_PREFIX)

        def write(connection: sa.Connection) -> None:
            connection.execute(
                sa.insert(enrolment_tokens).values(
                    token_id=token.token_id,
                    name=token.name,
                    secret_sha256=secret_hash(secret),
                    org_id=token.org_id,
                    labels=labels_text(token.labels),
                    created_at=token.created_at,
                    expires_at=token.expires_at,
                    max_uses=token.max_uses,
                )
            )
            audit.record(
                connection,
                at=now,
                actor=actor,
                action="enrolment-token.create",
                subject=token.token_id,
                name=token.name,
                org_id=token.org_id,
                max_uses=token.max_uses,
            )

        await self._store.write(write)
        return IssuedEnrolmentToken(secret=secret, token=token)

    async def list(self) -> tuple[EnrolmentToken, ...]:
        """All tokens, also those that are no longer valid, the oldest first."""
        query = sa.select(enrolment_tokens).order_by(enrolment_tokens.c.created_at, enrolment_tokens.c.token_id)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return tuple(token_of(row) for row in rows)

    async def revoke(self, token_id: str, *, actor: str = SYSTEM) -> None:
        """Let nobody register with this token any more; agents that did stay.

        Raises:
            NotFound: there is no such token.
        """
        now = self._clock()
        await self._store.write(lambda connection: _revoke(connection, enrolment_tokens, token_id, actor=actor, at=now))


def _revoke(connection: sa.Connection, table: sa.Table, token_id: str, *, actor: str, at: float) -> None:
    named = storable(token_id)
    rows = connection.execute(
        sa.select(table.c.token_id, table.c.revoked_at).where(sa.or_(table.c.token_id == named, table.c.name == named))
    ).all()
    exact = [row for row in rows if row.token_id == named] or rows
    if len(exact) != 1:
        raise not_found("token" if not exact else "single token of the name", token_id)
    if exact[0].revoked_at is not None:
        return
    found: str = exact[0].token_id
    connection.execute(sa.update(table).where(table.c.token_id == found).values(revoked_at=at))
    kind = "token" if table is api_tokens else "enrolment-token"
    audit.record(connection, at=at, actor=actor, action=f"{kind}.revoke", subject=found)


def _api_token(row: AnyRow) -> ApiToken:
    return ApiToken(
        token_id=row.token_id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _check_name(name: str) -> str:
    trimmed = name.strip()
    if not trimmed or len(trimmed) > MAX_NAME_CHARS or not trimmed.isprintable():
        invalid("name", "it is empty, too long or not printable", f"Use 1 to {MAX_NAME_CHARS} printable characters")
    return storable(trimmed)


def _check_role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        invalid("role", f"{str(role)[:40]!r} is none", f"Use one of: {', '.join(Role)}")


def _expiry(ttl: float | None, now: float) -> float | None:
    if ttl is None:
        return None
    if not 0 < ttl < float("inf"):
        invalid("ttl", f"{ttl} s is no time to live", "Use a number of seconds above 0, or none for no end")
    return now + ttl
