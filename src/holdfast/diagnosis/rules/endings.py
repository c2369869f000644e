"""Connections that end: by a word of the agent, or without one (fault catalogue, 4.3, steps 6 and 7)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from holdfast.diagnosis.regularity import ENOUGH, agreeing
from holdfast.diagnosis.rules.idle import REGULAR, by_client_timeout
from holdfast.diagnosis.rules.tcp import LOSS_SHARE, loss_share, tcp_evidence
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import EVEN, LIKELY, UNCONFIRMED, Verdict, by_count, fact, not_
from holdfast.model import Step
from holdfast.model.findings import Basis, Evidence

SOON_S: Final = 10.0
CRASH_WITHIN_S: Final = 2.0
CRASH_SHARE: Final = 0.2
LOOP_HOLDS_S: Final = 300.0
GONE_FOR_S: Final = 60.0


# ---- with a close frame


def closed(scene: Scene) -> Iterator[Verdict]:
    """The agent sent a close frame: its code tells."""
    trace = scene.trace
    if trace.close_code in POLITE:
        timed_out = by_client_timeout(scene, [life for life in scene.subject.lives if life.close_code in POLITE])
        yield from (timed_out,) if timed_out is not None else _said_goodbye(scene)
    elif trace.close_code == 1011:
        yield _gave_up(scene)
    elif trace.close_code in SYMPTOMS and trace.told_code is None:
        yield _symptom(scene, SYMPTOMS[trace.close_code])


POLITE: Final = (1000, 1005)
SYMPTOMS: Final = {1002: "LIFE-PROTOCOL-1002", 1003: "LIFE-UNSUPPORTED-1003", 1008: "LIFE-POLICY-1008"}


def _said_goodbye(scene: Scene) -> Iterator[Verdict]:
    trace = scene.trace
    if not trace.is_registered:
        return
    stayed = trace.ended_at - trace.registered_at
    if stayed > SOON_S or trace.beaten:
        return
    alike = [life for life in scene.subject.lives if life.close_code in POLITE and life.is_registered]
    n = len(alike)
    yield Verdict(
        code="LIFE-CLOSED-1000",
        confidence=max(0.6, by_count(n)),
        basis=Basis.MEASURED,
        evidence=(
            fact(
                f"the agent closed with {trace.close_code} {stayed:.2f} s after it was registered",
                n=n,
                stayed_s=stayed,
                threshold_s=SOON_S,
            ),
        ),
        rivals=(
            not_("LIFE-NO-CLOSE-FRAME", "a close frame came"),
            not_("LIFE-GOING-AWAY-1001", f"the code was {trace.close_code}"),
        ),
        step=Step.REGISTERED.value,
        until=Step.FIRST_HEARTBEAT,
    )


def _gave_up(scene: Scene) -> Verdict:
    trace = scene.trace
    share = loss_share(trace.sample)
    lossy = share is not None and share > LOSS_SHARE
    parent = "NET-PACKET-LOSS" if lossy else "LIFE-LOOP-BLOCKED"
    return Verdict(
        code="LIFE-INTERNAL-1011",
        confidence=0.6,
        basis=Basis.INFERRED,
        parent=parent,
        evidence=(
            fact("the agent closed with 1011: it decided to give up", reason=trace.reason or None, loss=share),
            *tcp_evidence(trace.sample),
        ),
        rivals=(
            not_("SRV-LOOP-LAG", "our own event loop was not late"),
            not_("NET-PACKET-LOSS", None if lossy or share is None else "hardly anything had to be sent twice"),
        ),
        step=trace.step_name,
        until=Step.REGISTERED,
    )


def _symptom(scene: Scene, code: str) -> Verdict:
    trace = scene.trace
    before = trace.codes[-1] if trace.codes else None
    return Verdict(
        code=code,
        confidence=LIKELY,
        basis=Basis.MEASURED,
        parent=before,
        evidence=(fact(f"the agent closed with {trace.close_code}", reason=trace.reason or None),),
        step=trace.step_name,
        until=Step.REGISTERED,
    )


def gone_away(scene: Scene) -> Iterator[Verdict]:
    """It said 1001 and did not come back within seconds: a stop that was asked for."""
    trace = scene.trace
    yield Verdict(
        code="LIFE-GOING-AWAY-1001",
        confidence=0.95,
        basis=Basis.MEASURED,
        evidence=(
            fact(
                f"the agent closed with 1001 after {trace.age_s:.0f} s and has not come back",
                age_s=trace.age_s, gone_s=scene.at - trace.ended_at,
            ),
        ),
        rivals=(not_("PXY-RELOAD", "a close frame came, and others stayed"),),
        step=trace.step_name,
        until=Step.REGISTERED,
    )  # fmt: skip


# ---- without one


def abrupt(scene: Scene) -> Iterator[Verdict]:
    """No close frame, not by us, and not many at once: regular by idle time, by age, by step, or not at all."""
    if not scene.trace.is_registered:
        return
    lives = [life for life in scene.subject.lives if life.is_abrupt and not life.is_explained]
    for rule in (crash_loop, *REGULAR):
        found = rule(scene, lives)
        if found is not None:
            yield found
            return
    trace = scene.trace
    back = scene.world.online.get(trace.uid or "")
    is_back = back is not None and back.opened_at >= trace.ended_at
    yield replace(unconfirmed(scene), over=is_back)


def crash_loops(scene: Scene) -> Iterator[Verdict]:
    """The same for connections that never registered; there only a named instance tells a crash from a retry."""
    trace = scene.trace
    if trace.is_registered or not trace.is_abrupt or not trace.instance:
        return
    found = crash_loop(scene, [life for life in scene.subject.lives if life.is_abrupt])
    if found is not None:
        yield found


def crash_loop(scene: Scene, lives: Sequence[Trace]) -> Verdict | None:
    """It dies the same moment after the same frame, each time as a new process."""
    last = scene.trace
    same = [life for life in lives if life.step == last.step and life.since_step_s < CRASH_WITHIN_S]
    found = agreeing([life.since_step_s for life in same], tolerance=0.05, share=CRASH_SHARE)
    if found is None or found.n < ENOUGH:
        return None
    row = same[-found.n :]
    instances = {life.instance for life in row if life.instance}
    if instances and len(instances) < found.n:
        return None  # the same process comes back: it did not crash
    confidence = by_count(found.n) if instances else min(EVEN, by_count(found.n))
    gaps = [later.opened_at - earlier.ended_at for earlier, later in pairwise(row)]
    return Verdict(
        code="LIFE-CRASH-LOOP",
        confidence=confidence,
        basis=Basis.INFERRED,
        evidence=(
            fact(
                f"it ended {found.n} times within {found.median:.2f} s of the same step: {FRAMES[last.step_name]}",
                n=found.n, median_s=found.median, spread_s=found.spread, threshold_s=CRASH_WITHIN_S,
                instances=len(instances) or None,
            ),
            *_cadence(gaps),
        ),
        cause=f"The agent fails with an error right after {FRAMES[last.step_name]}",
        rivals=(
            not_("RATE-RECONNECT-LOOP", "each came from a new instance" if instances else None),
            not_("PXY-IDLE-OTHER", "the time counts from a frame, not from the last one of a quiet connection"),
        ),
        step=last.step_name,
        replaces=("LIFE-NO-CLOSE-FRAME", "LIFE-KILLED", "REG-NEVER-COMPLETED", "RATE-RECONNECT-LOOP"),
        holds_s=LOOP_HOLDS_S,
    )  # fmt: skip


FRAMES: Final = {
    Step.UPGRADE.value: "the 101 answer",
    Step.FIRST_MESSAGE.value: "its first message",
    Step.INIT.value: "its init",
    Step.CHALLENGE.value: "our answer to its init",
    Step.SIGNATURE.value: "its complete",
    Step.REGISTERED.value: "our confirmation of its registration",
    Step.FIRST_HEARTBEAT.value: "its first heartbeat",
}


def _cadence(gaps: Sequence[float]) -> tuple[Evidence, ...]:
    """How the returns are spaced tells who starts it again."""
    if len(gaps) < 2:
        return ()
    low, high = min(gaps), max(gaps)
    if high - low < max(0.2, 0.2 * high):
        who = "as a service manager with a fixed delay does (systemd: 0.1 s and more)"
    elif all(later > 1.5 * earlier for earlier, later in pairwise(gaps)):
        who = "growing, as Docker (from 0.1 s) and Kubernetes (from 10 s) do"
    else:
        return ()
    return (fact(f"it is started again after {low:.1f} to {high:.1f} s, {who}", shortest_s=low, longest_s=high),)


def unconfirmed(scene: Scene) -> Verdict:
    """Once, or irregular: what it was shows when the agent comes back. The symptom, with the likeliest cause."""
    trace = scene.trace
    share = loss_share(trace.sample)
    lossy = share is not None and share > LOSS_SHARE
    reset = trace.how == "reset"
    parent = "NET-PACKET-LOSS" if lossy else "LIFE-HALF-OPEN" if trace.how == "timeout" else "LIFE-KILLED"
    said = {"fin": "FIN", "reset": "a reset", "timeout": "a timeout"}.get(trace.how, trace.how or "an end")
    reading = "; a reset means that the process had not read everything" if reset else ""
    rivals = [not_("LIFE-KILLED"), not_("NET-FW-RST" if reset else "PXY-RELOAD", None if reset else "others stayed")]
    if share is not None and not lossy:
        rivals.append(not_("NET-PACKET-LOSS", "hardly anything had to be sent twice"))
    rivals.append(not_("PXY-IDLE-OTHER", "its endings share no idle time"))
    return Verdict(
        code="LIFE-NO-CLOSE-FRAME",
        confidence=UNCONFIRMED,
        basis=Basis.ASSUMED,
        parent=parent,
        evidence=(
            fact(
                f"{said} came and no close frame, {trace.idle_s:.1f} s after the last frame{reading}",
                age_s=trace.age_s, idle_s=trace.idle_s, how=trace.how, loss=share,
            ),
            *tcp_evidence(trace.sample),
        ),
        cause=f"The connection ended without a close frame; {parent} is likeliest, and its return will tell",
        rivals=tuple(rivals),
        step=trace.step_name,
        until=Step.REGISTERED,
    )  # fmt: skip
