"""The usual experiments, and the table of all.

Each starts a fresh server, so that none inherits another's heap, caches or rows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import fleets, meter, servers
from bench.findings import Experiment, Finding, Reading, Scale, Trouble, troubles
from bench.loading import Load
from bench.orders import Beat, Leave, Peak, Prepare, Register, Rest

WARM_UP_AGENTS: Final = 200  # connect, register and leave before anything is measured
SETTLE_S: Final = 1.0  # work that a server puts off for a moment still counts
MS: Final = 1000.0


def registrations(name: str, directory: Path, scale: Scale) -> Iterator[Finding]:
    """Durable registrations per second, and the server's CPU time for each; every one a new connection and key."""
    expected = WARM_UP_AGENTS
    with servers.running(name, directory) as server, Load(server.port) as load:
        warm_up(load)
        for at_once in scale.at_once:
            load.order(Prepare(scale.registrations))
            before = meter.cpu_s(server.pid)
            outcome = load.order(Register(at_once))
            load.order(Rest(SETTLE_S))
            used_s = meter.cpu_s(server.pid) - before
            done = max(outcome.done, 1)
            yield Reading(f"registrations/s, {at_once} at once", outcome.done / outcome.wall_s)
            yield Reading(f"registration, {at_once} at once: server CPU ms", used_s / done * MS)
            yield Reading(f"registration, {at_once} at once: p99 ms", outcome.p99_ms)
            yield from troubles(f"{name}, registrations {at_once} at once", outcome)
            load.order(Leave())
            expected += outcome.done
        stored = server.agents_stored()
        if stored is not None and stored != expected:
            yield Trouble(f"{name}: {expected} registrations were confirmed and /agents tells of {stored}")


def heartbeats(name: str, directory: Path, scale: Scale) -> Iterator[Finding]:
    """The server's CPU time for a thousand acknowledged heartbeats, at fixed rates and at its peak."""
    with servers.running(name, directory) as server, Load(server.port) as load:
        load.order(Prepare(scale.beating_agents))
        yield from troubles(f"{name}, connecting", load.order(Register(64)))
        load.order(Rest(SETTLE_S))
        lost = 0
        for per_s in scale.beats_per_s:
            before = meter.cpu_s(server.pid)
            outcome = load.order(Beat(per_s, scale.seconds))
            used_s = meter.cpu_s(server.pid) - before
            lost += outcome.asked - outcome.done
            yield Reading(f"1000 heartbeats at {per_s}/s: server CPU s", used_s / max(outcome.done, 1) * 1000)
            yield Reading(f"heartbeat at {per_s}/s: p50 ms to the ack", outcome.p50_ms)
            yield Reading(f"heartbeat at {per_s}/s: p99 ms to the ack", outcome.p99_ms)
            yield from troubles(f"{name}, {per_s} heartbeats/s", outcome)
        for outstanding in scale.outstanding:
            before = meter.cpu_s(server.pid)
            outcome = load.order(Peak(outstanding, scale.seconds / 2))
            used_s = meter.cpu_s(server.pid) - before
            lost += outcome.asked - outcome.done
            yield Reading(f"peak heartbeats/s, {outstanding} outstanding", outcome.done / outcome.wall_s)
            yield Reading(
                f"1000 heartbeats at the peak, {outstanding} outstanding: server CPU s",
                used_s / max(outcome.done, 1) * 1000,
            )
            yield from troubles(f"{name}, peak with {outstanding} outstanding", outcome)
        yield Reading("heartbeats lost", lost)


def memory(name: str, directory: Path, scale: Scale) -> Iterator[Finding]:
    """KiB of server memory for each connection that is registered, has sent one heartbeat and is idle."""
    with servers.running(name, directory) as server, Load(server.port) as load:
        warm_up(load)
        before_kib = meter.memory_kib(server.pid)
        load.order(Prepare(scale.idle_agents))
        outcome = load.order(Register(64))
        yield from troubles(f"{name}, connecting {scale.idle_agents}", outcome)
        beaten = load.order(Beat(scale.idle_agents, 1.0))
        yield from troubles(f"{name}, one heartbeat each", beaten)
        busy_until = meter.cpu_s(server.pid)
        rested = load.order(Rest(scale.idle_settle_s))
        idle_cpu = (meter.cpu_s(server.pid) - busy_until) / scale.idle_settle_s
        grown_kib = meter.memory_kib(server.pid) - before_kib
        yield Reading(f"KiB per connection, {scale.idle_agents} idle", grown_kib / max(rested.connected, 1))
        yield Reading(f"% of a core with {scale.idle_agents} idle", idle_cpu * 100)
        if rested.connected != scale.idle_agents:
            yield Trouble(f"{name}: {scale.idle_agents - rested.connected} idle agents were disconnected")


EXPERIMENTS: Final[dict[str, Experiment]] = {
    "registrations": registrations,
    "heartbeats": heartbeats,
    "memory": memory,
    "start": fleets.start,
    "storm": fleets.storm,
    "idle": fleets.idle,
    "agents-page": fleets.agents_page,
}


def warm_up(load: Load) -> None:
    load.order(Prepare(WARM_UP_AGENTS))
    load.order(Register(64))
    load.order(Leave())
