"""Notices what has changed, for all open pages at once.

Looks at the store and not at this process's own events: pages are then just as live when the gateway runs elsewhere.
Looks only while somebody listens, and rests long after a look that took long.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from time import perf_counter
from typing import Final

import msgspec
import structlog

from holdfast.faults import HoldfastError

Look = Callable[[], Awaitable[Mapping[str, object]]]
REST_S: Final = 1.0
REST_PER_COST: Final = 100.0
LONGEST_REST_S: Final = 5.0
BEAT_S: Final = 5.0

log = structlog.get_logger()


class Changed(msgspec.Struct, frozen=True):
    """These topics are not what they were. Without topics it only says that all is well."""

    topics: tuple[str, ...] = ()


class Pulse:
    """Compares what `look` returns, by topic, with what it returned before. To be used from one event loop."""

    def __init__(self, look: Look, *, rest_s: float = REST_S) -> None:
        self._look = look
        self._rest_s = rest_s
        self._listeners: set[asyncio.Queue[Changed | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._has_looked = asyncio.Event()

    async def listen(self) -> AsyncIterator[Changed]:
        """Changes from now on, and a word every few seconds in between. Ends when the pulse is closed.

        The first word comes when there is something to compare with: who fetches what it shows after that word
        misses nothing.
        """
        if self._closed:
            return
        queue: asyncio.Queue[Changed | None] = asyncio.Queue()
        self._listeners.add(queue)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="dashboard-pulse")
        try:
            await self._has_looked.wait()
            yield Changed()
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        changed = await queue.get()
                except TimeoutError:
                    changed = Changed()
                if changed is None:
                    return
                yield changed
        finally:
            self._listeners.discard(queue)

    async def close(self) -> None:
        """End every stream, so that a server that stops does not wait for them."""
        self._closed = True
        for queue in self._listeners:
            queue.put_nowait(None)
        self._has_looked.set()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        before: Mapping[str, object] = {}
        try:
            while self._listeners:
                begun = perf_counter()
                now = await self._seen()
                self._has_looked.set()
                if now is not None:
                    topics = tuple(topic for topic, stamp in now.items() if before.get(topic, stamp) != stamp)
                    before = now
                    if topics:
                        self._tell(Changed(topics))
                cost_s = perf_counter() - begun
                await asyncio.sleep(max(self._rest_s, min(LONGEST_REST_S, REST_PER_COST * cost_s)))
        finally:
            self._task = None
            if not self._closed:
                self._has_looked.clear()

    async def _seen(self) -> Mapping[str, object] | None:
        try:
            return await self._look()
        except HoldfastError as error:
            log.debug("dashboard.look_failed", code=error.problem.code)
            return None

    def _tell(self, changed: Changed) -> None:
        for queue in self._listeners:
            queue.put_nowait(changed)
