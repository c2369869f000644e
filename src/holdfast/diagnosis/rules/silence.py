"""Open connections on which nothing, or not the right thing, is said (fault catalogue, 4.3, steps 4 and 5)."""

from collections.abc import Iterator
from typing import Final

from holdfast.diagnosis.regularity import agreeing
from holdfast.diagnosis.rules.tcp import LOSS_SHARE, Kernel, loss_share, tcp_evidence, verdict_of_kernel
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import EVEN, LIKELY, Verdict, by_count, fact, not_
from holdfast.model import Step
from holdfast.model.findings import Basis, Evidence

BEHIND_PROXY: Final = (
    "Run `holdfast doctor` on the host, or see whether the same instance comes back: "
    "a proxy's kernel confirms for a host that is gone"
)
LATE_COMPLETE_S: Final = 15.0
NAT_HOLDS_S: Final = 900.0


def silent(scene: Scene) -> Iterator[Verdict]:
    """No message so far, or not one until we closed for it."""
    code = "LIFE-PING-ONLY" if scene.event.code == "LIFE-PING-ONLY" else "LIFE-SILENT"
    trace, timers = scene.trace, scene.world.timers
    waited = scene.at - trace.opened_at
    closed = trace.told_code == code
    ponged = trace.ponged_s is not None
    said = f"101 was sent {waited:.0f} s ago, and not one message came"
    rivals = [not_("LIFE-PING-ONLY" if code == "LIFE-SILENT" else "LIFE-SILENT", _pings(code))]
    alive = ponged or closed
    rivals.append(not_("LIFE-FROZEN", "its answers to our pings kept the connection open" if alive else None))
    yield Verdict(
        code=code,
        confidence=0.95 if closed else 0.8,
        basis=Basis.MEASURED,
        evidence=(
            fact(said, messages=0, waited_s=waited, threshold_s=timers.first_message_s, pings=_number(scene, "pings")),
        ),
        rivals=tuple(rivals),
        step=Step.UPGRADE.value,
        until=Step.FIRST_MESSAGE,
        replaces=("LIFE-SILENT",) if code == "LIFE-PING-ONLY" else (),
        count=0 if closed else 1,
    )


def _pings(code: str) -> str:
    return "no ping came" if code == "LIFE-SILENT" else "pings came"


def repeats_init(scene: Scene) -> Iterator[Verdict]:
    """Init again while its answer is out: the answer was not recognised."""
    trace = scene.trace
    yield _never_completed(
        scene,
        fact(
            f"the agent sent init {trace.inits} times on one connection and never a complete",
            inits=trace.inits,
            since_challenge_s=scene.at - trace.challenged_at,
        ),
        cause="The agent repeats its init: it does not recognise our answer (other id, channel or payload form)",
        confidence=0.8,
    )


def overdue(scene: Scene) -> Iterator[Verdict]:
    """The challenge is out for a while and the connection stands: step two is missing."""
    waited = scene.at - scene.trace.challenged_at
    expired = waited >= scene.world.timers.challenge_ttl_s - 1.0
    yield _never_completed(
        scene,
        fact(
            f"the challenge was sent {waited:.0f} s ago, the connection stands, and no complete came",
            waited_s=waited,
            expires_s=scene.world.timers.challenge_ttl_s,
        ),
        cause="The agent stays connected after our answer and never sends step two",
        confidence=0.95 if expired else 0.7,
    )


def left_challenge(scene: Scene) -> Iterator[Verdict]:
    """It ended with a challenge unanswered."""
    trace = scene.trace
    if not trace.challenged_at or trace.completed or trace.is_registered or trace.told_code is not None:
        return
    after = trace.ended_at - trace.challenged_at
    at_once = after < 2.0
    cause = "The agent left right after our answer: an error in the code that handles it" if at_once else None
    yield _never_completed(
        scene,
        fact(f"the connection ended {after:.2f} s after the challenge, without a complete", after_s=after),
        cause=cause,
        confidence=0.6,
    )


