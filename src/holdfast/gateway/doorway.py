"""Who may come in before anything is proved: the bounds on what unregistered peers can make us hold."""

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

from holdfast.faults import Problem, problem
from holdfast.gateway.settings import Limits

if TYPE_CHECKING:
    from holdfast.gateway.socket import AgentSocket


class Doorway:
    """Counts unregistered connections, in all and by address, the oldest first.

    When the slots are short a silent connection goes first, so that a flood of silent peers cannot shut out an agent
    that talks.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: OrderedDict[AgentSocket, None] = OrderedDict()
        self._by_address: Counter[str] = Counter()

    @property
    def unregistered(self) -> int:
        """Connections that have proved no key."""
        return len(self._waiting)

    def enter(self, sock: "AgentSocket") -> Problem | None:
        """Count a new connection; the problem says why it has to be refused, and then it is not counted."""
        if self._by_address[sock.address] >= self._limits.max_unregistered_per_address:
            return problem(
                "WS-RATE-429",
                what="too many unregistered connections from one address",
                why=f"{sock.address} holds {self._limits.max_unregistered_per_address} that have not registered",
                fix="Register on the connections that are open, or close them; then come back",
                retry_after_s=5.0,
            )
        self._waiting[sock] = None
        self._by_address[sock.address] += 1
        return None

    def crowded(self) -> "AgentSocket | None":
        """The connection to give up because there are too many; None while there is room."""
        if len(self._waiting) <= self._limits.max_unregistered:
            return None
        oldest = next(iter(self._waiting))
        # The silent are nearly always the oldest: a short look is enough, a full scan would be a gift to a flood.
        for count, sock in enumerate(self._waiting):
            if sock.core is None or not sock.core.messages:
                return sock
            if count > 64:
                break
        return oldest

    def leave(self, sock: "AgentSocket") -> None:
        """The connection registered, or it ended."""
        if sock in self._waiting:
            del self._waiting[sock]
            self._by_address[sock.address] -= 1
            if not self._by_address[sock.address]:
                del self._by_address[sock.address]
