"""API tokens: issued once, kept as a hash, revocable."""

import hmac
from functools import partial

import msgspec
import sqlalchemy as sa

from holdfast.model import ApiToken, IssuedApiToken, Role
from holdfast.registry import audit
from holdfast.registry.clock import Clock
from holdfast.registry.issuing import check_name, expiry, revoke
from holdfast.registry.refusals import invalid
from holdfast.registry.secret_text import API_PREFIX, damage, new_id, new_secret, secret_hash
from holdfast.store import Store
from holdfast.store.sets import AnyRow
from holdfast.store.tables import api_tokens


class ApiTokens:
    """Tokens of people and programs that use the API. Last uses are written some seconds late, by `write_uses`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._uses: dict[str, float] = {}

    async def create(
        self, name: str, role: Role | str, ttl: float | None = None, *, actor: str = audit.SYSTEM
    ) -> IssuedApiToken:
        """Issue a token that is valid for `ttl` seconds, or until it is revoked. Its secret is told here only.

        Raises:
            InvalidQuery: the name, role or time means nothing.
        """
        now, secret = self._clock(), new_secret(API_PREFIX)
        token = ApiToken(
            token_id=new_id(API_PREFIX),
            name=check_name(name),
            role=_check_role(role),
            created_at=now,
            expires_at=expiry(ttl, now),
        )
        await self._store.write(partial(_insert, token, secret, actor))
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
        token, now = _token_of(row), self._clock()
        if token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
            return None
        self._uses[token.token_id] = now
        return token

    async def list(self) -> tuple[ApiToken, ...]:
        """All tokens, also those that are no longer valid, the oldest first."""
        await self.write_uses()
        query = sa.select(api_tokens).order_by(api_tokens.c.created_at, api_tokens.c.token_id)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return tuple(_token_of(row) for row in rows)

    async def revoke(self, token_id: str, *, actor: str = audit.SYSTEM) -> None:
        """End a token, at once and for ever; `token_id` may be its name where no other has it.

        Raises:
            NotFound: there is no such token.
        """
        now = self._clock()
        await self._store.write(
            lambda connection: revoke(connection, api_tokens, token_id, kind="token", actor=actor, at=now)
        )

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


def _insert(token: ApiToken, secret: str, actor: str, connection: sa.Connection) -> None:
    row = msgspec.to_builtins(token) | {"secret_sha256": secret_hash(secret)}
    connection.execute(sa.insert(api_tokens).values(row))
    detail = {"name": token.name, "role": token.role.value}
    audit.record(
        connection, at=token.created_at, actor=actor, action="token.create", subject=token.token_id, detail=detail
    )


def _token_of(row: AnyRow) -> ApiToken:
    return ApiToken(
        token_id=row.token_id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _check_role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        invalid("role", f"{str(role)[:40]!r} is none", f"Use one of: {', '.join(Role)}")
