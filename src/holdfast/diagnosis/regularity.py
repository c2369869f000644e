"""Numbers that agree, and numbers that do not: the arithmetic beneath idle-, age- and step-regular endings."""

from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

ENOUGH: Final = 3
"""Two that agree are a coincidence; three are a pattern (fault catalogue, 4.3)."""


class Regular(msgspec.Struct, frozen=True):
    """`n` values that agree: their median, and how far the largest is from the smallest."""

    n: int
    median: float
    spread: float
    tolerance: float


def agreeing(values: Sequence[float], *, tolerance: float, share: float) -> Regular | None:
    """How the newest values agree: at least three, spread over less than the larger of `tolerance` and `share` of them.

    The newest three begin; older ones are taken in as long as they agree. A single stray in between ends the row.
    """
    taken: list[float] = []
    for value in reversed(values):
        trial = [*taken, value]
        limit = max(tolerance, share * median(trial))
        if max(trial) - min(trial) > limit:
            break
        taken = trial
    if len(taken) < ENOUGH:
        return None
    middle = median(taken)
    return Regular(len(taken), middle, max(taken) - min(taken), max(tolerance, share * middle))
