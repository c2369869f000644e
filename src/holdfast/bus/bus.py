"""How parts of the control plane hear of each other's changes.

A message is a frozen struct; its type is its topic. The bus is a hint, never the truth: a subscriber that was slow or
away loses messages, so whatever must not be lost is a row in the store as well.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

M = TypeVar("M", bound=msgspec.Struct)
Unsubscribe = Callable[[], None]


class Subscription(Protocol[M]):
    """The messages of one type, in the order of their publication, for one subscriber."""

    @property
    def missed(self) -> int:
        """How many messages were dropped because this subscriber was too slow; look at the rows when it grows."""
        ...

    def __aiter__(self) -> "Subscription[M]": ...

    async def __anext__(self) -> M: ...

    def close(self) -> None:
        """Stop. A waiting `async for` ends."""
        ...


class Bus(Protocol):
    """Publish and subscribe by type. `LocalBus` serves one process; another form can reach many."""

    def publish(self, message: msgspec.Struct) -> None:
        """Hand `message` to every subscriber of its type. Never blocks, never raises for a subscriber's sake."""
        ...

    def subscribe(self, kind: type[M]) -> Subscription[M]:
        """An async iterator over all messages of `kind` from now on. Close it when done."""
        ...

    def on(self, kind: type[M], callback: Callable[[M], None]) -> Unsubscribe:
        """Call `callback` for each message of `kind`; the returned function ends that. It must not block."""
        ...

    async def ping(self) -> None:
        """Check that messages travel.

        Raises:
            Unavailable: SRV-BUS-DOWN.
        """
        ...

    async def close(self) -> None:
        """End all subscriptions."""
        ...
