"""Many connections end in the same moment: something between them and us did it, not they."""

from collections.abc import Sequence
from typing import Final

from holdfast.diagnosis.keys import AGENTS, Key, network_of
from holdfast.diagnosis.rules.idle import regular_idle
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.verdicts import LIKELY, Verdict, fact, not_
from holdfast.diagnosis.world import World
from holdfast.model.findings import MAX_LISTED, Basis, FindingSubject

WINDOW_S: Final = 2.0
MANY: Final = 10
FEW: Final = 5
FEW_BEHIND_PROXY: Final = 3
SHARE: Final = 0.2
ENDINGS: Final = ("LIFE-NO-CLOSE-FRAME", "LIFE-KILLED", "NET-FW-RST")


def common_cause(world: World, recent: Sequence[Trace], now: float) -> tuple[Verdict, list[Trace]] | None:
    """One finding for connections that ended together, without a close frame and not by us, with those it explains.

    None where too few did. Another that happens to end in the same moment, elsewhere, keeps a cause of its own.

    `recent` are those of the last two seconds. Three behind one proxy are enough, else ten, or five that are more
    than a fifth of all. Endings that agree in their idle time with earlier ones are no reload.
    """
    by_agent = {trace.key: trace for trace in recent}
    found = list(by_agent.values())
    behind = {trace.path for trace in found if trace.via}
    for address in behind:
        same = _via(found, address)
        if len(same) >= FEW_BEHIND_PROXY and not _idle_out(same, world):
            why = _reload(world, same, f"the proxy at {address}", (AGENTS, "reload", address), now=now, confidence=0.95)
            return why, _via(recent, address)
    n = len(found)
    everybody = len(world.online) + n
    if n < FEW or (n < MANY and n <= SHARE * everybody) or _idle_out(found, world):
        return None
    where, name, confidence = _common_place({trace.address for trace in found})
    why = _reload(world, found, where, (AGENTS, "reload", name), now=now, confidence=confidence)
    return why, list(recent)


def _common_place(addresses: set[str]) -> tuple[str, str, float]:
    """What these addresses share: in words, by name, and how sure that makes a common cause."""
    if len(addresses) == 1:
        address = next(iter(addresses))
        return f"the address {address}", address, LIKELY
    networks = {network_of(address) for address in addresses}
    if len(networks) == 1:
        network = next(iter(networks))
        return f"the network {network}", network, 0.6
    return f"{len(addresses)} addresses", "all", 0.5


def _via(traces: Sequence[Trace], address: str) -> list[Trace]:
    return [trace for trace in traces if trace.address == address]


def _idle_out(found: Sequence[Trace], world: World) -> bool:
    """Whether these ended for having been idle, as they did before."""
    interval = world.timers.ping_interval_s
    return regular_idle(found, interval) is not None and all(life.messages <= 3 for life in found[:FEW])


def _reload(world: World, found: Sequence[Trace], where: str, share: Key, *, now: float, confidence: float) -> Verdict:
    first, last = min(trace.ended_at for trace in found), max(trace.ended_at for trace in found)
    hows = {trace.how for trace in found}
    uptime = now - world.started_at if world.started_at else None
    running = (
        f"our own process has been running for {uptime:.0f} s" if uptime is not None else "our own process runs on"
    )
    return Verdict(
        code="PXY-RELOAD",
        confidence=confidence,
        basis=Basis.INFERRED,
        key=share,
        who=FindingSubject(peer=share[2] if share[2] != "all" else None),
        step="end",
        evidence=(
            fact(
                f"{len(found)} connections from {where} ended within {last - first:.2f} s, without close frames",
                agents=len(found), window_s=last - first, threshold_s=WINDOW_S, how=", ".join(sorted(hows)),
                online_still=len(world.online),
            ),
        ),
        rivals=(
            not_("SRV-RESTART", running),
            not_("LIFE-KILLED", "many ended in the same moment"),
        ),
        agents=tuple(trace.affected() for trace in found[:MAX_LISTED]),
        members=tuple(trace.key for trace in found),
        replaces=ENDINGS,
        holds_s=300.0,
    )  # fmt: skip
