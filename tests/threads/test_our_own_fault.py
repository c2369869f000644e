"""Faults of a server's own registry, timeouts and storage that look like the agent's: Holdfast does not have them."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from holdfast.agent import Agent
from holdfast.agent.dialling import OPEN_S, Dialler, Tls
from holdfast.agent.status import State
from holdfast.faults import CATALOGUE, Blame, Problem
from holdfast.lab.plane import Plane
from holdfast.lab.rawagent import RawAgent
from holdfast.lab.rawwire import Place
from holdfast.lab.relays import Conduct, Cut, Relay
from holdfast.lab.responders import Hole, Responder, http_answer
from holdfast.lab.specs import QUICK, PlaneSpec
from tests.doctor.places import code_of, failures, line
from tests.threads.conftest import OpenGround
from tests.threads.ground import Ground, until

SHORT = replace(QUICK, ping_interval_s=0.4, dead_after_s=1.5, heartbeat_interval_s=0.5)
# A gateway that does not ping by itself: what happens is the box's doing alone.
PATIENT = replace(QUICK, ping_interval_s=30.0, dead_after_s=90.0, heartbeat_interval_s=30.0)
ACCUSED = frozenset({Blame.AGENT, Blame.HOST, Blame.NETWORK, Blame.PROXY})


async def back(ground: Ground, agent: RawAgent, place: Place | None = None) -> RawAgent:
    """The same process of `agent` on a new connection."""
    again = await ground.connect(agent.host_id, key=agent.key, facts=agent.facts, place=place)
    again.uid = agent.uid
    answer = await again.resume()
    assert answer is not None
    assert answer.type == "response", again.wire.errors
    return again


async def stays(true: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Fails as soon as `true` is not."""
    until_then = time.monotonic() + seconds
    while time.monotonic() < until_then:
        assert await true()
        await asyncio.sleep(0.05)


async def test_dashboard_offline_while_tcp_is_established_until_a_restart(plane: Ground) -> None:
    """PatchMon/PatchMon#773, #847, #825, #732: the end of the old connection removed the entry of the new one.

    The old connection goes away last, and hard; the agent stays online, and an operator's word reaches it.
    """
    old = await plane.register("web-01")
    old.wire.stop_reading()
    new = await back(plane, old)
    await old.wire.reset()
    await plane.attempt(host_id="web-01", open=False)

    await stays(lambda: is_online(plane, "web-01"), 0.5)
    seen = (await plane.agent("web-01"))["last_seen"]
    await new.beat()
    await until(lambda: is_later(plane, "web-01", seen), "last_seen to go on")
    await plane.http.post(f"/agents/{new.uid}/disconnect", headers=await plane.operator(), json={"reason": "test"})
    await new.wire.wait_closed()
    assert new.wire.closed is not None


async def is_online(ground: Ground, host_id: str) -> bool:
    status: str = (await ground.agents(host_id))[0]["status"]
    return status == "online"


async def is_later(ground: Ground, host_id: str, than: str) -> bool:
    seen: str = (await ground.agents(host_id))[0]["last_seen"]
    return seen > than


async def test_sixteen_hours_of_silence_on_an_established_connection(open_ground: OpenGround) -> None:
    """PatchMon/PatchMon#773: the server had no read deadline and no ping. Here a box swallows everything."""
    plane = await open_ground(timeouts=SHORT)
    async with Relay("127.0.0.1", plane.port, Conduct(idle_s=0.1, cut=Cut.SWALLOW)) as relay:
        agent = await plane.register("web-01", place=Place(host="127.0.0.1", port=relay.port))

        offline = await plane.agent("web-01", "offline")
        again = await back(plane, agent)

        assert (await plane.agent("web-01", "online"))["agent_uid"] == again.uid
    attempt = await plane.attempt(host_id="web-01", open=False)
    assert attempt["ended_how"] == "closed-by-gateway"
    assert "close code 4408" in offline["status_why"]


