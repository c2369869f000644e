"""Who is who: one key on two machines, one machine with many keys, two processes of one agent."""

from collections.abc import Iterator
from typing import Final

from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import EVEN, LIKELY, SURE, Verdict, fact, not_
from holdfast.model import Admission, Step
from holdfast.model.findings import Basis, Evidence

FIGHT_S: Final = 300.0
DAY_S: Final = 86_400.0
REGENERATED: Final = 3


def replaced(scene: Scene) -> Iterator[Verdict]:
    """A connection that was replaced by a newer one has ended. Had it been alive, there are two of this agent.

    A peer that answers our close frame is alive; an old path of the same process does not answer, and the same
    instance that comes twice is one process that connected anew.
    """
    older = scene.trace
    pairs = scene.subject.replacements
    if not pairs or pairs[-1][0] is not older or older.how != "close-frame":
        return
    newer = pairs[-1][1]
    if older.instance and older.instance == newer.instance:
        return
    recent = [pair for pair in pairs if pair[0].ended_at == 0.0 or scene.at - pair[0].ended_at < FIGHT_S]
    evidence = _pair(older, newer, len(recent))
    differing = [
        name
        for name, left, right in (
            ("machine id", older.machine_id, newer.machine_id),
            ("boot id", older.boot_id, newer.boot_id),
            ("address", older.address, newer.address),
        )
        if left and right and left != right
    ]
    if differing:
        yield _cloned(evidence, differing, older)
    elif older.instance and newer.instance:
        confidence = 0.6 if len(recent) == 1 else LIKELY
        yield _doubled(evidence, confidence, "both share machine, boot and address")
    elif len(recent) >= 2:
        yield _doubled(evidence, EVEN, None)


def _pair(older: Trace, newer: Trace, turns: int) -> tuple[Evidence, ...]:
    def told(trace: Trace, sentence: str) -> Evidence:
        return fact(
            sentence,
            address=trace.address, instance=trace.instance, boot_id=trace.boot_id, machine_id=trace.machine_id,
            host_id=trace.host_id, attempt=trace.attempt,
        )  # fmt: skip

    return (
        fact(f"both were connected and alive; {turns} replacements within {FIGHT_S:.0f} s", replacements=turns),
        told(older, "the connection that was replaced, and answered"),
        told(newer, "the connection that replaced it"),
    )


def _cloned(evidence: tuple[Evidence, ...], differing: list[str], older: Trace) -> Verdict:
    sure = "machine id" in differing or "boot id" in differing
    named = " and ".join(differing)
    return Verdict(
        code="ID-CLONED",
        confidence=0.95 if sure else (0.6 if older.via else 0.75),
        basis=Basis.MEASURED,
        evidence=evidence,
        cause=f"Two machines hold the same key: they differ in {named}",
        rivals=(not_("LIFE-DUPLICATE-SESSION", f"the {named} differ"),),
        step=Step.REGISTERED.value,
        replaces=("LIFE-DUPLICATE-SESSION", "ID-KEY-NEW-HOST"),
        holds_s=DAY_S if sure else 3600.0,
    )


def _doubled(evidence: tuple[Evidence, ...], confidence: float, because: str | None) -> Verdict:
    return Verdict(
        code="LIFE-DUPLICATE-SESSION",
        confidence=confidence,
        basis=Basis.MEASURED,
        evidence=evidence,
        rivals=(not_("ID-CLONED", because),),
        step=Step.REGISTERED.value,
        holds_s=600.0,
    )


def new_keys(scene: Scene) -> Iterator[Verdict]:
    """A host_id that other keys hold as well registered with a key that is new."""
    facts = scene.event.facts
    others = [uid for uid in str(facts.get("other_keys") or "").split(", ") if uid]
    if not others or facts.get("first_time") is not True:
        return
    online = [uid for uid in others if uid in scene.world.online]
    trace = scene.trace
    evidence: list[Evidence] = [
        fact(
            f"host_id {trace.host_id} registered with a new key; {len(others)} other keys hold it",
            new_key=trace.fingerprint, others=len(others), others_online=len(online), uids=", ".join(others),
        )
    ]  # fmt: skip
    for uid in online[:2]:
        other = scene.world.online[uid]
        evidence.append(
            fact("another holder of this host_id is connected now", uid=uid, address=other.address,
                 machine_id=other.machine_id, instance=other.instance)
        )  # fmt: skip
    if len(others) + 1 >= REGENERATED and not online:
        yield Verdict(
            code="KEY-REGENERATED",
            confidence=LIKELY if len(others) >= REGENERATED else 0.8,
            basis=Basis.INFERRED,
            key=("claim", "", trace.org_id or "", trace.host_id or ""),
            evidence=tuple(evidence),
            rivals=(
                not_("ID-HOST-NEW-KEY", f"it is the {len(others) + 1}. key of this host"),
                not_("ID-CLONED", "no older key of this host is connected"),
            ),
            step=Step.REGISTERED.value,
            replaces=("ID-HOST-NEW-KEY",),
            holds_s=DAY_S,
        )
        return
    yield _new_key(scene, tuple(evidence), online)


def _new_key(scene: Scene, evidence: tuple[Evidence, ...], online: list[str]) -> Verdict:
    trace = scene.trace
    machines = {scene.world.online[uid].machine_id for uid in online}
    if online and trace.machine_id and machines.isdisjoint({trace.machine_id, None}):
        cause = "Two hosts use the same host_id: another machine holds it and is connected now"
    elif online:
        cause = "The holder of the other key is connected now: two hosts use the same host_id"
    else:
        cause = "The host was installed anew or lost its key: the other key is not connected"
    return Verdict(
        code="ID-HOST-NEW-KEY",
        confidence=SURE,
        basis=Basis.PROOF,
        key=("claim", "", trace.org_id or "", trace.host_id or ""),
        evidence=evidence,
        cause=cause,
        rivals=(
            not_("KEY-REGENERATED", "it happened once so far"),
            not_("ID-CLONED", "the keys differ"),
        ),
        step=Step.REGISTERED.value,
        holds_s=DAY_S,
    )


def new_host(scene: Scene) -> Iterator[Verdict]:
    """A known key under another host_id, and not both at once."""
    before = scene.event.facts.get("previous_host_id")
    if not before:
        return
    pairs = scene.subject.replacements
    if pairs and scene.at - pairs[-1][1].opened_at < FIGHT_S:
        return  # both at once: the end of the older connection tells
    yield Verdict(
        code="ID-KEY-NEW-HOST",
        confidence=SURE,
        basis=Basis.PROOF,
        evidence=(fact(f"this key was registered as {before} until now", before=before, now=scene.trace.host_id),),
        rivals=(not_("ID-CLONED", "the two were not connected at the same time"),),
        step=Step.REGISTERED.value,
        holds_s=3600.0,
    )


def pending(scene: Scene) -> Iterator[Verdict]:
    """Registered, and waiting for an operator."""
    if scene.event.facts.get("admission") != Admission.PENDING.value:
        return
    trace = scene.trace
    yield Verdict(
        code="ID-PENDING",
        confidence=SURE,
        basis=Basis.PROOF,
        evidence=(fact("the registration is stored and waits for approval"),),
        fix=f"Approve it with `holdfast agents approve {trace.uid}`",
        step=Step.REGISTERED.value,
        holds_s=DAY_S,
    )
