"""When to dial again, and whether at all. Randomness comes in as `draw`, uniform in [0, 1)."""

from typing import Final

import msgspec

from holdfast.protocol.closes import is_terminal

MAX_RETRY_AFTER_S: Final = 3600.0  # a longer wish is a mistake or an attack: an agent comes back within the hour or two

# What no wait can mend: a person has to change this agent's configuration, or its standing, and start it again.
TERMINAL_FAULTS: Final = frozenset(
    {"ID-REVOKED", "ID-WRONG-ORG", "ID-TOKEN-EXPIRED", "ID-TOKEN-EXHAUSTED", "ID-TOKEN-INVALID"}
)


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Full jitter: anywhere between nothing and a ceiling that doubles with each failure up to `cap_s`.

    The draw is taken after the cap, so agents that have all reached it stay spread over the whole of `cap_s`
    (RATE-HERD). An announced `retry_after` is a floor: jitter goes on top of it, at least half of it wide, since every
    agent of a fleet may have been told the same number.
    """

    base_s: float = 1.0
    cap_s: float = 60.0

    def delay_s(self, *, failures: int, draw: float, retry_after_s: float | None = None) -> float:
        """Seconds until the next attempt. `failures` counts those since the last stable connection, from 1."""
        ceiling = min(self.cap_s, self.base_s * 2.0 ** min(max(failures - 1, 0), 32))
        if retry_after_s is None:
            return draw * ceiling
        floor = min(max(retry_after_s, 0.0), MAX_RETRY_AFTER_S)
        return floor + draw * max(ceiling, floor / 2)


def comes_back(*, close_code: int | None, fault_code: str) -> bool:
    """Whether an agent dials again after a connection ended with this close code (if any) and this fault."""
    return not (fault_code in TERMINAL_FAULTS or (close_code is not None and is_terminal(close_code)))
