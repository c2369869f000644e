"""Endings that agree in their idle time or in their age: proxies, NAT, and agents that take quiet for loss."""

from collections.abc import Callable, Sequence
from typing import Final

from holdfast.diagnosis.regularity import Regular, agreeing
from holdfast.diagnosis.rules.silence import kept_alive_by
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import Verdict, by_count, fact, not_
from holdfast.model.findings import Basis

SHORTEST_IDLE_S: Final = 1.5
HOLDS_INTERVALS: Final = 5.0
NLB_S: Final = 300.0
ROUND_S: Final = 5.0

RegularRule = Callable[[Scene, Sequence[Trace]], Verdict | None]


def regular_idle(lives: Sequence[Trace], ping_interval_s: float) -> Regular | None:
    """How the idle times before the end agree, if they do and no connection outlived them.

    The tolerance is a second or 2 %, but never more than a quarter of the time itself: half a second is no idle limit.
    """
    times = [_quiet_before(life) for life in lives]
    found = agreeing(times, tolerance=1.0, share=0.02)
    if found is None or found.median < SHORTEST_IDLE_S or found.spread > 0.25 * found.median:
        return None
    row = lives[-found.n :]
    survived = any(outlived(life, found.median, _frames(life, ping_interval_s)) for life in row)
    return None if survived else found


def _quiet_before(life: Trace) -> float:
    """The idle time that decided. A reset right after our own ping answers the ping: the quiet was before it."""
    if life.how == "reset" and life.pinged_s is not None and life.pinged_s < 1.0:
        return life.heard_s - life.pinged_s
    return life.idle_s


def outlived(life: Trace, limit_s: float, frames: int) -> bool:
    """Whether this connection's usual pause was about as long as `limit_s`: then `limit_s` is no limit.

    The first three frames are those of the registration, at its very beginning.
    """
    spoken_s = life.age_s - min(limit_s, life.age_s)
    return frames > 4 and spoken_s / (frames - 3) > 0.9 * limit_s


def _frames(life: Trace, ping_interval_s: float) -> int:
    """Messages and pings of both sides."""
    ours = 0 if life.pinged_s is None else round((life.age_s - life.pinged_s) / ping_interval_s)
    return life.messages + life.pings + ours


def by_idle(scene: Scene, lives: Sequence[Trace]) -> Verdict | None:
    """A box between ends what is quiet."""
    found = regular_idle(lives, scene.world.timers.ping_interval_s)
    if found is None:
        return None
    trace = scene.trace
    code = _idle_code(found.median, trace)
    limit = found.median
    beat = kept_alive_by(limit)
    return Verdict(
        code=code,
        confidence=by_count(found.n),
        basis=Basis.INFERRED,
        evidence=(
            fact(
                f"{found.n} connections ended after {limit:.1f} s without a frame, whatever their age",
                n=found.n, median_s=limit, spread_s=found.spread, threshold_s=found.tolerance,
                youngest_s=min(life.age_s for life in lives[-found.n :]),
                oldest_s=max(life.age_s for life in lives[-found.n :]),
            ),
            fact(f"Holdfast asks this agent for a heartbeat every {beat:g} s from now on", heartbeat_s=beat),
        ),
        rivals=(
            not_("PXY-MAX-DURATION", "the ages differ" if _ages_differ(lives, found) else None),
            not_("LIFE-CLIENT-TIMEOUT", "the peer is a proxy" if trace.via else None),
            not_("LIFE-CRASH-LOOP", "no new instance each time" if _same_instance(lives, found) else None),
        ),
        step=trace.step_name,
        replaces=("LIFE-NO-CLOSE-FRAME", "PXY-RELOAD"),
        holds_s=max(300.0, HOLDS_INTERVALS * limit),
        share=("path", trace.path),
        share_at=3,
        heartbeat_s=beat,
    )  # fmt: skip


