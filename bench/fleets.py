"""Experiments on whole fleets: start, a storm after a crash, a fleet that is still, lists of a million agents."""

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import meter, servers
from bench.findings import Finding, Reading, Scale, Trouble, troubles
from bench.loading import Load, LoadFailure
from bench.orders import Beat, Prepare, Register, Rest, Return

HEARTBEAT_S: Final = 20
AT_ONCE: Final = 512
ONLINE_PATIENCE_S: Final = 10.0
MS: Final = 1000.0


def start(name: str, directory: Path, scale: Scale) -> Iterator[Finding]:
    """From the command to the first answer that says ready: with no data, and with that of the first start."""
    for number in range(scale.starts):
        where = servers.place(name, directory / str(number))
        with servers.running_at(where) as server:
            yield Reading("start to ready, no data: s", server.started_s)
        with servers.running_at(where) as server:
            yield Reading("start to ready, data there: s", server.started_s)


def storm(name: str, directory: Path, scale: Scale) -> Iterator[Finding]:
    """Everybody comes back after `kill -9`, as soon as the server answers again: how long until all are online?"""
    where, count = servers.place(name, directory), scale.storm_agents
    with Load(where.port) as load:
        with servers.running_at(where) as server:
            load.order(Prepare(count))
            yield from troubles(f"{name}, connecting {count}", load.order(Register(64)))
            os.kill(server.pid, signal.SIGKILL)
        with servers.running_at(where) as server:
            before_s = meter.cpu_s(server.pid)
            outcome = load.order(Return(AT_ONCE))
            used_s = meter.cpu_s(server.pid) - before_s
            yield Reading(f"storm, {count} back after kill -9: s", outcome.wall_s)
            yield Reading(f"storm, {count} back: server CPU ms each", used_s / max(outcome.done, 1) * MS)
            yield Reading("storm, heartbeats of those who are back: p99 ms", outcome.p99_ms)
            yield from troubles(f"{name}, storm", outcome)
            yield from _all_online(server, load, count)


def _all_online(server: servers.Server, load: Load, count: int) -> Iterator[Finding]:
    """Presence may reach the list half a second late, not more."""
    deadline = time.monotonic() + ONLINE_PATIENCE_S
    online = server.agents_stored(status="online")
    while online not in (None, count) and time.monotonic() < deadline:
        load.order(Rest(0.05))
        online = server.agents_stored(status="online")
    if online not in (None, count):
        yield Trouble(f"{server.name}: {count} agents are connected and {online} of them are online in the list")


def idle(name: str, directory: Path, scale: Scale) -> Iterator[Finding]:
    """A fleet that only answers pings, and the same with a heartbeat every 20 s."""
    count, seconds = scale.still_agents, scale.still_s
    with servers.running(name, directory) as server, Load(server.port) as load:
        load.order(Prepare(count))
        yield from troubles(f"{name}, connecting {count}", load.order(Register(64)))
        load.order(Rest(scale.idle_settle_s))
        before_s = meter.cpu_s(server.pid)
        rested = load.order(Rest(seconds))
        yield Reading(f"% of a core, {count} agents, pings only", (meter.cpu_s(server.pid) - before_s) / seconds * 100)
        before_s = meter.cpu_s(server.pid)
        beaten = load.order(Beat(count // HEARTBEAT_S, seconds))
        used_s = meter.cpu_s(server.pid) - before_s
        yield Reading(f"% of a core, {count} agents, a heartbeat every {HEARTBEAT_S} s", used_s / seconds * 100)
        yield from troubles(f"{name}, {count} agents", beaten)
        if rested.connected != count:
            yield Trouble(f"{name}: {count - rested.connected} idle agents were disconnected")


def agents_page(name: str, directory: Path, scale: Scale) -> Iterator[Finding]:
    """A page of 50 agents out of few and out of many; peers have no list."""
    if name != servers.HOLDFAST:
        return
    for count in scale.listed_agents:
        where = servers.place(name, directory / str(count))
        where.data.mkdir(parents=True)
        command = [sys.executable, "-m", "bench.seed", str(where.data / "holdfast.db"), str(count)]
        subprocess.run(command, cwd=servers.ROOT, check=True)
        with servers.running_at(where):
            for which, taken_s in _pages(where.api_port, scale.pages).items():
                yield Reading(f"GET /agents of {count}, {which}: p50 ms", statistics.median(taken_s) * MS)


def _pages(port: int, pages: int) -> dict[str, list[float]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    taken: dict[str, list[float]] = {"first page": [], "next page": [], "one org, last seen first": []}
    cursor = ""
    for _ in range(pages):
        for which, query in (
            ("first page", ""),
            ("next page", f"?cursor={cursor}"),
            ("one org, last seen first", "?org=org-7&sort=-last_seen"),
        ):
            began = time.perf_counter()
            connection.request("GET", f"/agents{query}" if query != "?cursor=" else "/agents")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise LoadFailure(f"GET /agents{query} answered {answer.status}: {body[:500].decode()}")
            taken[which].append(time.perf_counter() - began)
            if which == "next page":
                cursor = json.loads(body)["next_cursor"] or ""
    connection.close()
    return taken
