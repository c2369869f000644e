"""Handshakes that failed, and connections that end before a word is said. The subject is an address."""

from collections.abc import Iterator
from typing import Final

from holdfast.diagnosis.rules.messages import PLANNED, evidence_of, own_fault
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import LIKELY, SURE, Verdict, by_count, fact, not_
from holdfast.faults import CATALOGUE, Severity
from holdfast.model import Step
from holdfast.model.findings import Basis

# An alert or a missing byte leaves more than one reading; first bytes and headers do not.
MEASURED: Final = frozenset(
    {
        "TLS-UNTRUSTED-CA", "TLS-HOSTNAME-MISMATCH", "TLS-EXPIRED", "TLS-VERSION", "WS-HANDSHAKE-SLOW", "WS-RATE-429",
        "WS-UNAVAILABLE-503",
    }
)  # fmt: skip
PASSER_BY: Final = frozenset({"WS-WRONG-PATH", "NET-WRONG-PORT"})
HANDSHAKE_HOLDS_S: Final = 600.0
HIDDEN_HOSTS: Final = 50
GONE_AT_ONCE_S: Final = 1.0


def failed(scene: Scene) -> Iterator[Verdict]:
    """A connection that never became a WebSocket."""
    code = scene.event.code
    if code is None or code in PLANNED or code not in CATALOGUE:
        return
    if code.startswith("SRV-"):
        yield own_fault(scene, code)
        return
    facts = scene.event.facts
    measured = code in MEASURED
    # A browser or a scanner that asks for some page is no agent: worth a line, not an alarm.
    browsing = code in PASSER_BY and facts.get("upgrade") is not True
    yield Verdict(
        code=code,
        confidence=LIKELY if measured else SURE,
        basis=Basis.MEASURED if measured else Basis.PROOF,
        severity=Severity.INFO if browsing else None,
        evidence=(evidence_of(facts),),
        cause=str(facts["why"]) if facts.get("why") else None,
        fix=str(facts["fix"]) if facts.get("fix") else None,
        step=(scene.event.step or Step.TCP).value,
        until=Step.UPGRADE,
        holds_s=HANDSHAKE_HOLDS_S,
        share=("shared", code),
    )


def refused_accept(scene: Scene) -> Iterator[Verdict]:
    """101 was sent and the client was gone at once, without one frame, time after time: it did not like our answer."""
    lives = scene.subject.lives[-5:]
    if len(lives) < 3 or not all(_left_at_once(life) for life in lives):
        return
    yield Verdict(
        code="WS-BAD-ACCEPT",
        confidence=min(0.6, by_count(len(lives))),
        basis=Basis.INFERRED,
        evidence=(
            fact(
                f"{len(lives)} connections in a row ended within a second of our 101, without a single frame",
                n=len(lives), longest_s=max(life.age_s for life in lives), threshold_s=GONE_AT_ONCE_S,
            ),
        ),
        rivals=(not_("WS-SUBPROTOCOL"), not_("LIFE-CRASH-LOOP")),
        until=Step.FIRST_MESSAGE,
    )  # fmt: skip


def _left_at_once(life: Trace) -> bool:
    return life.is_abrupt and life.messages == 0 and life.age_s < GONE_AT_ONCE_S


def hidden_addresses(scene: Scene) -> Iterator[Verdict]:
    """Many hosts at one address, and a proxy's marks on their requests: limits per address count them as one."""
    trace = scene.trace
    hosts = scene.world.hosts_at.get(trace.address)
    if not trace.via or hosts is None or len(hosts) <= HIDDEN_HOSTS:
        return
    yield Verdict(
        code="PXY-CLIENT-IP-HIDDEN",
        confidence=LIKELY,
        basis=Basis.MEASURED,
        key=("peer", trace.address, "proxy"),
        step="upgrade",
        evidence=(
            fact(
                f"{trace.address} holds {len(hosts)} hosts or more, and its requests carry {trace.via}",
                hosts=len(hosts),
                threshold=HIDDEN_HOSTS,
            ),
        ),
        holds_s=86_400.0,
    )