def _idle_code(limit_s: float, trace: Trace) -> str:
    if trace.how == "reset" and limit_s >= NLB_S:
        return "PXY-IDLE-350"
    if 59.0 <= limit_s <= 61.0:
        return "PXY-IDLE-60"
    if 98.0 <= limit_s <= 103.0 and "CF-Ray" in trace.via:
        return "PXY-IDLE-100"
    return "PXY-IDLE-OTHER"


def _ages_differ(lives: Sequence[Trace], found: Regular) -> bool:
    ages = [life.age_s for life in lives[-found.n :]]
    return max(ages) - min(ages) > found.tolerance


def _same_instance(lives: Sequence[Trace], found: Regular) -> bool:
    named = [life.instance for life in lives[-found.n :] if life.instance]
    return len(named) == found.n and len(set(named)) == 1


def by_age(scene: Scene, lives: Sequence[Trace]) -> Verdict | None:
    """A box between ends what is old, however busy."""
    found = agreeing([life.age_s for life in lives], tolerance=1.0, share=0.02)
    if found is None or found.median < 2 * SHORTEST_IDLE_S or found.spread > 0.25 * found.median:
        return None
    trace = scene.trace
    row = lives[-found.n :]
    instances = {life.instance for life in row if life.instance}
    if len(instances) == found.n:
        return None  # a new process each time: it may end itself
    return Verdict(
        code="PXY-MAX-DURATION",
        confidence=by_count(found.n),
        basis=Basis.INFERRED,
        evidence=(
            fact(
                f"{found.n} connections ended at the age of {found.median:.1f} s, however busy they were",
                n=found.n, median_s=found.median, spread_s=found.spread, threshold_s=found.tolerance,
                shortest_idle_s=min(life.idle_s for life in row), longest_idle_s=max(life.idle_s for life in row),
            ),
        ),
        rivals=(
            not_("PXY-IDLE-OTHER", "the idle times before the end differ, or longer ones were survived"),
            not_("RATE-RECONNECT-LOOP", "each connection was registered and lived its time"),
        ),
        step=trace.step_name,
        replaces=("LIFE-NO-CLOSE-FRAME",),
        holds_s=max(300.0, HOLDS_INTERVALS * found.median),
        share=("path", trace.path),
        share_at=3,
    )  # fmt: skip


def by_client_timeout(scene: Scene, lives: Sequence[Trace]) -> Verdict | None:
    """The agent itself ends a quiet connection: after a round time without messages, though pings went to and fro.

    `lives` are those the agent ended, with a close frame or without.
    """
    row = [life for life in lives if life.quiet_s is not None and life.is_registered]
    found = agreeing([life.quiet_s or 0.0 for life in row], tolerance=0.5, share=0.02)
    if found is None or found.median < SHORTEST_IDLE_S or found.spread > 0.25 * found.median:
        return None
    row = row[-found.n :]
    named = {life.instance for life in row if life.instance}
    if len(named) == found.n or any(outlived(life, found.median, life.messages) for life in row):
        return None
    politely = all(not life.is_abrupt for life in row)
    pinged_between = all(life.idle_s < 0.9 * (life.quiet_s or 0.0) for life in row)
    if not (politely or pinged_between):
        return None
    nearest = round(found.median)
    return Verdict(
        code="LIFE-CLIENT-TIMEOUT",
        confidence=by_count(found.n),
        basis=Basis.INFERRED,
        evidence=(
            fact(
                f"the agent ended {found.n} connections after {found.median:.1f} s without a message",
                n=found.n, median_s=found.median, spread_s=found.spread, threshold_s=found.tolerance,
                nearest_whole_s=nearest,
            ),
        ),
        rivals=(
            not_("PXY-IDLE-OTHER", "it sent a close frame" if politely else "pings passed in between"),
        ),
        step=scene.trace.step_name,
        replaces=("LIFE-NO-CLOSE-FRAME", "LIFE-CLOSED-1000"),
        holds_s=max(300.0, HOLDS_INTERVALS * found.median),
    )  # fmt: skip


REGULAR: Final[tuple[RegularRule, ...]] = (by_client_timeout, by_idle, by_age)
