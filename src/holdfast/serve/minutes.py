"""Counts what the gateway does, minute by minute, for the charts of days."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from holdfast.faults import Unavailable
from holdfast.gateway import Gateway
from holdfast.model.aggregates import Minute
from holdfast.model.events import EventKind
from holdfast.registry.aggregates import MINUTE_S, Aggregates
from holdfast.registry.clock import Clock

TICK_S: Final = 5.0  # the running minute is shown before it is over

log = structlog.get_logger()


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """What only ever grows while a gateway runs."""

    opened: int
    ended: int
    registered: int
    resumed: int
    faults: int
    messages: int


class Minutes:
    """One task that stores the running minute again and again, until the next one begins."""

    def __init__(self, gateway: Gateway, aggregates: Aggregates, *, node: str, clock: Clock) -> None:
        self._gateway = gateway
        self._aggregates = aggregates
        self._node = node
        self._clock = clock
        self._minute = _minute_of(clock())
        self._at_its_start = counters(gateway)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to count."""
        self._task = asyncio.create_task(self._run(), name="minutes")

    async def close(self) -> None:
        """Store the minute as far as it went."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._store()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(min(TICK_S, self._minute + MINUTE_S - self._clock() + 0.05))
            await self._store()

    async def _store(self) -> None:
        now = counters(self._gateway)
        try:
            statuses = await self._aggregates.statuses()
            await self._aggregates.add(self._measured(now, statuses))
        except Unavailable as error:
            log.debug("minutes.waiting_for_store", code=error.problem.code)
            return  # what was counted stays in the running minute
        if _minute_of(self._clock()) > self._minute:
            self._minute, self._at_its_start = _minute_of(self._clock()), now

    def _measured(self, now: Counters, statuses: dict[str, int]) -> Minute:
        before = self._at_its_start
        trips = sorted(sock.rtt_s for sock in self._gateway.live.values() if sock.rtt_s)
        counted = {name: getattr(now, name) - getattr(before, name) for name in Counters.__struct_fields__}
        return Minute(
            at=self._minute,
            node=self._node,
            online=len(self._gateway.live),
            rtt_p50_ms=_quantile_ms(trips, 0.5),
            rtt_p95_ms=_quantile_ms(trips, 0.95),
            lag_ms=round(max(0.0, self._gateway.lag_s) * 1000, 2),
            statuses=statuses,
            **counted,
        )


def counters(gateway: Gateway) -> Counters:
    """The gateway's counters now."""
    counts = gateway.journal.counts
    return Counters(
        opened=counts[EventKind.UPGRADED],
        ended=counts[EventKind.ENDED],
        registered=counts[EventKind.REGISTERED],
        resumed=counts[EventKind.RESUMED],
        faults=sum(gateway.journal.codes.values()),
        messages=gateway.messages_received(),
    )


def _minute_of(at: float) -> int:
    return int(at) - int(at) % MINUTE_S


def _quantile_ms(sorted_s: Sequence[float], share: float) -> float | None:
    return round(sorted_s[int(share * (len(sorted_s) - 1))] * 1000, 3) if sorted_s else None
