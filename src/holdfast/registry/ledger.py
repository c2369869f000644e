"""The ledger of attempts: every connection's story, also of peers that never got through, a moment later in the store.

A story is held for a moment, so that a short one is written once, and forgotten some seconds after its last event: an
idle connection costs the ledger nothing. What is held is bounded; beyond the bound the stories of handshakes that
failed are dropped first, and counted.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final, Protocol

import structlog

from holdfast.faults import Unavailable
from holdfast.model import Attempt
from holdfast.model.events import Event, EventKind
from holdfast.registry.clock import Clock
from holdfast.registry.story import Story

FLUSH_S: Final = 0.25
HOLD_S: Final = 0.5
FORGET_S: Final = 10.0
RETRY_S: Final = 2.0
SLICE: Final = 500
MAX_HELD: Final = 50_000
FORGOTTEN_AT_ONCE: Final = 5_000
BEGINNINGS: Final = frozenset({EventKind.UPGRADED, EventKind.HANDSHAKE_FAILED})

log = structlog.get_logger()


class AttemptStore(Protocol):
    """Where attempts are kept."""

    async def save(self, saved: Sequence[Attempt]) -> None: ...

    async def load(self, ids: Sequence[str]) -> Mapping[str, Attempt]: ...


class Ledger:
    """Collects events as a journal's sink and writes stories in batches, from one task."""

    def __init__(self, store: AttemptStore, clock: Clock = time.time) -> None:
        self._store = store
        self._clock = clock
        self._stories: dict[str, Story] = {}
        self._unwritten: dict[str, Story] = {}  # those of them that the store does not hold as they are
        self._fading: dict[str, None] = {}  # written and open, in the order of writing
        self._task: asyncio.Task[None] | None = None
        self._is_failing = False
        self.dropped = 0

    def record(self, event: Event) -> None:
        """Take note of an event; quick, and never raises."""
        if not event.attempt:
            return
        story = self._stories.get(event.attempt)
        if story is None:
            if len(self._stories) >= MAX_HELD and not self._make_room():
                self.dropped += 1
                return
            story = self._stories[event.attempt] = Story(event.at, is_whole=event.kind in BEGINNINGS)
        story.tell(event)
        self._unwritten[event.attempt] = story

    def _make_room(self) -> bool:
        written = next(iter(self._fading), None)
        if written is not None:
            del self._fading[written]
            if written not in self._unwritten:
                del self._stories[written]
                return True
        for attempt, story in self._unwritten.items():
            if story.ended_how == "refused":
                del self._stories[attempt], self._unwritten[attempt]
                self.dropped += 1
                return True
        return False

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="ledger")

    async def close(self) -> None:
        """Stop, and try once more to write what is left."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(Unavailable):
            await self.flush()

    async def flush(self) -> None:
        """Write everything that is known now.

        Raises:
            Unavailable: the store cannot; what was not written is kept.
        """
        await self._write(list(self._unwritten))

    async def _write_due(self) -> None:
        now = self._clock()
        due = [
            attempt
            for attempt, story in self._unwritten.items()
            if story.ended_at is not None or now - story.started_at >= HOLD_S
        ]
        await self._write(due)
        self._forget(now)

    async def _write(self, due: list[str]) -> None:
        for start in range(0, len(due), SLICE):
            part = due[start : start + SLICE]
            stories = {attempt: self._unwritten[attempt] for attempt in part if attempt in self._unwritten}
            beginnings = [attempt for attempt, story in stories.items() if not story.is_whole]
            before = await self._store.load(beginnings) if beginnings else {}
            for attempt, attempt_before in before.items():
                stories[attempt].continue_from(attempt_before)
            told = {attempt: story.told for attempt, story in stories.items()}
            await self._store.save([story.attempt(attempt) for attempt, story in stories.items()])
            for attempt, story in stories.items():
                story.written = told[attempt]
                # What was told while the store was writing is still to be written.
                if not story.is_unwritten and self._unwritten.get(attempt) is story:
                    self._is_written(attempt, story)

    def _is_written(self, attempt: str, story: Story) -> None:
        del self._unwritten[attempt]
        self._fading.pop(attempt, None)
        if story.ended_at is None:
            self._fading[attempt] = None
        else:
            del self._stories[attempt]

    def _forget(self, now: float) -> None:
        """Drop open stories of which nothing was told for a while: the store continues them when there is more."""
        for attempt in list(islice(self._fading, FORGOTTEN_AT_ONCE)):
            if attempt not in self._unwritten:
                if now - self._stories[attempt].last_at < FORGET_S:
                    return
                del self._stories[attempt]
            del self._fading[attempt]

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S if self._is_failing else FLUSH_S)
            try:
                await self._write_due()
            except Unavailable as error:
                if not self._is_failing:
                    log.warning("ledger.waiting_for_store", code=error.problem.code, why=error.problem.why)
                self._is_failing = True
            else:
                self._is_failing = False
