"""What is remembered of each agent, claim and peer; bounded, so that a flood can only push out its own kind."""

from collections import OrderedDict, deque
from typing import Final

from holdfast.diagnosis.keys import AGENT, CLAIM, PEER, Key
from holdfast.diagnosis.traces import Trace

LIVES_KEPT: Final = {AGENT: 50, CLAIM: 10, PEER: 10}
LIMITS: Final = {AGENT: 100_000, CLAIM: 2_000, PEER: 2_000}
LIVES_IN_ALL: Final = {AGENT: 100_000, CLAIM: 20_000, PEER: 20_000}
"""A thousand lives take about 0.7 MB."""
RECENT: Final = 16
NO_LIVES: Final[tuple[Trace, ...]] = ()


class Subject:
    """One agent, claim or peer: its last connections, and what was seen of its process and machine."""

    __slots__ = ("_lives", "early", "key", "last_refusal", "registrations", "replacements", "wait_until")

    def __init__(self, key: Key) -> None:
        self.key = key
        # Most have one of each: a deque takes half a KiB for its first item.
        self._lives: list[Trace] | None = None
        self.registrations: tuple[float, ...] = ()
        self.replacements: deque[tuple[Trace, Trace]] | None = None
        self.last_refusal: str | None = None
        self.wait_until = 0.0
        self.early = 0

    @property
    def lives(self) -> tuple[Trace, ...]:
        """Its last connections that ended, the oldest first, at most 50."""
        return tuple(self._lives) if self._lives is not None else NO_LIVES

    @property
    def last_life(self) -> Trace | None:
        """The connection that ended last."""
        return self._lives[-1] if self._lives else None

    def add_life(self, trace: Trace) -> int:
        """A connection of this subject ended; returns how many more are kept than before, 0 or 1."""
        if self._lives is None:
            self._lives = []
        self._lives.append(trace)
        if len(self._lives) <= LIVES_KEPT[self.key[0]]:
            return 1
        del self._lives[0]
        return 0

    def add_registration(self, at: float) -> None:
        """A registration was completed."""
        self.registrations = (*self.registrations[1 - RECENT :], at)

    def add_replacement(self, older: Trace, newer: Trace) -> None:
        """A live connection was replaced by another."""
        if self.replacements is None:
            self.replacements = deque(maxlen=RECENT)
        self.replacements.append((older, newer))


class Subjects:
    """All subjects, the least recently used forgotten first, each kind within its own bound."""

    def __init__(self) -> None:
        self._kinds: dict[str, OrderedDict[Key, Subject]] = {kind: OrderedDict() for kind in LIMITS}
        self._lives = dict.fromkeys(LIMITS, 0)

    def __len__(self) -> int:
        return sum(len(kind) for kind in self._kinds.values())

    def get(self, key: Key) -> Subject:
        """The subject of `key`, remembered from now on."""
        kind = self._kinds[key[0]]
        subject = kind.get(key)
        if subject is None:
            subject = kind[key] = Subject(key)
            if len(kind) > LIMITS[key[0]]:
                self._forget_oldest(key[0])
        else:
            kind.move_to_end(key)
        return subject

    def end(self, key: Key, trace: Trace) -> Subject:
        """A connection of `key` ended: it belongs to the history from now on."""
        subject = self.get(key)
        self._lives[key[0]] += subject.add_life(trace)
        while self._lives[key[0]] > LIVES_IN_ALL[key[0]]:
            self._forget_oldest(key[0])
        return subject

    def _forget_oldest(self, kind: str) -> None:
        _, forgotten = self._kinds[kind].popitem(last=False)
        self._lives[kind] -= len(forgotten.lives)