def _never_completed(scene: Scene, evidence: Evidence, *, cause: str | None, confidence: float) -> Verdict:
    rival = "each connection came from the same or from no named instance" if scene.trace.instance else None
    return Verdict(
        code="REG-NEVER-COMPLETED",
        confidence=confidence,
        basis=Basis.MEASURED,
        evidence=(evidence,),
        cause=cause,
        rivals=(not_("LIFE-CRASH-LOOP", rival), not_("MSG-CHANNEL-LEGACY", "no message came on an old channel")),
        step=Step.CHALLENGE.value,
        until=Step.REGISTERED,
    )


def no_heartbeat(scene: Scene) -> Iterator[Verdict]:
    """Registered, alive, and no message for three intervals."""
    trace, timers = scene.trace, scene.world.timers
    since = scene.at - max(trace.registered_at, trace.step_at)
    had = "after it had begun" if trace.beaten else "since it registered"
    yield Verdict(
        code="LIFE-NO-HEARTBEAT",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        evidence=(
            fact(
                f"no message for three heartbeat intervals, {had}",
                interval_s=timers.heartbeat_interval_s,
                registered_for_s=scene.at - trace.registered_at,
                since_last_step_s=since,
            ),
        ),
        rivals=(
            not_("LIFE-FROZEN", "frames still come, or the connection would have been ended"),
            not_("MSG-HEARTBEAT-CHANNEL", "no message was refused" if not trace.codes else None),
        ),
        step=Step.REGISTERED.value,
        until=Step.FIRST_HEARTBEAT,
    )


def no_pong(scene: Scene) -> Iterator[Verdict]:
    """Pings go unanswered: either messages still come (it never answers), or the kernel tells who fell silent."""
    trace, timers = scene.trace, scene.world.timers
    last_recv_ms = trace.sample.get("last_data_recv")
    interval = timers.ping_interval_s
    if isinstance(last_recv_ms, int) and last_recv_ms / 1000 > 2 * interval:
        yield from died(scene)
        return
    yield Verdict(
        code="LIFE-NO-PONG",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        evidence=(
            fact("no pong for 2.5 ping intervals while other frames came", interval_s=interval),
            *tcp_evidence(trace.sample),
        ),
        rivals=(not_("LIFE-FROZEN", "frames still come"),),
        step=trace.step_name,
        holds_s=600.0,
    )


def died(scene: Scene) -> Iterator[Verdict]:
    """Nothing at all comes any more. What the kernel knows tells a host that is gone from a process that stands."""
    trace = scene.trace
    nat = _forgotten(scene)
    if nat is not None:
        yield nat
        return
    kernel = verdict_of_kernel(trace.sample)
    base: Evidence = fact("no frame came, not even a pong", dead_after_s=scene.world.timers.dead_after_s)
    if trace.via or kernel is Kernel.UNKNOWN:
        why = (
            f"the peer is a proxy ({trace.via}), whose kernel answers" if trace.via else "the kernel's numbers are gone"
        )
        for code in ("LIFE-HALF-OPEN", "LIFE-FROZEN"):
            yield _dead(scene, code, EVEN, (base, fact(f"{why}: the two cannot be told apart from here")), None)
        return
    if kernel is Kernel.UNREACHED:
        because = "the peer's kernel confirms nothing, so the host or the path is gone, not the process alone"
        yield _dead(scene, "LIFE-HALF-OPEN", 0.95, (base,), because)
        return
    because = "the peer's kernel goes on confirming what we send"
    yield _dead(scene, "LIFE-FROZEN", LIKELY, (base,), because)


def _dead(scene: Scene, code: str, confidence: float, evidence: tuple[Evidence, ...], because: str | None) -> Verdict:
    rivals = [not_("LIFE-FROZEN" if code == "LIFE-HALF-OPEN" else "LIFE-HALF-OPEN", because)]
    if code == "LIFE-FROZEN":
        rivals.append(not_("LIFE-LOOP-BLOCKED"))  # until it recovers by itself
    return Verdict(
        code=code,
        confidence=confidence,
        basis=Basis.MEASURED,
        evidence=(*evidence, *tcp_evidence(scene.trace.sample)),
        fix=BEHIND_PROXY if confidence == EVEN else None,
        rivals=tuple(rivals),
        step=scene.trace.step_name,
        until=Step.REGISTERED,
        replaces=("LIFE-NO-PONG", "LIFE-NO-HEARTBEAT"),
    )


