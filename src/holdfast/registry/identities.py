"""Who holds a key: many questions in one read."""

import math
from collections.abc import Sequence

import sqlalchemy as sa

from holdfast.faults import HoldfastError
from holdfast.model import Admission, Identity
from holdfast.store.sets import padded
from holdfast.store.tables import agents

_IDENTITY = sa.select(
    agents.c.agent_uid, agents.c.org_id, agents.c.host_id, agents.c.admission, agents.c.heartbeat_ceiling_s
).where(agents.c.agent_uid.in_(sa.bindparam("uids", expanding=True)))


class Identities:
    """The set statement of `Registry.identify`; an item is a uid, an answer None where nobody has it."""

    def __init__(self, heartbeat_interval_s: float) -> None:
        self._heartbeat_interval_s = heartbeat_interval_s

    def __call__(self, connection: sa.Connection, uids: Sequence[str]) -> list[Identity | HoldfastError | None]:
        """Answer for each uid, in order."""
        found = {
            row.agent_uid: Identity(
                agent_uid=row.agent_uid,
                org_id=row.org_id,
                host_id=row.host_id,
                admission=Admission(row.admission),
                heartbeat_interval_s=min(self._heartbeat_interval_s, row.heartbeat_ceiling_s or math.inf),
            )
            for row in connection.execute(_IDENTITY, {"uids": padded(uids)})
        }
        return [found.get(uid) for uid in uids]
