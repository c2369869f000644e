"""What API tokens and enrolment tokens have in common: a name, an end, and how they are revoked."""

from typing import Final

import sqlalchemy as sa

from holdfast.registry import audit
from holdfast.registry.refusals import invalid, not_found
from holdfast.registry.rows import storable

MAX_NAME_CHARS: Final = 128


def check_name(name: str) -> str:
    """The name of a token, as it is stored.

    Raises:
        InvalidQuery: it cannot be shown, or is no name at all.
    """
    trimmed = name.strip()
    if not trimmed or len(trimmed) > MAX_NAME_CHARS or not trimmed.isprintable():
        invalid("name", "it is empty, too long or not printable", f"Use 1 to {MAX_NAME_CHARS} printable characters")
    return storable(trimmed)


def expiry(ttl_s: float | None, now: float) -> float | None:
    """When a token that lives for `ttl_s` from `now` on ends; None for never.

    Raises:
        InvalidQuery: it would not live at all.
    """
    if ttl_s is None:
        return None
    if not 0 < ttl_s < float("inf"):
        invalid("ttl", f"{ttl_s} s is no time to live", "Use a number of seconds above 0, or none for no end")
    return now + ttl_s


def revoke(connection: sa.Connection, table: sa.Table, name: str, *, kind: str, actor: str, at: float) -> None:
    """Revoke the token of this id, or of this name if no other has it. Doing it again changes nothing.

    Raises:
        NotFound: none, or several, are called so.
    """
    named = storable(name)
    wanted = sa.or_(table.c.token_id == named, table.c.name == named)
    rows = connection.execute(sa.select(table.c.token_id, table.c.revoked_at).where(wanted)).all()
    exact = [row for row in rows if row.token_id == named] or rows
    if len(exact) != 1:
        raise not_found("token" if not exact else "single token of the name", name)
    if exact[0].revoked_at is not None:
        return
    token_id: str = exact[0].token_id
    connection.execute(sa.update(table).where(table.c.token_id == token_id).values(revoked_at=at))
    audit.record(connection, at=at, actor=actor, action=f"{kind}.revoke", subject=token_id)
