"""Agents as rows and back."""

from typing import Final

import msgspec

from holdfast.model import Admission, Agent, Cause, JsonValue, Presence, Status, winning_cause
from holdfast.store.sets import AnyRow
from holdfast.store.tables import agents

_PLATFORM_NAME_KEYS: Final = ("os", "system", "name", "platform")
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode
_decode_labels: Final = msgspec.json.Decoder(dict[str, str]).decode

agent_columns: Final = tuple(
    column for column in agents.columns if column.name not in {"platform_name", "node", "attempt"}
)


def storable(text: str) -> str:
    """`text` without what PostgreSQL cannot keep in a text: NUL and lone surrogates become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def storable_or_none(text: str | None) -> str | None:
    """As `storable`, where there may be nothing."""
    return None if text is None else storable(text)


def json_text(value: JsonValue) -> str | None:
    """A peer's JSON as text; null and absent are both None."""
    return None if value is None else _encode(value).decode()


def labels_text(labels: dict[str, str]) -> str:
    """Labels as the JSON object they are stored as."""
    return _encode(labels).decode() if labels else "{}"


def labels_of(text: str) -> dict[str, str]:
    """The inverse of `labels_text`."""
    return {} if text == "{}" else _decode_labels(text)


def platform_name(platform: JsonValue) -> str:
    """The operating system's name in lower case, as agents in the field call it; empty where they do not say."""
    if isinstance(platform, str):
        return storable(platform.lower())
    if isinstance(platform, dict):
        for key in _PLATFORM_NAME_KEYS:
            name = platform.get(key)
            if isinstance(name, str):
                return storable(name.lower())
    return ""


def agent_of(row: AnyRow) -> Agent:
    """The agent that a row of `agent_columns` tells of."""
    status = Status(row.status)
    cause = _cause(status, row)
    return Agent(
        agent_uid=row.agent_uid,
        org_id=row.org_id,
        host_id=row.host_id,
        public_key=row.public_key,
        fingerprint=row.fingerprint,
        machine_id_hash=row.machine_id_hash,
        agent_version=row.agent_version or None,
        capabilities=_json(row.capabilities),
        platform=_json(row.platform),
        network=_json(row.network),
        labels=labels_of(row.labels),
        note=row.note,
        registered_at=row.registered_at,
        last_seen=row.last_seen or None,
        connected_since=row.connected_since if row.presence == Presence.ONLINE else None,
        remote_address=row.remote_address,
        clock_offset_s=row.clock_offset_s,
        heartbeat_interval_s=row.heartbeat_interval_s,
        status=status,
        status_since=cause.since,
        status_why=cause.why,
        admission=Admission(row.admission),
        expected=row.expected,
        instance=row.instance,
        boot_id=row.boot_id,
        version=row.version,
    )


def _cause(status: Status, row: AnyRow) -> Cause:
    return winning_cause(
        status,
        admission=Cause(row.admission_since, row.admission_why),
        presence=Cause(row.presence_since, row.presence_why),
        condition=None if row.condition is None else Cause(row.condition_since or 0.0, row.condition_why or ""),
    )


def _json(text: str | None) -> JsonValue:
    return None if text is None else _decode(text)
