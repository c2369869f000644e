"""Signed-in browsers: a session stands for an API token and can do what that token can, until one of them ends."""

import hmac
from typing import Final

import msgspec
import sqlalchemy as sa

from holdfast.model import ApiToken, Role
from holdfast.registry.clock import Clock
from holdfast.registry.secret_text import new_secret, secret_hash
from holdfast.store import Store
from holdfast.store.tables import api_tokens, sessions

SESSION_PREFIX: Final = "hfs_"
SESSION_S: Final = 12 * 3600.0


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Whose session it is, what it may do, and when it ends (Unix seconds)."""

    token_id: str
    name: str
    role: Role
    expires_at: float


class Sessions:
    """Opened for a verified token, kept as a hash, over as soon as the token is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def open(self, token: ApiToken) -> tuple[str, float]:
        """Begin a session; its secret, told here only, and when it ends. Sessions that are over are removed."""
        now = self._clock()
        secret, expires_at = new_secret(SESSION_PREFIX), now + SESSION_S
        if token.expires_at is not None:
            expires_at = min(expires_at, token.expires_at)
        row = {
            "secret_sha256": secret_hash(secret), "token_id": token.token_id, "created_at": now,
            "expires_at": expires_at,
        }  # fmt: skip

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(sa.insert(sessions), row)

        await self._store.write(write)
        return secret, expires_at

    async def find(self, secret: str) -> Session | None:
        """The session of this secret, while it and its token may be used."""
        digest = secret_hash(secret)
        query = (
            sa.select(
                sessions.c.secret_sha256, sessions.c.expires_at, api_tokens.c.token_id, api_tokens.c.name,
                api_tokens.c.role, api_tokens.c.revoked_at, api_tokens.c.expires_at.label("token_expires_at"),
            )
            .join(api_tokens, api_tokens.c.token_id == sessions.c.token_id)
            .where(sessions.c.secret_sha256 == digest)
        )  # fmt: skip
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        if row is None or not hmac.compare_digest(row.secret_sha256, digest):
            return None
        now = self._clock()
        over = row.expires_at <= now or (row.token_expires_at is not None and row.token_expires_at <= now)
        if over or row.revoked_at is not None:
            return None
        return Session(token_id=row.token_id, name=row.name, role=Role(row.role), expires_at=row.expires_at)

    async def close(self, secret: str) -> None:
        """End a session; nothing happens where there is none."""
        statement = sa.delete(sessions).where(sessions.c.secret_sha256 == secret_hash(secret))
        await self._store.write(lambda connection: connection.execute(statement))
