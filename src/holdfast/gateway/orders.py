"""What operators decide, carried to the connections of this gateway: by the bus at once, by the rows in any case."""

import asyncio
import contextlib
from typing import Final

import structlog

from holdfast.bus import Bus
from holdfast.faults import Unavailable
from holdfast.gateway.server import Gateway
from holdfast.model import AdmissionChanged, AgentDeleted, DisconnectRequested, Signal
from holdfast.registry import Registry

POLL_S: Final = 2.0
OVERLAP_S: Final = 10.0

log = structlog.get_logger()


class Orders:
    """Follows admissions and disconnects. The bus is a hint; whoever misses one sees the row at the next look."""

    def __init__(self, gateway: Gateway, registry: Registry, bus: Bus) -> None:
        self._gateway = gateway
        self._registry = registry
        self._bus = bus
        self._started = self._since = gateway.wall()
        self._followed: dict[tuple[str, str, float], None] = {}
        self._leave = [
            bus.on(AdmissionChanged, self._follow),
            bus.on(DisconnectRequested, self._follow),
            bus.on(AgentDeleted, self._follow),
        ]
        self._task = asyncio.get_running_loop().create_task(self._poll(), name="orders")

    async def close(self) -> None:
        """Follow no more."""
        for leave in self._leave:
            leave()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _follow(self, signal: Signal) -> None:
        # The bus and the rows tell of the same order: a second disconnect would hit the agent that has come back.
        key = (type(signal).__name__, signal.agent_uid, signal.at)
        if key not in self._followed:
            self._followed[key] = None
            self._gateway.follow(signal)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            now = self._gateway.wall()
            try:
                signals = await self._registry.changes_since(max(self._started, self._since - OVERLAP_S))
            except Unavailable as error:
                log.debug("orders.waiting_for_store", code=error.problem.code)
                continue
            self._since = now
            for signal in signals:
                self._follow(signal)
            self._followed = {key: None for key in self._followed if key[2] > now - 2 * OVERLAP_S}