async def test_the_agents_dial_hangs_for_ever_on_a_server_that_never_answers() -> None:
    """PatchMon/PatchMon#773, gravitational/teleport#68396: an unbounded dial. Ours ends, and says at which stage."""
    async with Responder(lambda _: b"") as mute:
        found = await Dialler(f"ws://127.0.0.1:{mute.port}", tls=Tls(), user_agent="test", open_s=0.3).dial()

    assert isinstance(found, Problem)
    assert found.code == "WS-HANDSHAKE-SLOW"
    assert OPEN_S <= 30


@pytest.mark.parametrize("end", ["reset", "drop", "close"])
async def test_an_agent_in_use_is_shown_gone_after_a_quick_reconnect(plane: Ground, end: str) -> None:
    """meawoppl/agent-portal#1256, netbirdio/netbird#431: three flaps, and the list says disconnected for ever."""
    agent = await plane.register("web-01", facts={"instance": "one"})
    older = []
    for _ in range(3):
        older.append(agent)
        agent = await back(plane, agent)
    for old in older:
        await (old.wire.close(1000) if end == "close" else old.wire.reset() if end == "reset" else old.wire.drop())

    await stays(lambda: is_online(plane, "web-01"), 0.5)
    await agent.beat()
    assert agent.wire.closed is None
    live = await plane.attempt(agent_uid=agent.uid, open=True)
    assert live["attempt"] == agent.attempt


async def test_thousands_of_agents_are_marked_offline_though_running(open_ground: OpenGround) -> None:
    """elastic/fleet-server#749, #1730: status writes went to one hot shard. Here the database takes no write at all.

    The lock lasts longer than an agent may be silent; all of them go on, and nobody but the store is accused.
    """
    plane = await open_ground(timeouts=SHORT)
    agents = [await plane.register(f"web-{number:02}") for number in range(20)]
    for agent in agents:
        agent.keep_beating(0.4)
    lock = sqlite3.connect(plane.folder / "data" / "holdfast.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")

    async def all_online() -> bool:
        return {row["status"] for row in (await plane.get("/agents"))["agents"]} == {"online"}

    await stays(all_online, 2.5)
    lock.execute("ROLLBACK")
    lock.close()
    await stays(all_online, 1.0)
    accused = {code for code in await plane.finding_codes() if CATALOGUE[code].blame in ACCUSED}
    assert accused == set()


async def test_the_agent_reports_healthy_and_is_unreachable_and_readyz_is_ok(plane: Ground) -> None:
    """gravitational/teleport#13673, #68396: health was asked at a path of its own; the one agents take hung."""

    def stuck(head: bytes) -> bytes:
        body = '{"service": "websocket-gateway", "status": "healthy"}'
        return b"" if b"Upgrade:" in head else http_answer("200 OK", body, kind="application/json")

    async with Responder(stuck) as front:
        report = await plane.doctor(f"ws://127.0.0.1:{front.port}/ws/agent", timeout_s=0.5)

    assert line(report, "health").status.value == "PASS"
    assert code_of(report) == "WS-HANDSHAKE-SLOW"
    assert report.verdict is not None
    assert "while a plain request was answered: something holds it back" in report.verdict.why
    joined = await plane.joined(report)
    assert joined["gateway_side"]["found_by"] == "nothing"
    assert "no byte of test-host is recorded at this gateway" in joined["verdict"]["why"]


async def test_the_doctor_says_healthy_while_the_command_socket_is_404(plane: Ground) -> None:
    """rcourtman/Pulse#1615: every check passed but the one that counts."""

    def half_there(head: bytes) -> bytes:
        if head.startswith(b"GET /health "):
            return http_answer("200 OK", '{"service": "websocket-gateway"}', kind="application/json")
        return http_answer("404 Not Found", "<html>no such page</html>")

    async with Responder(half_there) as front:
        report = await plane.doctor(f"ws://127.0.0.1:{front.port}/ws/agent")

    assert line(report, "health").status.value == "PASS"
    assert (code_of(report), failures(report)[0]) == ("WS-WRONG-PATH", "upgrade")
    assert not report.ok