def _forgotten(scene: Scene) -> Verdict | None:
    """Lost three times after the same time of quiet: a box on the way forgets the flow."""
    lost = [life for life in (*scene.subject.lives, scene.trace) if life.lost and life.sample]
    interval = scene.world.timers.ping_interval_s
    quiet = [_quiet_before_loss(life, interval) for life in lost]
    found = agreeing([q for q in quiet if q is not None], tolerance=1.0, share=0.02)
    if found is None or found.median < 2.0:
        return None
    return Verdict(
        code="NET-NAT-IDLE",
        confidence=by_count(found.n),
        basis=Basis.INFERRED,
        evidence=(
            fact(
                f"the path died {found.n} times in the first quiet period of {found.median:.1f} s",
                n=found.n, median_s=found.median, spread_s=found.spread, threshold_s=found.tolerance,
            ),
            *tcp_evidence(scene.trace.sample),
        ),
        rivals=(
            not_("LIFE-HALF-OPEN", "it happens after the same time of quiet each time"),
            not_("PXY-IDLE-OTHER", "nobody ended the connection: it was only forgotten"),
            not_("LIFE-SLEEP", "the host came back at once each time"),
        ),
        step=scene.trace.step_name,
        replaces=("LIFE-HALF-OPEN",),
        holds_s=NAT_HOLDS_S,
        share=("path", scene.trace.path),
        share_at=3,
        heartbeat_s=kept_alive_by(found.median),
    )  # fmt: skip


def _quiet_before_loss(life: Trace, ping_interval_s: float) -> float | None:
    """Between the last sign of life and the first ping that nobody confirmed, in seconds.

    Since that ping one was sent at each interval, and `unacked` counts them.
    """
    names = ("last_data_recv", "last_ack_recv", "last_data_sent", "unacked")
    numbers = [value for name in names if isinstance(value := life.sample.get(name), int)]
    if len(numbers) < len(names) or numbers[3] < 1:
        return None
    recv_ms, acked_ms, sent_ms, unacked = numbers
    quiet = (min(recv_ms, acked_ms) - sent_ms) / 1000 - (unacked - 1) * ping_interval_s
    return quiet if quiet > 0 else None


def late_pong(scene: Scene) -> Iterator[Verdict]:
    """A pong, seconds late: who was late, the process or the path?"""
    facts, trace = scene.event.facts, scene.trace
    late, resent = _number(scene, "late_s") or 0.0, _number(scene, "retransmits") or 0
    if resent or (_number(scene, "backoff") or 0) or (loss_share(facts) or 0.0) > LOSS_SHARE:
        return  # the path was late: what is confirmed now had to be sent twice
    yield Verdict(
        code="LIFE-LOOP-BLOCKED",
        confidence=LIKELY if not trace.via else 0.6,
        basis=Basis.MEASURED,
        evidence=(
            fact(f"a pong came {late:.1f} s late, while the kernel confirmed at once", late_s=late),
            *tcp_evidence(facts),
        ),
        rivals=(
            not_("LIFE-FROZEN", "it answered again by itself"),
            not_("NET-PACKET-LOSS", "nothing had to be sent twice"),
            not_("SRV-LOOP-LAG", "our own event loop was not late"),
        ),
        step=trace.step_name,
        replaces=("LIFE-FROZEN", "LIFE-NO-PONG", "LIFE-HALF-OPEN"),
        holds_s=600.0,
    )


def kept_alive_by(limit_s: float) -> float:
    """The heartbeat interval for a path that forgets after `limit_s` of quiet: below half, never under a second."""
    return round(max(1.0, limit_s * 0.4), 1)


def _number(scene: Scene, name: str) -> float | None:
    value = scene.event.facts.get(name)
    return value if isinstance(value, int | float) else None
