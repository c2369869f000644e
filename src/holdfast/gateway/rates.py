"""Token buckets without timers: what was earned is computed when it is asked for."""

from collections import OrderedDict
from typing import Final

MAX_ADDRESSES: Final = 65_536


class Bucket:
    """`rate` tokens per second up to `burst`. Times are monotonic seconds."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, burst: float, now: float) -> None:
        self._tokens = burst
        self._at = now

    def take(self, now: float, *, rate: float, burst: float) -> bool:
        """Take one token; False where none is left."""
        tokens = min(burst, self._tokens + (now - self._at) * rate)
        self._at = now
        if tokens < 1.0:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1.0
        return True

    def wait_s(self, rate: float) -> float:
        """Seconds until the next token, after a `take` that failed."""
        return (1.0 - self._tokens) / rate if rate > 0 else 60.0


class AddressBuckets:
    """One bucket per address, the least recently used forgotten first: a flood of addresses cannot fill memory."""

    def __init__(self, *, rate: float, burst: float, limit: int = MAX_ADDRESSES) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._rate, self._burst, self._limit = rate, burst, limit

    def take(self, address: str, now: float) -> float:
        """0 where a token was taken, else the seconds to wait for the next."""
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = Bucket(self._burst, now)
            if len(self._buckets) > self._limit:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(address)
        return 0.0 if bucket.take(now, rate=self._rate, burst=self._burst) else bucket.wait_s(self._rate)