async def test_already_connected_to_this_controller_rejecting(open_ground: OpenGround) -> None:
    """jenkinsci/jenkins#26338: the balancer forgets the agent, the controller still holds it and refuses the new one.

    The new session takes the stale one's place at once; nobody waits for a timeout.
    """
    plane = await open_ground(timeouts=PATIENT)
    async with Relay("127.0.0.1", plane.port, Conduct(idle_s=0.2, cut=Cut.SWALLOW)) as balancer:
        agent = await plane.register("agent-1", place=Place(host="127.0.0.1", port=balancer.port))
        await asyncio.sleep(0.4)  # the balancer's idle limit passes
        again = await back(plane, agent, Place(host="127.0.0.1", port=balancer.port))

    assert not again.wire.errors
    assert (await plane.agent("agent-1", "online"))["agent_uid"] == agent.uid


async def test_agents_drop_behind_the_balancer_and_the_ping_is_too_slow_for_it(open_ground: OpenGround) -> None:
    """jenkinsci/jenkins#26338, PR#7670: a ping as long as the idle limit. Found by comparing intervals, in the end."""
    plane = await open_ground(timeouts=PATIENT)
    async with Relay("127.0.0.1", plane.port, Conduct(idle_s=1.7)) as balancer:
        place = Place(host="127.0.0.1", port=balancer.port)
        agent = await plane.register("agent-1", facts={"instance": "i-1", "boot_id": "b-1"}, place=place)
        for pause_s in (0.0, 0.6, 0.0):
            await asyncio.sleep(pause_s)
            await agent.beat()
            await agent.wire.wait_closed(10)
            agent = await back(plane, agent, place)
        finding = await plane.finding("PXY-IDLE-OTHER")

    assert finding["blame"] == "proxy"
    measured = finding["evidence"][0]
    assert measured["n"] == 3
    assert 1.6 <= measured["median_s"] <= 2.2
    assert "without a frame, whatever their age" in measured["fact"]
    assert finding["fix"].startswith("Send heartbeats at less than half the measured time")


async def test_the_servers_own_blocked_loop_looks_like_the_agents_fault(tmp_path: Path) -> None:
    """python-websockets/websockets#1620, #625: a blocked event loop ends in 1011 keepalive timeouts, of the others."""
    spec = PlaneSpec(name="blocked", timeouts=replace(SHORT, dead_after_s=2.0))
    async with Plane(tmp_path / "plane", settings=spec.environ()) as gateway:
        agent = await RawAgent("web-01").connect(Place(host="127.0.0.1", port=gateway.gateway_port))
        await agent.register()
        agent.keep_beating(0.3)
        await asyncio.sleep(1.0)
        assert gateway.process is not None
        gateway.process.send(signal.SIGSTOP)
        await asyncio.sleep(3.0)
        gateway.process.send(signal.SIGCONT)
        async with httpx.AsyncClient(base_url=gateway.api_url, trust_env=False, timeout=10) as http:

            async def found() -> set[str]:
                return {one["code"] for one in (await http.get("/findings")).json()["findings"]}

            codes = await until(found, "the gateway to find its own lag")
            await asyncio.sleep(1.0)
            codes |= await found()
            (row,) = (await http.get("/agents")).json()["agents"]
        agent.stop_beating()
        await agent.wire.drop()

    assert codes == {"SRV-LOOP-LAG"}
    assert row["status"] == "online"


