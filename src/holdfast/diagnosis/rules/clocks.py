"""Clocks that are wrong: one agent's, or ours."""

from collections.abc import Iterator
from statistics import median
from typing import Final

from holdfast.diagnosis.keys import GATEWAY
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.verdicts import EVEN, LIKELY, Verdict, fact, not_
from holdfast.model import Step
from holdfast.model.findings import Basis, FindingSubject

SKEW_S: Final = 30.0
"""An agent whose clock is this far off is worth a word; registration itself does not depend on it."""

OURS_S: Final = 5.0
JUMP_S: Final = 5.0
FLEET: Final = 5
ABSURD_S: Final = 1e9


def jumped(scene: Scene) -> Iterator[Verdict]:
    """The offset changed in the middle of a connection."""
    before, now = scene.trace.offset_s, _offset(scene)
    if before is None or now is None or abs(now - before) <= JUMP_S:
        return
    yield Verdict(
        code="CLK-JUMP",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        evidence=(
            fact(
                f"its clock went from {before:+.1f} s to {now:+.1f} s against ours within one connection",
                before_s=before, now_s=now, threshold_s=JUMP_S,
            ),
        ),
        rivals=(not_("LIFE-SLEEP", "frames went on meanwhile"),),
        step=scene.trace.step_name,
        holds_s=600.0,
    )  # fmt: skip


def skewed(scene: Scene) -> Iterator[Verdict]:
    """Three messages later the offset is still the same: the clock is wrong, or ours is."""
    trace, world = scene.trace, scene.world
    offset = trace.offset_s
    if offset is None or abs(offset) < SKEW_S or abs(offset) > ABSURD_S or trace.offsets > 1:
        return
    others, n = world.others_offset_s(trace.uid or trace.attempt)
    if n and abs(others - offset) <= OURS_S:
        return  # the others differ as well: is it us?
    if n >= FLEET and abs(others) > OURS_S:
        return  # everybody differs: it is us
    word = "ahead of" if offset > 0 else "behind"
    yield Verdict(
        code="CLK-SKEW",
        confidence=LIKELY if n >= 2 else 0.7 if n else EVEN,
        basis=Basis.MEASURED,
        evidence=(
            fact(
                f"its clock is {abs(offset):.0f} s {word} ours, the same over all its messages",
                offset_s=offset, threshold_s=SKEW_S, others_median_s=others if n else None, others=n,
            ),
        ),
        cause=f"The host's clock is {abs(offset):.0f} s {word} the gateway's",
        rivals=(
            not_("SRV-CLOCK", f"{n} other agents differ by {others:+.1f} s in the middle" if n >= 2 else None),
            not_("MSG-TS-MILLIS", "milliseconds are refused by name"),
        ),
        step=Step.FIRST_MESSAGE.value,
        holds_s=3600.0,
    )  # fmt: skip


def ours(scene: Scene) -> Iterator[Verdict]:
    """All agents differ in one direction: it is our clock."""
    offsets = list(scene.world.offsets.values())
    if len(offsets) < FLEET:
        return
    middle = median(offsets)
    if abs(middle) <= OURS_S or sum(offset * middle > 0 for offset in offsets) < 0.9 * len(offsets):
        return
    word = "behind" if middle > 0 else "ahead of"
    yield Verdict(
        code="SRV-CLOCK",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        key=GATEWAY,
        who=FindingSubject(gateway=True),
        step="gateway",
        evidence=(
            fact(
                f"the clocks of {len(offsets)} agents differ from ours by {middle:+.1f} s in the middle",
                agents=len(offsets), median_s=middle, threshold_s=OURS_S,
            ),
        ),
        cause=f"The gateway's clock is {abs(middle):.0f} s {word} that of its agents",
        rivals=(not_("CLK-SKEW", "all differ in the same direction"),),
        replaces=("CLK-SKEW",),
        everywhere=True,
        holds_s=600.0,
    )  # fmt: skip


def _offset(scene: Scene) -> float | None:
    value = scene.event.facts.get("offset_s")
    return float(value) if isinstance(value, int | float) else None
