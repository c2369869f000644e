"""How many agents match a query, where counting them takes longer than a page may."""

import asyncio
import contextlib
from collections import OrderedDict
from typing import Final

import msgspec
import structlog

from holdfast.faults import Unavailable
from holdfast.model import AgentPage, AgentQuery
from holdfast.registry.listing import Listing
from holdfast.store import Store

FRESH_S: Final = 10.0
MAX_REMEMBERED: Final = 256

log = structlog.get_logger()


class Counts:
    """Remembers counts beyond the exact ones and renews them in the background, one at a time per query."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._running: dict[bytes, asyncio.Task[None]] = {}

    def complete(self, page: AgentPage, listing: Listing, query: AgentQuery) -> AgentPage:
        """`page` with the newest count known; with the lower bound that it has, until the first count is done."""
        # Where a page begins and how it is sorted does not change how many there are.
        plain = msgspec.structs.replace(query, cursor=None, sort="registered_at", limit=1)
        key = msgspec.msgpack.encode(plain)
        count, counted_at = self._known.get(key, (0, float("-inf")))
        now = asyncio.get_running_loop().time()
        if now - counted_at > FRESH_S and key not in self._running:
            self._running[key] = asyncio.create_task(self._count(key, listing), name="count-agents")
        return msgspec.structs.replace(page, total=max(count, page.total))

    async def close(self) -> None:
        """Stop counting."""
        for task in tuple(self._running.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _count(self, key: bytes, listing: Listing) -> None:
        try:
            count = await self._store.read(listing.count_all)
            self._known[key] = (count, asyncio.get_running_loop().time())
            self._known.move_to_end(key)
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        except Unavailable as error:
            log.warning("registry.count_failed", code=error.problem.code, why=error.problem.why)
        finally:
            del self._running[key]
