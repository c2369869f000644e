"""Challenges that are out, and those that were used, for the whole gateway; bounded, the oldest forgotten first."""

from collections import OrderedDict
from typing import Final

import msgspec

MAX_REMEMBERED: Final = 20_000


class Issued(msgspec.Struct):
    """One challenge. Times are monotonic seconds; `signature` is what it was completed with."""

    registration_id: str
    attempt: str
    host_id: str
    issued_at: float
    expires_at: float
    used: bool = False
    signature: str = ""


class Challenges:
    """Finds the challenge behind a registration_id, whichever connection it was issued to.

    A connection checks its own challenge by itself; this memory exists to *name* the mistake when an id is not its own.
    """

    def __init__(self, limit: int = MAX_REMEMBERED) -> None:
        self._by_id: OrderedDict[str, Issued] = OrderedDict()
        self._limit = limit

    def issue(self, issued: Issued) -> None:
        """Remember a challenge, forgetting the oldest where the limit is reached."""
        self._by_id[issued.registration_id] = issued
        if len(self._by_id) > self._limit:
            self._by_id.popitem(last=False)

    def find(self, registration_id: str) -> Issued | None:
        """The challenge of that id, if it is still remembered."""
        return self._by_id.get(registration_id)
