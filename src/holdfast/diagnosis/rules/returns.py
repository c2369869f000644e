"""An agent comes back: only now does it show what its last end was."""

from collections.abc import Iterator
from typing import Final

from holdfast.diagnosis.rules.tcp import LOSS_SHARE, loss_share, tcp_evidence
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import LIKELY, Verdict, fact, not_
from holdfast.model.findings import Basis, Evidence

SLEPT_S: Final = 60.0
EXITS: Final = {"killed": "LIFE-KILLED", "oom": "LIFE-OOM", "reboot": "LIFE-REBOOT"}
PUZZLES: Final = ("LIFE-NO-CLOSE-FRAME", "LIFE-HALF-OPEN", "LIFE-FROZEN")
PATTERNS: Final = frozenset(
    {
        "LIFE-CRASH-LOOP", "PXY-IDLE-60", "PXY-IDLE-100", "PXY-IDLE-350", "PXY-IDLE-OTHER", "PXY-MAX-DURATION",
        "NET-NAT-IDLE", "LIFE-CLIENT-TIMEOUT",
    }
)  # fmt: skip


def returned(scene: Scene) -> Iterator[Verdict]:
    """Compare the process that comes back with the one that went, if it went without a word or was lost."""
    before, now = scene.subject.last_life, scene.trace
    if before is None or not before.is_registered or before.is_explained or not (before.is_abrupt or before.lost):
        return
    if not scene.open_codes.isdisjoint(PATTERNS):
        return  # it ended as it always does, and that is told already
    gap = now.opened_at - before.ended_at
    evidence = _comparison(before, now, gap)
    exit_code = _exit(now.last_exit)
    if before.boot_id and now.boot_id and before.boot_id != now.boot_id:
        yield _told("LIFE-REBOOT", 0.95, evidence, rival=("LIFE-KILLED", "the boot id is new as well"))
    elif exit_code is not None:
        yield _told(exit_code, 0.95, evidence, rival=("LIFE-NO-CLOSE-FRAME", "its next start told how it ended"))
    elif before.instance and now.instance and before.instance != now.instance:
        if before.is_abrupt:
            yield _told("LIFE-KILLED", 0.8, evidence, rival=("NET-PACKET-LOSS", "another process came back"))
    elif before.instance and before.instance == now.instance:
        yield from _same_process(before, gap, evidence)


def _same_process(before: Trace, gap: float, evidence: tuple[Evidence, ...]) -> Iterator[Verdict]:
    share = loss_share(before.sample)
    if before.lost:
        if gap >= SLEPT_S and not before.via:
            yield _told("LIFE-SLEEP", 0.7, evidence, rival=("LIFE-REBOOT", "the boot id is the same"))
        return
    if share is not None and share > LOSS_SHARE:
        yield _told("NET-PACKET-LOSS", 0.8, evidence, rival=("LIFE-KILLED", "the same process came back"))
    elif before.how == "reset":
        yield _told("NET-FW-RST", 0.6, evidence, rival=("LIFE-KILLED", "the same process came back"))


def _told(code: str, confidence: float, evidence: tuple[Evidence, ...], *, rival: tuple[str, str]) -> Verdict:
    """What it was. It is over: the agent is back."""
    return Verdict(
        code=code,
        confidence=confidence,
        basis=Basis.MEASURED if confidence >= LIKELY else Basis.INFERRED,
        evidence=evidence,
        rivals=(not_(*rival),),
        step="end",
        replaces=PUZZLES,
        over=True,
    )


def _comparison(before: Trace, now: Trace, gap: float) -> tuple[Evidence, ...]:
    reset = "; the reset says that it had not read everything" if before.how == "reset" else ""
    return (
        fact(
            f"the connection ended without a close frame ({before.how}); it was back after {gap:.1f} s{reset}",
            away_s=gap, how=before.how, age_s=before.age_s,
        ),
        fact(
            "the process before and the one now",
            instance_before=before.instance, instance_now=now.instance,
            boot_before=before.boot_id, boot_now=now.boot_id, last_exit=now.last_exit,
        ),
        *tcp_evidence(before.sample),
    )  # fmt: skip


def _exit(said: str | None) -> str | None:
    """The fault behind what the next start reports of the last run: our own agent's words, and usual ones."""
    if not said:
        return None
    word = said.lower()
    if "oom" in word or "out of memory" in word:
        return "LIFE-OOM"
    if word in EXITS:
        return EXITS[word]
    return "LIFE-KILLED" if word in ("sigkill", "signal 9", "9", "137") else None
