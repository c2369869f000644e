"""What operators do to agents. Each change, its audit record and its signal to gateways are one transaction."""

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from holdfast.model import (
    Admission,
    AdmissionChanged,
    Agent,
    AgentDeleted,
    DisconnectRequested,
    Presence,
    Signal,
)
from holdfast.registry import audit
from holdfast.registry.labels import check_labels, write_labels
from holdfast.registry.refusals import conflict, invalid, not_found
from holdfast.registry.rows import agent_columns, agent_of, labels_text, storable
from holdfast.store.sets import AnyRow
from holdfast.store.tables import agent_labels, agent_minutes, agents, signals

MAX_NOTE_CHARS: Final = 4096
SIGNALS_KEPT_S: Final = 86_400.0

_signal_decoder: Final = msgspec.json.Decoder(Signal)


def find(connection: sa.Connection, name: str) -> Agent | None:
    """The agent of this uid or host_id. Where several have the host_id: the one online, else the newest seen."""
    named = storable(name)
    row = connection.execute(sa.select(*agent_columns).where(agents.c.agent_uid == named)).one_or_none()
    if row is None:
        online_first = sa.case((agents.c.presence == Presence.ONLINE.value, 0), else_=1)
        row = connection.execute(
            sa.select(*agent_columns)
            .where(agents.c.host_id == named)
            .order_by(online_first, agents.c.last_seen.desc(), agents.c.seq.desc())
            .limit(1)
        ).one_or_none()
    return None if row is None else agent_of(row)


def update(
    connection: sa.Connection,
    agent_uid: str,
    *,
    labels: dict[str, str] | None,
    note: str | None,
    version: int | None,
    actor: str,
    at: float,
) -> Agent:
    """Replace labels or note or both.

    Raises:
        NotFound, Conflict, InvalidQuery.
    """
    row = _lock(connection, agent_uid)
    if version is not None and row.version != version:
        raise conflict(agent_uid, version, row.version)
    values: dict[str, Any] = {"version": row.version + 1}
    detail: dict[str, Any] = {}
    if labels is not None:
        own = check_labels(labels)
        values["labels"] = labels_text(own)
        detail["labels"] = own
        write_labels(connection, {row.seq: own})
    if note is not None:
        if len(note) > MAX_NOTE_CHARS:
            invalid("note", f"it has {len(note)} characters", f"Use at most {MAX_NOTE_CHARS}")
        values["note"] = detail["note"] = storable(note)
    connection.execute(sa.update(agents).where(agents.c.seq == row.seq).values(values))
    audit.record(connection, at=at, actor=actor, action="agent.update", subject=agent_uid, detail=detail)
    return _read(connection, row.seq)


def set_admission(
    connection: sa.Connection, agent_uid: str, admission: Admission, *, actor: str, reason: str, at: float
) -> Agent:
    """Approve or revoke. Doing it again changes nothing, so that a repeated request is harmless.

    Raises:
        NotFound: there is no such agent.
    """
    row = _lock(connection, agent_uid)
    if row.admission == admission.value:
        return _read(connection, row.seq)
    verb = "approved" if admission is Admission.APPROVED else "revoked"
    why = f"{verb} by {actor}" + (f": {reason}" if reason else "")
    connection.execute(
        sa.update(agents)
        .where(agents.c.seq == row.seq)
        .values(
            admission=admission.value, admission_since=at, admission_why=storable(why), version=agents.c.version + 1
        )
    )
    action = "agent.approve" if admission is Admission.APPROVED else "agent.revoke"
    audit.record(connection, at=at, actor=actor, action=action, subject=agent_uid, detail={"reason": reason})
    _signal(connection, AdmissionChanged(agent_uid=agent_uid, admission=admission, reason=reason, at=at))
    return _read(connection, row.seq)


def request_disconnect(connection: sa.Connection, agent_uid: str, *, actor: str, reason: str, at: float) -> None:
    """Ask whichever gateway holds the agent's connection to end it.

    Raises:
        NotFound: there is no such agent.
    """
    _lock(connection, agent_uid)
    audit.record(
        connection, at=at, actor=actor, action="agent.disconnect", subject=agent_uid, detail={"reason": reason}
    )
    _signal(connection, DisconnectRequested(agent_uid=agent_uid, reason=reason, at=at))


def delete(connection: sa.Connection, agent_uid: str, *, actor: str, at: float) -> None:
    """Forget the agent. Its key may register again; revoke it to keep it out.

    Raises:
        NotFound: there is no such agent.
    """
    row = _lock(connection, agent_uid)
    connection.execute(sa.delete(agent_labels).where(agent_labels.c.agent_seq == row.seq))
    connection.execute(sa.delete(agent_minutes).where(agent_minutes.c.agent_uid == storable(agent_uid)))
    connection.execute(sa.delete(agents).where(agents.c.seq == row.seq))
    audit.record(
        connection, at=at, actor=actor, action="agent.delete", subject=agent_uid, detail={"host_id": row.host_id}
    )
    _signal(connection, AgentDeleted(agent_uid=agent_uid, reason=f"deleted by {actor}", at=at))


def changes_since(connection: sa.Connection, since: float) -> list[Signal]:
    """Every signal from `since` on, in the order in which they were written."""
    rows = connection.execute(sa.select(signals.c.signal).where(signals.c.at >= since).order_by(signals.c.seq))
    return [_signal_decoder.decode(text) for text in rows.scalars()]


def _lock(connection: sa.Connection, agent_uid: str) -> AnyRow:
    row = connection.execute(
        sa.select(agents.c.seq, agents.c.host_id, agents.c.version, agents.c.admission)
        .where(agents.c.agent_uid == storable(agent_uid))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise not_found("agent", agent_uid)
    return row


def _read(connection: sa.Connection, seq: int) -> Agent:
    return agent_of(connection.execute(sa.select(*agent_columns).where(agents.c.seq == seq)).one())


def _signal(connection: sa.Connection, signal: Signal) -> None:
    connection.execute(sa.delete(signals).where(signals.c.at < signal.at - SIGNALS_KEPT_S))
    connection.execute(sa.insert(signals).values(at=signal.at, signal=msgspec.json.encode(signal).decode()))
