"""Hosts that are announced before they connect, so that Holdfast can tell when nothing of one ever arrives."""

from typing import Any

import sqlalchemy as sa

from holdfast.model import Admission, Agent, Presence, expected_uid
from holdfast.registry import audit
from holdfast.registry.labels import check_labels, write_labels
from holdfast.registry.rows import agent_columns, agent_of, labels_text, storable
from holdfast.store.tables import agents


def expect(
    connection: sa.Connection, org_id: str, host_id: str, *, labels: dict[str, str], note: str, actor: str, at: float
) -> Agent:
    """Announce a host: it is listed as never connected until it registers, and hands on its labels and note then.

    A host that is there already, announced or registered, is returned as it is.

    Raises:
        InvalidQuery: the labels cannot be used.
    """
    org, host, own = storable(org_id), storable(host_id), check_labels(labels)
    same_host = sa.select(*agent_columns).where(agents.c.org_id == org, agents.c.host_id == host)
    there = connection.execute(same_host.order_by(agents.c.seq.desc()).limit(1)).one_or_none()
    if there is not None:
        return agent_of(there)
    uid = expected_uid(org, host)
    row = {"agent_uid": uid, "org_id": org, "host_id": host, "labels": labels_text(own), "note": storable(note)}
    connection.execute(sa.insert(agents).values(row | _never_connected(storable(actor), at)))
    announced = connection.execute(sa.select(*agent_columns).where(agents.c.agent_uid == uid)).one()
    if own:
        write_labels(connection, {announced.seq: own})
    detail = {"org_id": org, "host_id": host}
    audit.record(connection, at=at, actor=actor, action="agent.expect", subject=uid, detail=detail)
    return agent_of(announced)


def _never_connected(actor: str, at: float) -> dict[str, Any]:
    return {
        "public_key": "",
        "fingerprint": "",
        "expected": True,
        "admission": Admission.APPROVED.value,
        "admission_since": at,
        "admission_why": f"expected by {actor}",
        "presence": Presence.NEVER_CONNECTED.value,
        "presence_since": at,
        "presence_why": f"expected by {actor}, and never connected so far",
    }
