"""Measures every connected agent once a minute, for the charts of its page."""

import asyncio
import contextlib
from array import array
from typing import TYPE_CHECKING, Final
from zlib import crc32

import structlog

from holdfast.faults import Unavailable
from holdfast.gateway import Gateway
from holdfast.model.samples import Samples
from holdfast.registry.agent_minutes import MAX_SAMPLES, AgentMinutes
from holdfast.registry.aggregates import MINUTE_S
from holdfast.registry.clock import Clock

if TYPE_CHECKING:
    from holdfast.gateway.socket import AgentSocket

SLICE: Final = 500  # agents that are measured in one turn of the event loop, and written in one transaction
YOUNG: Final = 5  # minutes in which somebody may be watching the agent's first
WRITTEN_EVERY: Final = 5  # minutes
PRUNED_EVERY: Final = 60  # minutes
UNKNOWN: Final = -1.0

log = structlog.get_logger()


class Series:
    """What was measured of one connection since `at`, as small as it can be: there is one for each agent."""

    __slots__ = ("at", "attempt", "beats", "heartbeats", "rtt_ms")

    def __init__(self, attempt: str, at: int, beats: int) -> None:
        self.attempt = attempt
        self.at = at
        self.beats = beats  # how many the connection had seen before
        self.rtt_ms = array("f")
        self.heartbeats = array("H")

    @property
    def next_at(self) -> int:
        """The minute that is to be measured next."""
        return self.at + len(self.rtt_ms) * MINUTE_S

    def measure(self, rtt_s: float, beats: int) -> None:
        """Add a minute."""
        self.rtt_ms.append(rtt_s * 1000 if rtt_s else UNKNOWN)
        self.heartbeats.append(min(beats - self.beats, 0xFFFF))
        self.beats = beats

    def told(self, agent_uid: str, node: str) -> Samples:
        """As it is stored."""
        rtt_ms = tuple(None if value < 0 else value for value in self.rtt_ms)
        return Samples(agent_uid=agent_uid, node=node, at=self.at, rtt_ms=rtt_ms, heartbeats=tuple(self.heartbeats))


class Sampling:
    """One task that wakes at the end of each minute. What is not written yet is lost with the process: minutes."""

    def __init__(self, gateway: Gateway, minutes: AgentMinutes, *, node: str, clock: Clock) -> None:
        self._gateway = gateway
        self._minutes = minutes
        self._node = node
        self._clock = clock
        self._series: dict[str, Series] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to measure."""
        self._task = asyncio.create_task(self._run(), name="sampling")

    async def close(self) -> None:
        """Store what was measured."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._write([told for uid, series in self._series.items() for told in self._told(uid, series)])

    async def _run(self) -> None:
        while True:
            now = self._clock()
            await asyncio.sleep(MINUTE_S - now % MINUTE_S + 0.05)
            try:
                await self.measure(int(now) - int(now) % MINUTE_S)
            except Exception:  # a mistake about one minute must not end the charts of all that follow
                log.exception("samples.failed")

    async def measure(self, minute: int) -> None:
        """Take note of the minute that began at `minute` (Unix seconds) and is over."""
        gone = self._series.keys() - self._gateway.live.keys()
        due = [told for uid in gone for told in self._told(uid, self._series.pop(uid))]
        for number, (uid, sock) in enumerate(list(self._gateway.live.items()), 1):
            due += self._measured(uid, sock, minute)
            if number % SLICE == 0:
                await self._write(due)
                await asyncio.sleep(0)  # agents come first, also where nothing was to be written
                due = []
        await self._write(due)
        if minute // MINUTE_S % PRUNED_EVERY == 0:
            with contextlib.suppress(Unavailable):
                await self._minutes.prune(minute)

    def _measured(self, uid: str, sock: "AgentSocket", minute: int) -> list[Samples]:
        """Measure one agent; returns what is to be written now."""
        if sock.core is None:
            return []
        due: list[Samples] = []
        series = self._series.get(uid)
        if series is None or series.attempt != sock.attempt or series.next_at != minute:
            # It was not there for all of this minute: the next one is the first that counts.
            self._series[uid] = Series(sock.attempt, minute + MINUTE_S, sock.core.beats)
            return [] if series is None else self._told(uid, series)
        if len(series.rtt_ms) == MAX_SAMPLES:
            due += self._told(uid, series)
            series = self._series[uid] = Series(sock.attempt, minute, series.beats)
        series.measure(sock.rtt_s, sock.core.beats)
        is_young = len(series.rtt_ms) <= YOUNG
        if is_young or (minute // MINUTE_S + crc32(uid.encode())) % WRITTEN_EVERY == 0:  # not all in the same minute
            due += self._told(uid, series)
        return due

    def _told(self, uid: str, series: Series) -> list[Samples]:
        return [series.told(uid, self._node)] if series.rtt_ms else []

    async def _write(self, due: list[Samples]) -> None:
        for start in range(0, len(due), SLICE):
            try:
                await self._minutes.add(due[start : start + SLICE])
            except Unavailable as error:
                # The series goes on, and is written as a whole the next time; only those who left are lost.
                log.debug("samples.waiting_for_store", code=error.problem.code)
                return
