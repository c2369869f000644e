"""Who is connected: exact in memory, a moment later in the store."""

import time
from typing import Final

from holdfast.model import Condition
from holdfast.registry.clock import Clock
from holdfast.registry.presence_rows import ConditionRow, PresenceRow, SeenRow

GATEWAY_STOPPED: Final = "gateway stopped"
BEFORE_ALL: Final = -1.0


class _Connection:
    """The newest connection of one agent. Slots, not a struct: `seen` changes it thousands of times a second."""

    __slots__ = (
        "agent_version",
        "attempt",
        "boot_id",
        "clock_offset_s",
        "connected_since",
        "instance",
        "last_seen",
        "online",
        "remote_address",
        "since",
        "touched",
        "why",
    )

    def __init__(self, attempt: str, at: float) -> None:
        self.attempt = attempt
        self.online = True
        self.since = at
        self.connected_since = at
        self.last_seen = at
        self.why = ""  # the usual: told by `_connected_why`, so that an idle agent does not hold the sentence
        self.remote_address: str | None = None
        self.instance: str | None = None
        self.boot_id: str | None = None
        self.agent_version: str | None = None
        self.clock_offset_s: float | None = None
        self.touched = False


def _connected_why(connection: _Connection) -> str:
    return f"connected from {connection.remote_address}" if connection.remote_address else "connected"


