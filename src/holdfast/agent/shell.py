"""Performs what the link decides: the socket, the clock and the log of one agent."""

import asyncio
import base64
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from holdfast.agent.dialling import Dialler
from holdfast.agent.events import (
    Close,
    Connect,
    Connected,
    DialFailed,
    Effect,
    Event,
    Lost,
    Moment,
    Received,
    Remember,
    Report,
    Send,
    Started,
    StopAsked,
    WakeAt,
    Woke,
)
from holdfast.agent.failures import loss_problem
from holdfast.agent.link import Link
from holdfast.agent.status import ENDED
from holdfast.faults.problem import Problem
from holdfast.protocol.limits import ATTEMPT_HEADER, CHALLENGE_HEADER
from holdfast.protocol.signing import NONCE_BYTES

SEND_S: Final = 10.0
MAX_HEADER_CHARS: Final = 200


class Clock(msgspec.Struct, frozen=True):
    """Where time and chance come from. `draw` gives a number in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    unix: Callable[[], float] = time.time
    draw: Callable[[], float] = secrets.SystemRandom().random

    def now(self) -> Moment:
        return Moment(self.monotonic(), self.unix(), self.draw())


class Shell:
    """Runs one link from start to end, once."""

    def __init__(
        self,
        link: Link,
        dialler: Dialler,
        *,
        clock: Clock,
        remember: Callable[[str], Awaitable[None]],
        on_change: Callable[[], None],
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._link = link
        self._dialler = dialler
        self._clock = clock
        self._remember = remember
        self._on_change = on_change
        self._log = log
        self._connection: ClientConnection | None = None
        self._work: asyncio.Task[Event] | None = None  # the dial or the receive under way
        self._wake_at: float | None = None
        self._stop = asyncio.Event()

    def ask_to_stop(self) -> None:
        """Make `run` end soon; may be called before it and more than once."""
        self._stop.set()

    async def run(self) -> None:
        """Until the link has stopped or was refused for good."""
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await self._feed(Started())
            while self._link.status.state not in ENDED:
                await self._feed(await self._next(stopping))
        finally:
            stopping.cancel()
            await self._abandon()
            if self._connection is not None:
                self._connection.transport.abort()

    async def _next(self, stopping: asyncio.Task[bool]) -> Event:
        if self._work is None and self._connection is not None:
            self._work = asyncio.create_task(self._receive(self._connection))
        tasks: set[asyncio.Task[Event] | asyncio.Task[bool]] = {stopping}
        if self._work is not None:
            tasks.add(self._work)
        left_s = None if self._wake_at is None else max(0.0, self._wake_at - self._clock.monotonic())
        await asyncio.wait(tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            return StopAsked()
        if self._work is not None and self._work.done():
            work, self._work = self._work, None
            return work.result()
        self._wake_at = None
        return Woke()

    async def _feed(self, event: Event) -> None:
        before = self._link.status
        for effect in self._link.handle(event, self._clock.now()):
            await self._perform(effect)
        if self._link.status is not before:
            self._on_change()

    async def _perform(self, effect: Effect) -> None:
        match effect:
            case Connect():
                self._wake_at = None
                self._work = asyncio.create_task(self._dial())
            case Send():
                await self._send(effect.frame)
            case Close():
                await self._close(effect)
            case WakeAt():
                self._wake_at = effect.monotonic
            case Remember():
                await self._remember(effect.uid)
            case Report():
                self._report(effect)

    async def _dial(self) -> Event:
        dialled = await self._dialler.dial()
        if isinstance(dialled, Problem):
            return DialFailed(dialled)
        self._connection = dialled
        headers = {} if dialled.response is None else dialled.response.headers
        return Connected(
            attempt=headers.get(ATTEMPT_HEADER, "")[:MAX_HEADER_CHARS] or None,
            challenge=headers.get(CHALLENGE_HEADER, "")[:MAX_HEADER_CHARS] or None,
            own_nonce=base64.b64encode(secrets.token_bytes(NONCE_BYTES)).decode(),
        )

    async def _receive(self, connection: ClientConnection) -> Event:
        try:
            return Received(await connection.recv(decode=False))
        except ConnectionClosed as closed:
            self._connection = None
            return Lost(None if closed.rcvd is None else closed.rcvd.code, loss_problem(closed))

    async def _send(self, frame: bytes) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            async with asyncio.timeout(SEND_S):
                await connection.send(frame, text=True)
        except ConnectionClosed:
            return  # the receive under way tells why
        except TimeoutError:
            connection.transport.abort()  # nobody reads there; the receive under way ends by this

    async def _close(self, effect: Close) -> None:
        connection, self._connection = self._connection, None
        await self._abandon()
        if connection is not None:
            await connection.close(effect.code, effect.reason)

    async def _abandon(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
            await asyncio.wait({work})

    def _report(self, report: Report) -> None:
        facts: dict[str, str | int | float | None] = {k: v for k, v in report.facts.items() if v is not None}
        if report.problem is not None:
            found = report.problem
            facts |= {"code": found.code, "problem": found.what, "why": found.why, "fix": found.fix}
        log = {"warning": self._log.warning, "error": self._log.error}.get(report.level, self._log.info)
        log(report.name, **facts)
