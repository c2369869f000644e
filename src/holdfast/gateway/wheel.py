"""One timing wheel for every connection: a connection has no timer and no task of its own."""

import math
from collections import deque
from typing import Final, Protocol

NEVER: Final = math.inf


class Timed(Protocol):
    """Something that wants to be woken. `scheduled` belongs to the wheel."""

    scheduled: float

    def on_time(self, mono: float) -> float | None:
        """Do what is due; returns when to be woken next (monotonic seconds), or None to leave the plan as it is."""
        ...


class Wheel:
    """Slots of `resolution_s`; an entry is never woken early and at most one slot late."""

    def __init__(self, resolution_s: float = 0.1) -> None:
        self._resolution_s = resolution_s
        self._slots: dict[int, list[Timed]] = {}
        self._next: int | None = None
        self._due: deque[Timed] = deque()

    def schedule(self, item: Timed, at: float) -> None:
        """Wake `item` at `at`. The last call counts; entries of earlier calls are ignored when they come up."""
        item.scheduled = at
        slot = int(at / self._resolution_s) + 1
        if self._next is not None:
            slot = max(slot, self._next)
        self._slots.setdefault(slot, []).append(item)

    def tick(self, mono: float) -> int:
        """Wake everything whose time has come; returns how many were woken.

        What an item raises comes out; the others that are due are woken by the next call.
        """
        current = int(mono / self._resolution_s)
        first = self._next if self._next is not None else min(self._slots, default=current)
        for slot in range(first, current + 1) if current - first < len(self._slots) else sorted(self._slots):
            if slot > current:
                break
            self._due.extend(self._slots.pop(slot, ()))
        self._next = current + 1
        woken = 0
        while self._due:
            woken += self._wake(self._due.popleft(), mono)
        return woken

    def _wake(self, item: Timed, mono: float) -> bool:
        if item.scheduled > mono:
            return False
        item.scheduled = NEVER  # entries of earlier calls come up later, and must find nothing to do
        at = item.on_time(mono)
        if at is not None:
            self.schedule(item, at)
        return True
