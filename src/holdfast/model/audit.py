"""Who changed what."""

import msgspec

from holdfast.model.agents import JsonValue


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One change, written in the transaction that made it and never altered.

    `actor` is who asked (an API token's name, or the part of Holdfast that acted by itself), `action` a dotted verb
    such as `agent.revoke`, `subject` the uid or id of what was changed, `detail` what was different afterwards.
    """

    seq: int
    at: float
    actor: str
    action: str
    subject: str
    detail: dict[str, JsonValue] = {}


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which records to list, the newest first. `since` and `until` are Unix seconds."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: float | None = None
    until: float | None = None
    cursor: str | None = None
    limit: int = 50


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of audit records. `next_cursor` is None on the last page."""

    records: tuple[AuditRecord, ...]
    next_cursor: str | None
