"""What all agents of a swarm together have done and met."""

from collections import Counter, deque
from typing import Final

import msgspec

MAX_LATENCIES: Final = 20_000


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """The swarm at one moment. `heartbeats_per_s` is since the moment before."""

    at_s: float
    agents: int
    connected: int
    registered: int
    heartbeats_per_s: float
    acks_missing: int
    reconnects: int
    refused: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole run. `errors` counts fault codes the gateway sent, `endings` how connections ended.

    `injected` counts the faults of the faulty agents among them, of whom nothing else is counted here. `acks_missing`
    are heartbeats that a living connection left unanswered. `ok`: every agent registered, none was
    refused, no acknowledgement is missing, and all were connected at the end.
    """

    ok: bool
    agents: int
    registered_once: int
    connected_at_end: int
    registrations: int
    resumptions: int
    heartbeats: int
    acks: int
    acks_missing: int
    reconnects: int
    refused: int
    errors: dict[str, int]
    endings: dict[str, int]
    ack_median_ms: float | None
    ack_p99_ms: float | None
    seconds: float
    injected: dict[str, int] = {}


class Tally:
    """Counters that every member adds to."""

    def __init__(self) -> None:
        self.connected = 0  # upgraded now
        self.registered = 0  # registered or resumed on a connection that is open now
        self.registered_once = 0
        self.registrations = 0
        self.resumptions = 0
        self.heartbeats = 0
        self.acks = 0
        self.acks_missing = 0
        self.reconnects = 0
        self.refused = 0
        self.errors: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()
        self.latencies_s: deque[float] = deque(maxlen=MAX_LATENCIES)
        self._shown_at_s = 0.0
        self._shown = 0

    def progress(self, *, at_s: float, agents: int) -> Progress:
        """Where the swarm stands `at_s` seconds after its start; asked for once per moment that is shown."""
        passed_s, beaten = at_s - self._shown_at_s, self.heartbeats - self._shown
        self._shown_at_s, self._shown = at_s, self.heartbeats
        return Progress(
            at_s=round(at_s, 1),
            agents=agents,
            connected=self.connected,
            registered=self.registered,
            heartbeats_per_s=round(beaten / passed_s, 1) if passed_s > 0 else 0.0,
            acks_missing=self.acks_missing,
            reconnects=self.reconnects,
            refused=self.refused,
        )

    def summary(self, *, agents: int, seconds: float) -> Summary:
        """The run as a whole; to be taken before the agents are sent home."""
        sound = self.registered_once == self.registered == agents and not self.refused and not self.acks_missing
        ranked = sorted(self.latencies_s)
        return Summary(
            ok=sound,
            agents=agents,
            registered_once=self.registered_once,
            connected_at_end=self.registered,
            registrations=self.registrations,
            resumptions=self.resumptions,
            heartbeats=self.heartbeats,
            acks=self.acks,
            acks_missing=self.acks_missing,
            reconnects=self.reconnects,
            refused=self.refused,
            errors=dict(self.errors.most_common()),
            endings=dict(self.endings.most_common()),
            ack_median_ms=_ms(ranked, 0.5),
            ack_p99_ms=_ms(ranked, 0.99),
            seconds=round(seconds, 1),
        )


def _ms(ranked: list[float], share: float) -> float | None:
    return round(ranked[min(int(len(ranked) * share), len(ranked) - 1)] * 1000, 2) if ranked else None
