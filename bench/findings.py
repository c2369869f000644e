"""What an experiment is told and what it finds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from bench.orders import Outcome

BUSY_LOAD: Final = 0.95


class Scale(msgspec.Struct, frozen=True):
    """How much is measured. The defaults are what the published figures use."""

    registrations: int = 3000
    at_once: tuple[int, ...] = (64, 512)
    beating_agents: int = 1000
    beats_per_s: tuple[int, ...] = (1000, 8000)
    seconds: float = 10.0
    outstanding: tuple[int, ...] = (1, 8)
    idle_agents: int = 5000
    idle_settle_s: float = 8.0  # longer than presence may take to reach the disk
    starts: int = 3
    storm_agents: int = 5000
    still_agents: int = 10_000
    still_s: float = 40.0  # two pings for each connection
    listed_agents: tuple[int, ...] = (1000, 1_000_000)
    pages: int = 200


QUICK: Final = Scale(
    registrations=500, at_once=(64, 512), beating_agents=200, beats_per_s=(1000, 4000), seconds=2.0, idle_agents=1000,
    starts=1, storm_agents=500, still_agents=1000, still_s=5.0, listed_agents=(1000, 20_000), pages=50,
)  # fmt: skip


class Reading(msgspec.Struct, frozen=True):
    """One figure of one server in one round."""

    figure: str
    value: float


class Trouble(msgspec.Struct, frozen=True):
    """Something that makes a reading less than it seems: an error, a lost answer, a generator that was the limit."""

    text: str
    is_failure: bool = True


Finding = Reading | Trouble
Experiment = Callable[[str, Path, Scale], Iterator[Finding]]


def troubles(where: str, outcome: Outcome) -> Iterator[Trouble]:
    if outcome.errors or outcome.done < outcome.asked:
        reason = outcome.first_error or "no answer came"
        yield Trouble(
            f"{where}: {outcome.done} of {outcome.asked} confirmed, {outcome.errors} errors; the first: {reason}"
        )
    if outcome.load_busy > BUSY_LOAD:
        yield Trouble(
            f"{where}: the load generator was busy for {outcome.load_busy:.0%} of the time and may be the limit",
            is_failure=False,
        )
