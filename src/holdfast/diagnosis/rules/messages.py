"""Refused messages: the parser, the signature check and the registry have named the fault; here it gets a subject."""

from collections.abc import Iterator
from typing import Final

from holdfast.diagnosis.keys import GATEWAY
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.traces import STEPS
from holdfast.diagnosis.verdicts import LIKELY, SURE, Verdict, fact
from holdfast.faults import CATALOGUE
from holdfast.model import Step
from holdfast.model.events import Fact
from holdfast.model.findings import Basis, Evidence, FindingSubject, Rival

PLANNED: Final = frozenset({"LIFE-RESTART-1012"})
# Told again when the gateway closes for them; the rules of silence and identity speak of them.
ELSEWHERE: Final = frozenset({"LIFE-DUPLICATE-SESSION", "LIFE-HALF-OPEN", "LIFE-SILENT", "LIFE-PING-ONLY"})
MEASURED: Final = frozenset(
    {
        "RATE-LIMITED", "CLK-SKEW", "LIFE-SLOW-CONSUMER", "REG-ID-EXPIRED", "REG-INIT-MISSING", "REG-NEVER-COMPLETED",
        "WS-HANDSHAKE-SLOW", "WS-RATE-429", "LIFE-OVERLOAD-1013", "WS-UNAVAILABLE-503",
    }
)  # fmt: skip
OWN: Final = ("SRV-",)
DAMAGE: Final = frozenset({"MSG-BAD-UTF8", "LIFE-PROTOCOL-1002", "WS-EXTENSION", "MSG-NOT-JSON"})
# Facts that the sentence is made of, or that say how the message was answered; the rest are numbers of the evidence.
TOLD: Final = frozenset({"what", "why", "fix", "user_agent", "retry_after_s"})
WHO: Final = FindingSubject(gateway=True)


def refused(scene: Scene) -> Iterator[Verdict]:
    """A message was refused: the fault is its code's, counted for whoever sent it."""
    code = scene.event.code
    if code is None or code in PLANNED or code in ELSEWHERE or code not in CATALOGUE:
        return
    facts = scene.event.facts
    if code.startswith(OWN):
        yield own_fault(scene, code)
        return
    measured = code in MEASURED
    reached = scene.trace.step
    yield Verdict(
        code=code,
        confidence=LIKELY if measured else SURE,
        basis=Basis.MEASURED if measured else Basis.PROOF,
        evidence=(evidence_of(facts),),
        cause=_text(facts.get("why")),
        fix=_text(facts.get("fix")),
        step=STEPS[reached].value,
        until=_passes_at(code, reached),
        parent=scene.subject.last_refusal if code == "RATE-LIMITED" else None,
    )


def odd(scene: Scene) -> Iterator[Verdict]:
    """A message that was taken all the same, though something about it will hurt one day."""
    code = scene.event.code
    if code is None or code not in CATALOGUE:
        return
    facts = scene.event.facts
    yield Verdict(
        code=code,
        confidence=SURE,
        basis=Basis.PROOF,
        evidence=(evidence_of(facts),),
        cause=_text(facts.get("why")),
        fix=_text(facts.get("fix")),
        step=STEPS[scene.trace.step].value,
    )


def interleaved(scene: Scene) -> Iterator[Verdict]:
    """Bytes damaged at another place each time, by an agent that frames well otherwise: two tasks write at once.

    Text in a wrong encoding is wrong at the same place each time; so this needs two connections to be told apart.
    """
    trace = scene.trace
    if trace.damage is None or not trace.is_registered:
        return
    damaged = [life.damage for life in scene.subject.lives if life.damage is not None and life.is_registered]
    places = {*damaged, trace.damage}
    if not damaged or len(places) <= len(damaged):
        return
    yield Verdict(
        code="MSG-INTERLEAVED",
        confidence=0.7 if len(damaged) == 1 else LIKELY,
        basis=Basis.INFERRED,
        evidence=(
            fact(
                f"{len(damaged) + 1} connections of this agent broke after good messages, at another byte each time",
                n=len(damaged) + 1,
                damage="; ".join(sorted(places))[:200],
            ),
        ),
        rivals=(
            Rival(code="MSG-BAD-UTF8", excluded_because="a wrong encoding is wrong at the same place each time"),
            Rival(code="LIFE-PROTOCOL-1002", excluded_because="other frames of the same connection were right"),
        ),
        step=STEPS[trace.step].value,
        replaces=tuple(DAMAGE),
        holds_s=3600.0,
    )


def own_fault(scene: Scene, code: str) -> Verdict:
    """The gateway could not do what was right to ask: its own fault, with those who were turned away."""
    facts = scene.event.facts
    return Verdict(
        code=code,
        confidence=SURE,
        basis=Basis.PROOF,
        key=GATEWAY,
        who=WHO,
        step="gateway",
        evidence=(evidence_of(facts),),
        cause=_text(facts.get("why")),
        fix=_text(facts.get("fix")),
        agents=(scene.trace.affected(),),
        holds_s=60.0,
    )


def evidence_of(facts: dict[str, Fact]) -> Evidence:
    """What the refusal said, with its numbers."""
    said = "; ".join(str(facts[name]) for name in ("what", "why") if facts.get(name)) or "refused"
    return fact(said) | {name: value for name, value in facts.items() if name not in TOLD and value is not None}


def _passes_at(code: str, reached: int) -> Step | None:
    """The step that proves this mistake mended; None where only time can tell."""
    if code.startswith(("SIG-", "REG-", "KEY-", "ID-")):
        return Step.REGISTERED
    after = reached + 1
    return STEPS[after] if after < len(STEPS) else None


def _text(value: Fact) -> str | None:
    return value if isinstance(value, str) and value else None
