"""Holdfast's own health: while it is ill, nobody else is blamed (fault catalogue, 4.3, step 1)."""

from collections.abc import Iterator
from typing import Final

from holdfast.diagnosis.keys import GATEWAY
from holdfast.diagnosis.rules.messages import WHO, evidence_of
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.verdicts import LIKELY, SURE, Verdict, fact, not_
from holdfast.faults import CATALOGUE
from holdfast.model.findings import Basis

CUT_OFF: Final = "cut_off"
"""The fact of a start that tells how many connections the last life of this gateway left open."""


def lagged(scene: Scene) -> Iterator[Verdict]:
    """Our own event loop stood still."""
    lag = scene.event.facts.get("lag_s")
    yield Verdict(
        code="SRV-LOOP-LAG",
        confidence=SURE,
        basis=Basis.PROOF,
        key=GATEWAY,
        who=WHO,
        step="gateway",
        evidence=(fact("the gateway's event loop was late", lag_s=lag, threshold_s=1.0),),
        rivals=(not_("LIFE-LOOP-BLOCKED", "the clock that was late is our own"),),
        holds_s=60.0,
    )


def store_failed(scene: Scene) -> Iterator[Verdict]:
    """The store takes no writes."""
    code = scene.event.code
    yield Verdict(
        code=code if code is not None and code in CATALOGUE else "SRV-DB-DOWN",
        confidence=SURE,
        basis=Basis.PROOF,
        key=GATEWAY,
        who=WHO,
        step="gateway",
        evidence=(evidence_of(scene.event.facts),),
        holds_s=60.0,
    )


def restarted(scene: Scene) -> Iterator[Verdict]:
    """Started again without having said goodbye: a crash. A clean restart is nobody's fault and no finding."""
    world = scene.world
    cut_off = scene.event.facts.get(CUT_OFF)
    if not cut_off and (not world.started_at or world.stopped_at >= world.started_at):
        return
    ran_for_s = scene.at - world.started_at if world.started_at else None
    yield Verdict(
        code="SRV-RESTART",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        key=GATEWAY,
        who=WHO,
        step="gateway",
        evidence=(
            fact(
                "the gateway started again and had not stopped in order",
                ran_for_s=ran_for_s,
                cut_off=cut_off or None,
                clean=False,
            ),
        ),
        rivals=(not_("PXY-RELOAD", "our own process is new"),),
        holds_s=600.0,
    )
