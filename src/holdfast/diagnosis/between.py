"""What only both halves together show: that something between the ends lost, held back or cut what they sent. Pure."""

from typing import Final

from msgspec.structs import replace

from holdfast.diagnosis.halves import REACHED, Halves
from holdfast.diagnosis.sides import rivals_of, verdict
from holdfast.faults import CATALOGUE, Area, Problem, printable, problem
from holdfast.model import Attempt, Step
from holdfast.model.findings import Basis
from holdfast.model.joined import Checked, DoctorCheck, Joined, JoinedRival, Side

# Codes under which the doctor says no more than that it waited in vain.
WAITED: Final = frozenset({"WS-HANDSHAKE-SLOW", "SRV-LOOP-LAG", "NET-MTU-BLACKHOLE", "NET-CONN-TIMEOUT"})
# The check that waited, the step at which the gateway has the message, and the step at which it has answered.
WAITS: Final = {
    "upgrade": (Step.UPGRADE, Step.UPGRADE),
    "websocket": (Step.UPGRADE, Step.UPGRADE),
    "init": (Step.FIRST_MESSAGE, Step.CHALLENGE),
}
CUTS: Final = ("PXY-IDLE-", "PXY-MAX-", "PXY-RELOAD", "NET-NAT-IDLE", "NET-FW-RST")
UNSAID: Final = ("fin", "reset", "timeout", "aborted")  # ways to end in which the gateway closed nothing
HELD_WITHIN_S: Final = 2.0
BACK: Final = "Switch buffering and response scanning off for /ws/agent in what stands between, or go around it"


def lost_on_the_way(halves: Halves) -> Joined | None:
    """The doctor waited in vain: had the gateway answered, or had it never got the message?"""
    check, attempt = _waited_in_vain(halves), halves.attempt
    if check is None or attempt is None or not halves.is_the_doctors or halves.gateway_says is not None:
        return None
    assert check.problem is not None
    has, answered = (REACHED[step] for step in WAITS[check.name])
    reached = REACHED[attempt.step]
    if reached >= answered:
        return _lost_back(halves, check.problem, check.name, attempt)
    if reached < has and check.name == "init":
        return _lost_there(halves, check.problem, attempt)
    return None


def _waited_in_vain(halves: Halves) -> DoctorCheck | None:
    """The first check that found no more than that no answer came, if nothing else failed before it."""
    for check in halves.report.checks:
        if check.status is Checked.FAIL and check.problem is not None:
            if check.problem.code not in WAITED:
                return None
            if check.name in WAITS:
                return check
    return None


def _lost_back(halves: Halves, says: Problem, check: str, attempt: Attempt) -> Joined:
    took_ms = _answer_ms(attempt, check)
    why = f"the gateway answered within {took_ms:.0f} ms (attempt {attempt.attempt}), and the answer never reached it"
    code = says.code if says.code == "NET-MTU-BLACKHOLE" else "PXY-BUFFERING"
    wrong = problem(
        code,
        what="the gateway's answer is lost on its way back",
        why=f"{says.why}; {why}",
        fix=None if code == says.code else BACK,
        evidence={"answered_ms": round(took_ms, 1), "attempt": attempt.attempt},
    )
    return verdict(
        halves, wrong, 0.8, Basis.INFERRED, agrees=False, rivals=(*rivals_of(wrong, says, None), _other_loss(code))
    )


def _lost_there(halves: Halves, says: Problem, attempt: Attempt) -> Joined:
    code = says.code if says.code == "NET-MTU-BLACKHOLE" else "PXY-BUFFERING"
    wrong = problem(
        code,
        what="the agent's messages are lost on their way to the gateway",
        why=f"{says.why}; the gateway upgraded this connection ({attempt.attempt}) and has received no message on it",
        fix=None if code == says.code else BACK,
        evidence={"attempt": attempt.attempt, "messages_in": attempt.messages_in},
    )
    return verdict(
        halves, wrong, 0.8, Basis.INFERRED, agrees=False, rivals=(*rivals_of(wrong, says, None), _other_loss(code))
    )


def _other_loss(code: str) -> JoinedRival:
    other = "PXY-BUFFERING" if code == "NET-MTU-BLACKHOLE" else "NET-MTU-BLACKHOLE"
    apart = "There small messages pass and large ones never do; what is only held back arrives late, or in one heap"
    return JoinedRival(code=other, title=CATALOGUE[other].title, side=Side.NEITHER, told_apart_by=apart)


def _answer_ms(attempt: Attempt, check: str) -> float:
    """How long the gateway took: from the first thing it recorded of the message to its answer."""
    ends = [entry.at for entry in attempt.timeline if entry.step == WAITS[check][1].value]
    starts = [entry.at for entry in attempt.timeline if entry.step == WAITS[check][0].value] or ends
    return max(0.0, (ends[0] - starts[0]) * 1000) if ends else 0.0


def cut_in_between(halves: Halves) -> Joined | None:
    """The held connection ended at the doctor's side: did the gateway end it, or does it believe the same of us?"""
    check, says = halves.failed, halves.doctor_says
    if check is None or says is None or check.name != "idle" or not says.code.startswith(CUTS):
        return None
    held = _held(halves, check.evidence.get("held_s"))
    if held is None:
        return None
    if held.ended_at is None:
        wrong = replace(says, why=f"{says.why}; the gateway still holds {held.attempt} as open: it was told nothing")
        return verdict(halves, wrong, 0.95, Basis.MEASURED, notes=(f"The half-open connection is {held.attempt}.",))
    if held.ended_how in UNSAID and held.close_code in (None, 1006):
        lived_s = held.ended_at - held.started_at
        seen = f"the gateway saw {held.attempt} end by {held.ended_how} after {lived_s:.1f} s and had not closed it"
        wrong = replace(says, why=f"{says.why}; {seen}: neither end did it, so a box in between did")
        return verdict(halves, wrong, 0.97, Basis.MEASURED)
    codes = [code for code in held.codes if code in CATALOGUE and CATALOGUE[code].area is not Area.MESSAGE]
    if held.ended_how == "closed-by-gateway" and codes:
        why = (
            f"the gateway itself closed {held.attempt} with {held.close_code} {printable(held.close_reason or '', 120)}"
        )
        wrong = problem(codes[-1], why=why)
        return verdict(halves, wrong, 0.9, Basis.MEASURED, agrees=False, rivals=rivals_of(wrong, says, None))
    return None


def _held(halves: Halves, held_s: object) -> Attempt | None:
    """The doctor's connection that lived as long as the one it held, or that the gateway takes for open."""
    if not isinstance(held_s, int | float):
        return None
    alive = [a for a in halves.during if a.step is Step.UPGRADE and a.ended_at is None]
    ended = [
        a
        for a in halves.during
        if a.step is Step.UPGRADE and a.ended_at is not None and abs(a.ended_at - a.started_at - held_s) < HELD_WITHIN_S
    ]
    return next(iter([*ended, *alive]), None)
