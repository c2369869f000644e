"""The bus of a single process: function calls and bounded queues."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import msgspec
import structlog

from holdfast.bus.bus import Unsubscribe
from holdfast.faults import Unavailable, problem

M = TypeVar("M", bound=msgspec.Struct)
MAX_WAITING: Final = 1024

log = structlog.get_logger()


class LocalSubscription(Generic[M]):
    """A bounded queue of messages: when it is full, the oldest is dropped and counted as missed.

    The oldest goes, not the newest, because the newest state is what a subscriber needs.
    """

    def __init__(self, leave: Callable[["LocalSubscription[M]"], None], max_waiting: int) -> None:
        self._leave = leave
        self._waiting: deque[M] = deque(maxlen=max_waiting)
        self._arrived = asyncio.Event()
        self._closed = False
        self._missed = 0

    @property
    def missed(self) -> int:
        """How many messages were dropped because nobody took them in time."""
        return self._missed

    def put_nowait(self, message: M) -> None:
        """Queue a message; drops the oldest instead of waiting."""
        if len(self._waiting) == self._waiting.maxlen:
            self._missed += 1
        self._waiting.append(message)
        self._arrived.set()

    def __aiter__(self) -> "LocalSubscription[M]":
        return self

    async def __anext__(self) -> M:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        """Take no further messages; those already queued can still be read."""
        self._closed = True
        self._leave(self)
        self._arrived.set()


class LocalBus:
    """Messages within one process. To be used from one event loop."""

    def __init__(self, *, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        # A message type maps to callbacks that take exactly that type; the type system cannot say so of a dict.
        self._callbacks: dict[type[msgspec.Struct], list[Callable[[Any], None]]] = {}
        self._subscriptions: set[LocalSubscription[Any]] = set()
        self._closed = False

    def publish(self, message: msgspec.Struct) -> None:
        """Call every subscriber of this type, at once and in order. After `close` nothing happens."""
        for callback in tuple(self._callbacks.get(type(message), ())):
            try:
                callback(message)
            except Exception:
                log.exception("bus.subscriber_failed", message_type=type(message).__name__)

    def subscribe(self, kind: type[M]) -> LocalSubscription[M]:
        """A queue of all messages of `kind` from now on."""
        leaving: list[Unsubscribe] = []

        def leave(ended: LocalSubscription[M]) -> None:
            leaving[0]()
            self._subscriptions.discard(ended)

        subscription = LocalSubscription[M](leave, self._max_waiting)
        leaving.append(self.on(kind, subscription.put_nowait))
        self._subscriptions.add(subscription)
        return subscription

    def on(self, kind: type[M], callback: Callable[[M], None]) -> Unsubscribe:
        """Call `callback` within `publish`. Ending twice is allowed."""
        callbacks = self._callbacks.setdefault(kind, [])
        callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in callbacks:
                callbacks.remove(callback)

        return unsubscribe

    async def ping(self) -> None:
        """A local bus works until it is closed."""
        if self._closed:
            raise Unavailable(
                problem(
                    "SRV-BUS-DOWN", what="the message bus is closed", why="this process is stopping", retry_after_s=5
                )
            )

    async def close(self) -> None:
        """End every subscription and forget the callbacks."""
        self._closed = True
        for subscription in tuple(self._subscriptions):
            subscription.close()
        self._callbacks.clear()
