"""The fleet's numbers, minute by minute."""

import msgspec


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway counted in the `span_s` seconds from `at` on (Unix seconds, a whole minute).

    `online` and `statuses` are as at the end; `statuses` counts the agents of the whole fleet. `rtt_*` is how long
    connected agents took to answer a ping, None where none was asked; `lag_ms` how late the event loop was.
    """

    at: int
    node: str
    span_s: int = 60
    online: int = 0
    opened: int = 0
    ended: int = 0
    registered: int = 0
    resumed: int = 0
    faults: int = 0
    messages: int = 0
    rtt_p50_ms: float | None = None
    rtt_p95_ms: float | None = None
    lag_ms: float = 0.0
    statuses: dict[str, int] = {}
