"""The replay cache: which key has used which nonce, for all gateways on one store."""

import hashlib
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from holdfast.store.sets import padded, upsert
from holdfast.store.tables import nonces


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A nonce that a key wants to use; times are Unix seconds."""

    digest: str
    expires_at: float
    now: float


def nonce_digest(public_key: bytes, nonce: str) -> str:
    """What is kept of a key's nonce: as short for a nonce of any length."""
    return hashlib.sha256(public_key + nonce.encode("utf-8", "replace")).hexdigest()


class NonceClaims:
    """The set statement of `Registry.claim_nonce`; an answer is whether the claim was the first."""

    def __init__(self, dialect: str) -> None:
        self._insert = upsert(dialect, nonces).on_conflict_do_nothing().returning(nonces.c.digest)

    def __call__(self, connection: sa.Connection, claims: Sequence[Claim]) -> list[bool]:
        """Claim each, in order; what has expired is forgotten first."""
        now = max(claim.now for claim in claims)
        connection.execute(sa.delete(nonces).where(nonces.c.expires_at <= now))
        first = {claim.digest: claim for claim in reversed(claims)}
        taken = sa.select(nonces.c.digest).where(nonces.c.digest.in_(padded(first)))
        before = set(connection.execute(taken).scalars())
        rows = [
            {"digest": one.digest, "expires_at": one.expires_at} for one in first.values() if one.digest not in before
        ]
        # Another gateway may have been faster since our look: only what we inserted is ours.
        won = set(connection.execute(self._insert, rows).scalars()) if rows else set()
        answers = []
        for claim in claims:
            answers.append(claim.digest in won)
            won.discard(claim.digest)
        return answers
