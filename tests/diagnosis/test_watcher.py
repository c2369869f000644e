"""The shell of diagnosis on a real registry: stored within a second, told after the commit, honest when it cannot."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from nacl.signing import SigningKey

from holdfast.bus import LocalBus
from holdfast.diagnosis.watcher import Watcher
from holdfast.faults import Unavailable, problem
from holdfast.model import Agent, Attempt, Registration, Status, Step
from holdfast.model.events import Event, EventKind, Fact
from holdfast.model.findings import Finding, FindingChanged, FindingQuery, KeptFinding
from holdfast.registry import Registry
from holdfast.registry.attempts import CRASHED
from holdfast.store import open_store


class Told(list[tuple[str, str]]):
    """What was told on the bus: change and code."""

    def take(self, changed: FindingChanged) -> None:
        self.append((changed.change, changed.finding.code))


@dataclass
class Plane:
    """A registry with diagnosis on it."""

    registry: Registry
    bus: LocalBus
    watcher: Watcher
    told: Told = field(default_factory=Told)

    def tell(
        self, kind: EventKind, *, step: Step | None = None, code: str | None = None, uid: str | None = None,
        ago: float = 0.0, **facts: Fact,
    ) -> None:  # fmt: skip
        self.watcher.record(
            Event(
                at=time.time() - ago, kind=kind, attempt="a-1", step=step, code=code, peer="192.0.2.7:40000",
                host_id="web-01", agent_uid=uid, facts=facts,
            )
        )  # fmt: skip

    async def until(self, holds: Callable[[Sequence[Finding]], bool]) -> Sequence[Finding]:
        deadline = time.monotonic() + 5
        while True:
            found = (await self.registry.findings.list(FindingQuery())).findings
            if holds(found):
                return found
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.02)


@pytest.fixture
async def plane(sqlite_url: str) -> AsyncIterator[Plane]:
    store, bus = await open_store(sqlite_url), LocalBus()
    registry = Registry(store, bus, policy="approve", node_id="node-1")
    await registry.start()
    watcher = Watcher(findings=registry.findings, presence=registry.presence, bus=bus, clock=time.time)
    running = Plane(registry, bus, watcher)
    bus.on(FindingChanged, running.told.take)
    await watcher.start()
    yield running
    await watcher.close()
    await registry.close()
    await store.close()


KEY = bytes(SigningKey.generate().verify_key)
CLAIM = Registration(org_id="default-org", host_id="web-01", public_key=KEY, attempt="a-1")


async def register(registry: Registry) -> str:
    return (await registry.register(CLAIM)).agent_uid


async def agent(registry: Registry, uid: str) -> Agent:
    found = await registry.get_agent(uid)
    assert found is not None
    return found


async def test_a_finding_is_stored_and_told_within_a_second(plane: Plane) -> None:
    began = time.monotonic()
    plane.tell(EventKind.REFUSED, code="MSG-NOT-JSON", what="it is no JSON", why="at byte 0")

    (found,) = await plane.until(lambda found: len(found) == 1)

    assert time.monotonic() - began < 1.0
    assert (found.code, found.cause) == ("MSG-NOT-JSON", "at byte 0")
    await plane.until(lambda _: plane.told == [("opened", "MSG-NOT-JSON")])


async def test_what_happens_many_times_in_a_moment_is_written_and_told_once(plane: Plane) -> None:
    for _ in range(200):
        plane.tell(EventKind.REFUSED, code="MSG-NOT-JSON")

    await plane.until(lambda found: [each.count for each in found] == [200])

    assert plane.told == [("opened", "MSG-NOT-JSON"), ("updated", "MSG-NOT-JSON")]


async def test_an_agents_condition_follows_its_findings(plane: Plane) -> None:
    uid = await register(plane.registry)
    await plane.registry.approve(uid)
    plane.tell(EventKind.UPGRADED, step=Step.UPGRADE)
    plane.tell(EventKind.REGISTERED, step=Step.REGISTERED, uid=uid, admission="approved")

    plane.tell(EventKind.NO_HEARTBEAT, code="LIFE-NO-HEARTBEAT", uid=uid)
    await plane.registry.flush()
    ill = await agent(plane.registry, uid)
    plane.tell(EventKind.FIRST_HEARTBEAT, step=Step.FIRST_HEARTBEAT, uid=uid)
    await plane.registry.flush()
    well = await agent(plane.registry, uid)

    assert (ill.status, well.status) == (Status.DEGRADED, Status.ONLINE)
    assert ill.status_why == "LIFE-NO-HEARTBEAT: The agent registered and sends no heartbeats"


async def test_a_learned_idle_limit_lowers_the_agents_heartbeat_interval(plane: Plane) -> None:
    uid = await register(plane.registry)
    plane.tell(EventKind.GATEWAY_STARTED, ping_interval_s=600.0, ago=300.0)
    for i in range(3):
        began = 200.0 - 60.0 * i
        plane.tell(EventKind.UPGRADED, step=Step.UPGRADE, ago=began)
        plane.tell(EventKind.RESUMED, step=Step.REGISTERED, uid=uid, ago=began)
        age = 40.0 + i
        plane.tell(EventKind.ENDED, uid=uid, ago=began - age, how="fin", closed_by="nobody", age_s=age, heard_s=30.0)

    await plane.until(lambda found: "PXY-IDLE-OTHER" in {each.code for each in found})
    deadline = time.monotonic() + 5
    while (await agent(plane.registry, uid)).heartbeat_interval_s != 12.0:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)

    resumed = await plane.registry.identify("", KEY)
    again = await plane.registry.register(CLAIM)

    assert resumed is not None
    assert (resumed.heartbeat_interval_s, again.heartbeat_interval_s) == (12.0, 12.0)


async def test_an_approval_ends_the_finding_of_whoever_waited_for_it(plane: Plane) -> None:
    uid = await register(plane.registry)
    plane.tell(EventKind.REGISTERED, step=Step.REGISTERED, uid=uid, admission="pending")
    await plane.until(lambda found: [each.code for each in found] == ["ID-PENDING"])

    await plane.registry.approve(uid)

    (found,) = await plane.until(lambda found: found[0].resolved_at is not None)
    assert found.resolved_because == "an operator has approved it"


async def test_what_was_open_at_a_stop_goes_on_with_its_count_after_the_start(plane: Plane) -> None:
    for _ in range(3):
        plane.tell(EventKind.REFUSED, code="MSG-NOT-JSON")
    await plane.watcher.close()
    (before,) = (await plane.registry.findings.list()).findings

    again = Watcher(findings=plane.registry.findings, presence=plane.registry.presence, bus=plane.bus, clock=time.time)
    await again.start()
    plane.watcher = again
    plane.tell(EventKind.REFUSED, code="MSG-NOT-JSON")

    (after,) = await plane.until(lambda found: [each.count for each in found] == [4])
    assert after.id == before.id
    await again.close()


async def test_a_start_that_finds_connections_left_open_tells_of_a_crash(plane: Plane) -> None:
    crashed = Attempt(
        attempt="a-7", started_at=time.time() - 9, ended_at=time.time(), ended_how=CRASHED, step=Step.FIRST_HEARTBEAT
    )
    await plane.registry.save_attempts([crashed])
    await plane.watcher.close()

    again = Watcher(findings=plane.registry.findings, presence=plane.registry.presence, bus=plane.bus, clock=time.time)
    await again.start()
    plane.watcher = again
    plane.tell(EventKind.GATEWAY_STARTED)

    (found,) = await plane.until(lambda found: len(found) == 1)
    assert (found.code, found.evidence[0]["cut_off"]) == ("SRV-RESTART", 1)
    await again.close()


class IllStore:
    """A store of findings that is away until it is mended."""

    def __init__(self) -> None:
        self.is_ill = True
        self.saved: list[KeptFinding] = []

    async def save(self, saved: Sequence[KeptFinding]) -> None:
        if self.is_ill:
            raise Unavailable(problem("SRV-DB-DOWN", what="the database does not answer", why="connection refused"))
        self.saved += saved

    async def open_of_this_node(self) -> Sequence[KeptFinding]:
        return []

    async def cut_off_at_start(self) -> int:
        return 0

    async def lower_heartbeat(self, agent_uid: str, interval_s: float) -> None:
        raise AssertionError("nothing was advised")


async def test_while_the_store_is_away_its_own_finding_is_told_at_once_and_nothing_is_lost(plane: Plane) -> None:
    store = IllStore()
    watcher = Watcher(findings=store, presence=plane.registry.presence, bus=plane.bus, clock=time.time)
    await watcher.start()

    watcher.record(
        Event(at=time.time(), kind=EventKind.REFUSED, attempt="a-9", code="MSG-NOT-JSON", peer="192.0.2.9:1")
    )
    await plane.until(lambda _: ("opened", "SRV-DB-DOWN") in plane.told)
    store.is_ill = False
    await plane.until(lambda _: ("opened", "MSG-NOT-JSON") in plane.told)
    await watcher.close()

    assert {kept.finding.code for kept in store.saved} == {"MSG-NOT-JSON", "SRV-DB-DOWN"}
    assert ("resolved", "SRV-DB-DOWN") in plane.told


async def test_an_event_that_diagnosis_cannot_digest_costs_the_gateway_nothing(plane: Plane) -> None:
    broken = Event(at=time.time(), kind=EventKind.ENDED, attempt="a-1", facts={"age_s": "old", "close_code": "x"})

    plane.watcher.record(broken)
    plane.tell(EventKind.REFUSED, code="MSG-NOT-JSON")

    await plane.until(lambda found: [each.code for each in found] == ["MSG-NOT-JSON"])
