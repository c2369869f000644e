"""How much searching is allowed: nobody can make the gateway burn CPU with signatures that nothing explains.

Tier 1 is not limited here. The numbers are those of the fault catalogue, 3.3.
"""

from collections import OrderedDict

import msgspec


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the deep tiers. Seconds; `cpu_share` is CPU seconds per second for the whole gateway.

    `burst_s` is what a quiet gateway may spend at once: a few full searches. A search may begin while anything is
    left, and what it cost is charged after it, so that the balance can go below zero by one search.
    """

    cpu_share: float = 0.05
    burst_s: float = 0.25
    per_key_s: float = 60.0
    per_peer_s: float = 10.0
    remembered: int = 4096


class SearchBudget:
    """Grants deep searches. `now` is seconds on any clock that does not run backwards."""

    def __init__(self, allowance: Allowance | None = None) -> None:
        self._allowance = allowance or Allowance()
        self._balance_s = self._allowance.burst_s
        self._filled_at: float | None = None
        self._keys = _Recent(self._allowance.remembered)
        self._peers = _Recent(self._allowance.remembered)

    def refusal(self, *, key: bytes, peer: str, now: float) -> str | None:
        """None where a deep search may begin now, otherwise which limit forbids it."""
        allowance = self._allowance
        self._fill(now)
        if self._balance_s <= 0:
            return "budget: the gateway's share of CPU is spent"
        if self._keys.is_within(key, now, allowance.per_key_s):
            return f"budget: one search per key in {allowance.per_key_s:.0f} s"
        if peer and self._peers.is_within(peer.encode(), now, allowance.per_peer_s):
            return f"budget: one search per address in {allowance.per_peer_s:.0f} s"
        return None

    def charge(self, *, key: bytes, peer: str, now: float, cpu_s: float) -> None:
        """A deep search was made: its cost is taken from the gateway, and its turn from the key and the address."""
        self._balance_s -= cpu_s
        self._keys.mark(key, now)
        self._peers.mark(peer.encode(), now)

    def _fill(self, now: float) -> None:
        if self._filled_at is not None:
            earned_s = max(0.0, now - self._filled_at) * self._allowance.cpu_share
            self._balance_s = min(self._allowance.burst_s, self._balance_s + earned_s)
        self._filled_at = now if self._filled_at is None else max(now, self._filled_at)


class _Recent:
    """When something last happened to whom; the one longest ago is forgotten first."""

    def __init__(self, limit: int) -> None:
        self._at: OrderedDict[bytes, float] = OrderedDict()
        self._limit = limit

    def is_within(self, who: bytes, now: float, span_s: float) -> bool:
        at = self._at.get(who)
        return at is not None and now - at < span_s

    def mark(self, who: bytes, now: float) -> None:
        self._at[who] = now
        self._at.move_to_end(who)
        if len(self._at) > self._limit:
            self._at.popitem(last=False)
