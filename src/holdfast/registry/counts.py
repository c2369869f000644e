"""How many agents match a query, where counting them takes longer than a page may."""

import asyncio
import contextlib
from collections import OrderedDict
from typing import Final

import msgspec
import structlog

from holdfast.faults import Unavailable
from holdfast.model import AgentPage, AgentQuery
from holdfast.registry.listing import EXACT_UP_TO, Listing
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

    def fresh(self, query: AgentQuery) -> int | None:
        """The count of a query, if it is beyond the exact ones and some seconds old at most."""
        count, counted_at = self._known.get(_key(query), (0, 0.0))
        return count if count > EXACT_UP_TO and _now() - counted_at <= FRESH_S else None

    def complete(self, page: AgentPage, query: AgentQuery) -> AgentPage:
        """`page` with the newest count known: until the first count is done, that is the lower bound it has."""
        if page.total_is_exact:
            return page
        key = _key(query)
        count, counted_at = self._known.get(key, (0, float("-inf")))
        if _now() - counted_at > FRESH_S and key not in self._running:
            self._running[key] = asyncio.create_task(self._count(key, query), name="count-agents")
        return msgspec.structs.replace(page, total=max(count, page.total))

    async def close(self) -> None:
        """Stop counting."""
        for task in tuple(self._running.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _count(self, key: bytes, query: AgentQuery) -> None:
        listing = Listing(msgspec.structs.replace(query, cursor=None))
        try:
            self._known[key] = (await self._store.read(listing.count_all), _now())
            self._known.move_to_end(key)
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        except Unavailable as error:
            log.warning("registry.count_failed", code=error.problem.code, why=error.problem.why)
        finally:
            del self._running[key]


def _key(query: AgentQuery) -> bytes:
    # Where a page begins and how it is sorted does not change how many there are.
    return msgspec.msgpack.encode(msgspec.structs.replace(query, cursor=None, sort="registered_at", limit=1))


def _now() -> float:
    return asyncio.get_running_loop().time()