async def test_healthy_while_disconnected(plane: Ground) -> None:
    """elastic/elastic-agent#87: the agent called itself healthy and had no connection."""
    async with plane.sdk("web-01") as agent:
        await agent.wait_registered(5)
        await plane.plane.stop()
        await until(lambda: is_in(agent, State.BACKING_OFF), "the agent to see it")

        assert agent.status.problem is not None
        assert agent.status.problem.code in ("LIFE-RESTART-1012", "NET-CONN-REFUSED")


async def is_in(agent: Agent, state: State) -> bool:
    return agent.status.state is state


async def test_the_disconnect_waits_four_hours_for_the_lock_that_connect_holds(plane: Ground) -> None:
    """aws/amazon-ecs-agent#985: an agent that is told to stop while it dials stops."""
    async with Hole() as hole:
        agent = plane.sdk("web-01", url=f"ws://127.0.0.1:{hole.port}/ws/agent")
        async with agent:
            await until(lambda: is_in(agent, State.DIALLING), "the agent to dial")
            begun = time.monotonic()
        assert time.monotonic() - begun < 2.0
    assert agent.status.state is State.STOPPED


async def test_a_keepalive_that_timed_out_never_closes(open_ground: OpenGround) -> None:
    """python-websockets/websockets#1527: the connection stayed CLOSING, because nobody answered the close frame.

    The agent stands still while its kernel confirms everything; we do not wait for its farewell.
    """
    plane = await open_ground(timeouts=SHORT)
    frozen = await plane.register("web-01")
    frozen.wire.stop_reading()

    await plane.agent("web-01", "offline")
    attempt = await plane.attempt(host_id="web-01", open=False)

    assert attempt["ended_how"] == "closed-by-gateway"
    assert attempt["close_code"] == 4408


async def test_a_proxy_keeps_a_dead_pods_socket_alive(open_ground: OpenGround) -> None:
    """open-telemetry/opamp-spec#183: the agent is connected to a proxy that has nobody behind it any more."""
    plane = await open_ground(timeouts=PATIENT)
    async with Relay("127.0.0.1", plane.port, Conduct(idle_s=0.2, cut=Cut.SWALLOW)) as proxy:
        met: list[Problem] = []
        url = f"ws://127.0.0.1:{proxy.port}"
        agent = plane.sdk("web-01", url=url, heartbeat_interval=0.4, on_status=lambda status: note(met, status.problem))
        async with agent:
            first = (await agent.wait_registered(5)).attempt

            async def again() -> bool:
                return agent.status.state is State.READY and agent.status.attempt != first

            await until(again, "the agent to come back by itself")

    assert met[0].code == "LIFE-HALF-OPEN"


async def test_hibernation_is_not_left_after_the_permission_was_granted(open_ground: OpenGround) -> None:
    """aws/amazon-ssm-agent#202: the agent slept on after its role was put right. Ours hears of it at once."""
    plane = await open_ground(registration="approve")
    async with plane.sdk("web-01") as agent:
        await until(lambda: is_in(agent, State.PENDING), "the agent to wait for approval")
        uid = agent.status.uid
        begun = time.monotonic()

        await plane.http.post(f"/agents/{uid}/approve", headers=await plane.operator())
        await agent.wait_registered(5)

    assert time.monotonic() - begun < 5


async def test_the_status_is_read_right_after_the_disconnect_that_it_caused(plane: Ground) -> None:
    """openchoreo/openchoreo#2828: whoever ends a connection finds the reason at the agent, not an old "online"."""
    agent = await plane.register("web-01")

    await plane.http.post(
        f"/agents/{agent.uid}/disconnect", headers=await plane.operator(), json={"reason": "rewiring"}
    )
    await agent.wire.wait_closed()
    row = await plane.agent("web-01", "offline")

    assert "1001" in row["status_why"]
    assert agent.wire.closed is not None
    assert (await plane.get("/audit", subject=agent.uid))["records"][0]["detail"]["reason"] == "rewiring"


def note(met: list[Problem], found: Problem | None) -> None:
    if found is not None:
        met.append(found)
