"""Who else goes by the host names of a batch of registrations."""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from holdfast.registry.rows import labels_of
from holdfast.store.sets import AnyRow, padded
from holdfast.store.tables import agents

MAX_OTHER_KEYS: Final = 20

_SAME_HOST: Final = sa.select(
    agents.c.seq,
    agents.c.agent_uid,
    agents.c.org_id,
    agents.c.host_id,
    agents.c.expected,
    agents.c.labels,
    agents.c.note,
).order_by(agents.c.seq.desc())
_SAME_HOSTS: Final = _SAME_HOST.where(agents.c.host_id.in_(sa.bindparam("hosts", expanding=True))).limit(
    sa.bindparam("most", type_=sa.Integer)
)


class Neighbours:
    """Who else goes by a host's name: agents with other keys, and the announcement that it is expected."""

    def __init__(self) -> None:
        self.uids: list[str] = []
        self.expected_labels: dict[str, str] = {}
        self.expected_note = ""
        self._expected: set[int] = set()

    def add(self, row: AnyRow) -> None:
        if row.expected:
            self._expected.add(row.seq)
            self.expected_labels = labels_of(row.labels)
            self.expected_note = row.note
        elif len(self.uids) <= MAX_OTHER_KEYS:  # one more than is told: one of them may be the entrant itself
            self.uids.append(row.agent_uid)

    def take_expected(self) -> set[int]:
        """The announcements to remove, now that the host has come; only the first who comes inherits from them."""
        taken, self._expected = self._expected, set()
        self.expected_labels, self.expected_note = {}, ""
        return taken


def find_neighbours(
    connection: sa.Connection, sought: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Neighbours]:
    """Those of each org and host_id in `sought` where there are any."""
    hosts = padded(host_id for _, host_id in sought)
    most = 8 * len(hosts) + 64
    found = connection.execute(_SAME_HOSTS, {"hosts": hosts, "most": most}).all()
    if len(found) == most:  # some host has used very many keys: ask for each, so that the work stays bounded
        found = []
        for org_id, host_id in sought:
            same = _SAME_HOST.where(agents.c.host_id == host_id, agents.c.org_id == org_id)
            found += connection.execute(same.limit(MAX_OTHER_KEYS + 2)).all()
    neighbours: dict[tuple[str, str], Neighbours] = {}
    for row in found:
        neighbours.setdefault((row.org_id, row.host_id), Neighbours()).add(row)
    return neighbours
