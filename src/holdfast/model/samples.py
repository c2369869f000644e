"""One agent's numbers over time."""

import msgspec


class Samples(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway measured of one agent's connection, minute by minute from `at` on (Unix seconds).

    `rtt_ms` is how long the agent took to answer the last ping, None before the first; `heartbeats` how many came.
    """

    agent_uid: str
    node: str
    at: int
    rtt_ms: tuple[float | None, ...]
    heartbeats: tuple[int, ...]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a chart: worst `rtt_ms` and all `heartbeats` of the `span_s` seconds that were measured from `at`."""

    at: int
    span_s: int
    rtt_ms: float | None
    heartbeats: int