class PresenceBoard:
    """The agents connected to this node. Synchronous and without I/O; `PresenceWriter` carries it to the store.

    To be used from one event loop. What is not yet written is in `take_*`; `give_back_*` returns what could not be.
    """

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._connections: dict[str, _Connection] = {}
        self._changed: set[str] = set()
        self._touched: list[str] = []
        self._conditions: dict[str, ConditionRow] = {}

    def connected(
        self,
        agent_uid: str,
        *,
        at: float,
        attempt: str,
        remote_address: str | None = None,
        instance: str | None = None,
        boot_id: str | None = None,
        agent_version: str | None = None,
        why: str = "",
    ) -> None:
        """This connection is now the agent's only one, whatever was before. Calling it again changes nothing."""
        before = self._connections.get(agent_uid)
        if before is not None and before.online and before.attempt == attempt:
            return
        connection = _Connection(attempt, at)
        connection.remote_address = remote_address
        connection.instance = instance
        connection.boot_id = boot_id
        connection.agent_version = agent_version
        connection.why = why
        self._connections[agent_uid] = connection
        self._changed.add(agent_uid)

    def registered(self, agent_uid: str, *, at: float, attempt: str, remote_address: str | None) -> None:
        """A registration was stored with this connection online: remember it, with nothing left to write.

        Unless the connection ended while the registration was being stored, or a newer one is there already.
        """
        before = self._connections.get(agent_uid)
        if before is not None and (before.online or before.attempt == attempt):
            self._changed.add(agent_uid)  # the row now says what was true a moment ago
            return
        self.connected(agent_uid, at=at, attempt=attempt, remote_address=remote_address)
        self._changed.discard(agent_uid)

    def seen(self, agent_uid: str, at: float) -> None:
        """Some sign of life came. Does nothing for an agent that is not connected here."""
        connection = self._connections.get(agent_uid)
        if connection is None:
            return
        connection.last_seen = at
        if not connection.touched:
            connection.touched = True
            self._touched.append(agent_uid)

    def clock_offset(self, agent_uid: str, offset_s: float) -> None:
        """The agent's clock is ahead of ours by `offset_s`; written with the next sign of life."""
        connection = self._connections.get(agent_uid)
        if connection is not None:
            connection.clock_offset_s = offset_s

    def disconnected(self, agent_uid: str, attempt: str, *, at: float, why: str) -> None:
        """This connection ended. The agent is offline only if no newer connection has taken its place."""
        connection = self._connections.get(agent_uid)
        if connection is None:
            # Perhaps its registration is being stored this moment: then the row must not stay online.
            connection = self._connections[agent_uid] = _Connection(attempt, BEFORE_ALL)
        elif connection.attempt != attempt:
            return
        connection.online = False
        connection.since = at
        connection.why = why
        self._changed.add(agent_uid)

    def condition(self, agent_uid: str, condition: Condition | None, why: str = "", *, at: float | None = None) -> None:
        """What diagnosis thinks of the agent since `at` (now), connected or not; None takes it back."""
        since = self._clock() if at is None else at
        self._conditions[agent_uid] = ConditionRow(agent_uid, condition.value if condition else None, since, why)

    def is_online(self, agent_uid: str) -> bool:
        """Whether the agent is connected to this node now."""
        connection = self._connections.get(agent_uid)
        return connection is not None and connection.online

    def last_seen(self, agent_uid: str) -> float | None:
        """The newest sign of life of an agent that is connected here."""
        connection = self._connections.get(agent_uid)
        return connection.last_seen if connection is not None and connection.online else None

    def online_count(self) -> int:
        """How many agents are connected to this node."""
        return sum(connection.online for connection in self._connections.values())

    def remembered(self) -> int:
        """How many agents are in memory: those online here, and those whose end is not stored yet."""
        return len(self._connections)

    def end_all(self, *, at: float, why: str = GATEWAY_STOPPED) -> None:
        """This node stops: whoever is still connected is offline from now on."""
        for agent_uid, connection in self._connections.items():
            if connection.online:
                self.disconnected(agent_uid, connection.attempt, at=at, why=why)

    def take_changed(self) -> list[str]:
        """The agents whose connection came or went since the last call."""
        taken, self._changed = self._changed, set()
        return list(taken)

    def give_back_changed(self, agent_uids: list[str]) -> None:
        """These could not be written; they come again with what is newest then."""
        self._changed.update(agent_uids)

    def take_touched(self) -> list[str]:
        """The agents that were seen since the last call."""
        taken, self._touched = self._touched, []
        for agent_uid in taken:
            connection = self._connections.get(agent_uid)
            if connection is not None:
                connection.touched = False
        return taken

    def give_back_touched(self, agent_uids: list[str]) -> None:
        """These could not be written."""
        for agent_uid in agent_uids:
            connection = self._connections.get(agent_uid)
            if connection is not None and not connection.touched:
                connection.touched = True
                self._touched.append(agent_uid)

    def take_conditions(self) -> list[ConditionRow]:
        """The conditions set since the last call."""
        taken, self._conditions = self._conditions, {}
        return list(taken.values())

    def give_back_conditions(self, rows: list[ConditionRow]) -> None:
        """These could not be written; a newer condition of the same agent goes first."""
        self._conditions = {row.agent_uid: row for row in rows} | self._conditions

    def presence_rows(self, agent_uids: list[str]) -> list[PresenceRow]:
        """What to write of these agents, as it is now."""
        rows = []
        for agent_uid in agent_uids:
            connection = self._connections.get(agent_uid)
            if connection is not None:
                rows.append(
                    PresenceRow(
                        agent_uid=agent_uid,
                        online=connection.online,
                        since=connection.since,
                        why=connection.why or _connected_why(connection),
                        last_seen=connection.last_seen,
                        connected_since=connection.connected_since,
                        remote_address=connection.remote_address,
                        instance=connection.instance,
                        boot_id=connection.boot_id,
                        agent_version=connection.agent_version,
                        clock_offset_s=connection.clock_offset_s,
                        attempt=connection.attempt,
                    )
                )
        return rows

    def seen_rows(self, agent_uids: list[str]) -> list[SeenRow]:
        """When these agents were last seen, and their clocks' differences."""
        rows = []
        for agent_uid in agent_uids:
            connection = self._connections.get(agent_uid)
            if connection is not None:
                rows.append(SeenRow(agent_uid, connection.last_seen, connection.clock_offset_s))
        return rows

    def forget_ended(self, agent_uids: list[str]) -> None:
        """Drop those of the agents that are offline and written: the row knows them now."""
        for agent_uid in agent_uids:
            connection = self._connections.get(agent_uid)
            if connection is not None and not connection.online and agent_uid not in self._changed:
                del self._connections[agent_uid]
