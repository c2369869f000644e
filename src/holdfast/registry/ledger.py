"""The ledger of attempts: every connection's story, also of peers that never got through, a moment later in the store.

Nothing is kept in memory once it is written: an idle connection costs the ledger nothing. What is not yet written is
bounded too; beyond the bound the stories of handshakes that failed are dropped first, and counted.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import structlog

from holdfast.faults import Unavailable
from holdfast.model import Attempt
from holdfast.model.events import Event, EventKind
from holdfast.registry.story import Story

FLUSH_S: Final = 0.5
RETRY_S: Final = 2.0
SLICE: Final = 500
MAX_UNWRITTEN: Final = 50_000
BEGINNINGS: Final = frozenset({EventKind.UPGRADED, EventKind.HANDSHAKE_FAILED})

log = structlog.get_logger()


class AttemptStore(Protocol):
    """Where attempts are kept."""

    async def save(self, saved: Sequence[Attempt]) -> None: ...

    async def load(self, ids: Sequence[str]) -> Mapping[str, Attempt]: ...


class Ledger:
    """Collects events as a journal's sink and writes stories in batches, from one task."""

    def __init__(self, store: AttemptStore) -> None:
        self._store = store
        self._stories: dict[str, Story] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_failing = False
        self.dropped = 0

    def record(self, event: Event) -> None:
        """Take note of an event; quick, and never raises."""
        if not event.attempt:
            return
        story = self._stories.get(event.attempt)
        if story is None:
            if len(self._stories) >= MAX_UNWRITTEN and not self._make_room():
                self.dropped += 1
                return
            story = self._stories[event.attempt] = Story(event.at, is_whole=event.kind in BEGINNINGS)
        story.tell(event)

    def _make_room(self) -> bool:
        for attempt, story in self._stories.items():
            if story.ended_how == "refused":
                del self._stories[attempt]
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
        waiting, self._stories = self._stories, {}
        try:
            while waiting:
                part = dict(list(waiting.items())[:SLICE])
                await self._write(part)
                for attempt in part:
                    del waiting[attempt]
        finally:
            for attempt, story in self._stories.items():
                if attempt in waiting:
                    _append(waiting[attempt], story)
                else:
                    waiting[attempt] = story
            self._stories = waiting

    async def _write(self, stories: Mapping[str, Story]) -> None:
        partial = [attempt for attempt, story in stories.items() if not story.is_whole]
        before = await self._store.load(partial) if partial else {}
        await self._store.save([story.attempt(attempt, before.get(attempt)) for attempt, story in stories.items()])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S if self._is_failing else FLUSH_S)
            try:
                await self.flush()
            except Unavailable as error:
                if not self._is_failing:
                    log.warning("ledger.waiting_for_store", code=error.problem.code, why=error.problem.why)
                self._is_failing = True
            else:
                self._is_failing = False


def _append(earlier: Story, later: Story) -> None:
    """Put what happened during a failed write behind what was to be written."""
    earlier.entries.extend(later.entries)
    earlier.codes.extend(code for code in later.codes if code not in earlier.codes)
    earlier.fields |= later.fields
    earlier.step = later.step if later.entries else earlier.step
    for name in ("ended_at", "ended_how", "close_code", "close_reason", "agent_uid"):
        if getattr(later, name) is not None:
            setattr(earlier, name, getattr(later, name))
