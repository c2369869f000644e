"""Who may come in before anything is proved: the bounds on what unregistered peers can make us hold."""

from collections import Counter, OrderedDict
from typing import Final, Generic, Protocol, TypeVar

from holdfast.faults import Problem, problem
from holdfast.gateway.settings import Limits

MAX_TURNED_AWAY: Final = 256
NOT_COUNTED: Final = ""


class Visitor(Protocol):
    """A connection, as far as the doorway looks at it."""

    address: str

    @property
    def has_spoken(self) -> bool: ...


V = TypeVar("V", bound=Visitor)


class Doorway(Generic[V]):
    """Counts unregistered connections, in all and by address, the oldest first.

    When the slots are short a silent connection goes first, so that a flood of silent peers cannot shut out an agent
    that talks.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: OrderedDict[V, str] = OrderedDict()  # with the address that each is counted under
        self._by_address: Counter[str] = Counter()
        self._turned_away: OrderedDict[V, None] = OrderedDict()

    @property
    def unregistered(self) -> int:
        """Connections that have proved no key."""
        return len(self._waiting)

    def enter(self, visitor: V, *, by_address: bool = True) -> Problem | None:
        """Let a new connection in; the problem says why it has to be refused, and then it is only held to hear that.

        Without `by_address` it is not counted under its address: a proxy's, while the client's is not known.
        """
        address = visitor.address if by_address else NOT_COUNTED
        if by_address and self._by_address[address] >= self._limits.max_unregistered_per_address:
            self.turn_away(visitor)
            return problem(
                "WS-RATE-429",
                what="too many unregistered connections from one address",
                why=f"{address} holds {self._limits.max_unregistered_per_address} that have not registered",
                fix="Register on the connections that are open, or close them; then come back",
                retry_after_s=5.0,
            )
        self._waiting[visitor] = address
        if by_address:
            self._by_address[address] += 1
        return None

    def turn_away(self, visitor: V) -> None:
        """Hold a connection only until it has heard why it is refused."""
        self.leave(visitor)
        self._turned_away[visitor] = None

    def crowded(self) -> V | None:
        """The connection to give up because there are too many; None while there is room."""
        if len(self._turned_away) > MAX_TURNED_AWAY:
            return next(iter(self._turned_away))
        if len(self._waiting) <= self._limits.max_unregistered:
            return None
        return self.silent() or next(iter(self._waiting))

    def silent(self) -> V | None:
        """One of the oldest connections that have said nothing."""
        # The silent are nearly always the oldest: a short look is enough, a full scan would be a gift to a flood.
        for count, visitor in enumerate(self._waiting):
            if not visitor.has_spoken:
                return visitor
            if count > 64:
                break
        return None

    def leave(self, visitor: V) -> None:
        """The connection registered, or it ended."""
        self._turned_away.pop(visitor, None)
        address = self._waiting.pop(visitor, NOT_COUNTED)
        if address != NOT_COUNTED:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
