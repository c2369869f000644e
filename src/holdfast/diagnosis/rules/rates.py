"""Too often: without success, without need, all at once, or before the time that was told."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from holdfast.diagnosis.keys import GATEWAY
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import LIKELY, Verdict, fact, not_
from holdfast.faults import CATALOGUE, Severity
from holdfast.model import Step
from holdfast.model.findings import MAX_LISTED, Basis, FindingSubject

LOOP: Final = 5
LOOP_S: Final = 60.0
REREGISTER: Final = 5
REREGISTER_S: Final = 300.0
HERD: Final = 20
HERD_S: Final = 30.0
HERD_SPREAD_S: Final = 0.3
HERD_PER_S: Final = 2000.0
"""Agents that wait as they are told come back at 500 a second at most: that is how the gateway spreads them."""

EARLY: Final = 3


def reconnect_loop(scene: Scene) -> Iterator[Verdict]:
    """Five connections within a minute, not one registered: a symptom, with the cause it dies of each time."""
    trace = scene.trace
    if trace.is_registered:
        return
    lives = [life for life in scene.subject.lives if scene.at - life.ended_at <= LOOP_S]
    if len(lives) < LOOP or any(life.is_registered for life in lives):
        return
    instances = {life.instance for life in lives if life.instance}
    if len(instances) == len(lives):
        return  # a new process each time: it crashes
    cause = cause_of(lives)
    if cause in CATALOGUE and CATALOGUE[cause].severity is Severity.INFO:
        return  # somebody looks in regularly: a health check, a browser
    steps = Counter(life.step_name for life in lives).most_common(3)
    reached = ", ".join(f"{name} {n} times" for name, n in steps)
    gaps = [later.opened_at - earlier.ended_at for earlier, later in pairwise(lives)]
    yield Verdict(
        code="RATE-RECONNECT-LOOP",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        parent=cause,
        evidence=(
            fact(
                f"{len(lives)} connections in {LOOP_S:.0f} s and none registered; they reached: {reached}",
                n=len(lives), threshold=LOOP, pause_s=median(gaps) if gaps else None, instances=len(instances) or None,
            ),
        ),
        cause=f"Each attempt fails at the same step: {CATALOGUE[cause].title}" if cause in CATALOGUE else None,
        rivals=(not_("LIFE-CRASH-LOOP", "the same instance comes back" if instances else None),),
        step=trace.step_name,
        until=Step.REGISTERED,
        holds_s=120.0,
    )  # fmt: skip


def cause_of(lives: Sequence[Trace]) -> str:
    """The fault that most of these connections died of."""
    found = Counter(life.codes[-1] if life.codes else _by_step(life) for life in lives)
    return found.most_common(1)[0][0]


def _by_step(life: Trace) -> str:
    if life.challenged_at and not life.completed:
        return "REG-NEVER-COMPLETED"
    return "REG-INIT-MISSING" if life.messages else "LIFE-SILENT"


def reregister_loop(scene: Scene) -> Iterator[Verdict]:
    """One key registers in full again and again."""
    times = [at for at in scene.subject.registrations if scene.at - at <= REREGISTER_S]
    if len(times) < REREGISTER:
        return
    trigger = scene.subject.last_refusal
    last = scene.subject.last_life
    ended = f"the last connection ended: {last.how}, code {last.close_code}" if last is not None else None
    yield Verdict(
        code="RATE-REREGISTER-LOOP",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        parent=trigger,
        evidence=(
            fact(
                f"{len(times)} complete registrations of one key in {REREGISTER_S:.0f} s",
                n=len(times), threshold=REREGISTER, set_off_by=trigger, before=ended,
            ),
        ),
        cause=f"After {trigger} the agent starts from the beginning instead of going on" if trigger else None,
        rivals=(not_("KEY-REGENERATED", "the key is the same each time"),),
        step=Step.REGISTERED.value,
        holds_s=REREGISTER_S,
    )  # fmt: skip


def herd(scene: Scene) -> Iterator[Verdict]:
    """Many agents come back at the same delay after they were all cut off: they wait a fixed time."""
    world = scene.world
    fresh = list(world.arrivals)
    if len(fresh) < HERD:
        return
    moments = sorted(trace.opened_at for trace in fresh)
    cut = max(1, len(moments) // 10)
    middle = moments[cut:-cut]
    spread = middle[-1] - middle[0]
    limit = max(HERD_SPREAD_S, len(middle) / HERD_PER_S)
    if spread > limit:
        return
    delay = moments[0] - world.started_at if world.started_at else None
    yield Verdict(
        code="RATE-HERD",
        confidence=0.7,
        basis=Basis.INFERRED,
        key=GATEWAY,
        who=FindingSubject(gateway=True),
        step="upgrade",
        evidence=(
            fact(
                f"{len(fresh)} agents came back, four in five of them within {spread * 1000:.0f} ms",
                agents=len(fresh), spread_s=spread, threshold_s=limit, since_start_s=delay,
            ),
        ),
        rivals=(not_("RATE-LIMITED", "hundreds came in the same second, not one too often"),),
        agents=tuple(trace.affected() for trace in fresh[:MAX_LISTED]),
        holds_s=600.0,
    )  # fmt: skip


def too_early(scene: Scene) -> Iterator[Verdict]:
    """It was told when to come back, and came before, three times."""
    subject = scene.subject
    if subject.early < EARLY:
        return
    yield Verdict(
        code="RATE-IGNORES-RETRY-AFTER",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        evidence=(
            fact(
                f"{subject.early} attempts inside the time it had been told to wait",
                attempts=subject.early, told_to_wait_s=max(0.0, subject.wait_until - scene.at), threshold=EARLY,
            ),
        ),
        rivals=(not_("RATE-RECONNECT-LOOP", "a time to come back was given"),),
        step=scene.trace.step_name,
        holds_s=600.0,
    )  # fmt: skip
