"""Carrying what may be a moment late to the store."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from holdfast.faults import Unavailable
from holdfast.registry.presence import PresenceBoard
from holdfast.registry.presence_rows import PresenceStatements
from holdfast.store import Store

TICK_S: Final = 0.25  # transitions are stored within half a second
SEEN_EVERY_S: Final = 4.0  # signs of life within five
RETRY_S: Final = 1.0
SLICE: Final = 500

log = structlog.get_logger()


class WriteBehind:
    """One task that writes presence, and whatever else may be a moment late, in slices.

    After a failure of the store it goes on trying; since the board holds the newest state, nothing is lost but detail.
    """

    def __init__(
        self, store: Store, board: PresenceBoard, statements: PresenceStatements, extra: Callable[[], Awaitable[None]]
    ) -> None:
        self._store = store
        self._board = board
        self._statements = statements
        self._extra = extra
        self._task: asyncio.Task[None] | None = None
        self._is_failing = False
        self._flushing = asyncio.Lock()

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="write-behind")

    async def close(self) -> None:
        """Stop the task and try once more to write everything."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        try:
            await self.flush()
        except Unavailable as error:
            log.warning("presence.lost_at_stop", code=error.problem.code, why=error.problem.why)

    async def flush(self) -> None:
        """Write everything now.

        Raises:
            Unavailable: the store cannot; everything is kept for later.
        """
        async with self._flushing:
            await self._write_transitions()
            await self._write_seen()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        seen_due = loop.time() + SEEN_EVERY_S
        while True:
            await asyncio.sleep(RETRY_S if self._is_failing else TICK_S)
            try:
                async with self._flushing:
                    await self._write_transitions()
                    if loop.time() >= seen_due:
                        seen_due = loop.time() + SEEN_EVERY_S
                        await self._write_seen()
            except Unavailable as error:
                self._note(error)
            except Exception:
                log.exception("presence.write_failed")
                self._is_failing = True
            else:
                self._note(None)

    async def _write_transitions(self) -> None:
        changed = self._board.take_changed()
        try:
            while changed:
                part = changed[:SLICE]
                rows = self._board.presence_rows(part)
                if rows:
                    await self._store.commits.submit(self._statements.write_presence, rows)
                self._board.forget_ended(part)
                del changed[:SLICE]
        finally:
            self._board.give_back_changed(changed)
        conditions = self._board.take_conditions()
        if conditions:
            try:
                await self._store.commits.submit(self._statements.write_conditions, conditions)
            except BaseException:
                self._board.give_back_conditions(conditions)
                raise

    async def _write_seen(self) -> None:
        touched = self._board.take_touched()
        try:
            while touched:
                rows = self._board.seen_rows(touched[:SLICE])
                if rows:
                    await self._store.commits.submit(self._statements.write_seen, rows)
                del touched[:SLICE]
        finally:
            self._board.give_back_touched(touched)
        await self._extra()

    def _note(self, error: Unavailable | None) -> None:
        if error is not None and not self._is_failing:
            log.warning("presence.waiting_for_store", code=error.problem.code, why=error.problem.why)
        elif error is None and self._is_failing:
            log.info("presence.store_is_back")
        self._is_failing = error is not None
