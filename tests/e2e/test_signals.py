"""Signals and ports: stopped, reloaded and started twice as an operator does it."""

import asyncio
import signal
import time
from pathlib import Path

from holdfast.agent import Agent
from tests.certificates import Authority
from tests.e2e.fleet import HASTE, eventually, fleet, holdfast_up, listed
from tests.gateway.loopback import peer
from tests.processes import ControlPlane


async def test_sigterm_with_200_agents_says_goodbye_to_each_and_exits_with_0(tmp_path: Path) -> None:
    with holdfast_up(tmp_path / "data", environ=HASTE) as running:
        async with fleet(running, 200) as agents:
            ends = [asyncio.create_task(agent.ended()) for agent in agents]
            began = time.monotonic()
            running.child.process.send_signal(signal.SIGTERM)
            closes = await asyncio.gather(*ends)
            code = await asyncio.to_thread(running.child.process.wait, 15)
            took_s = time.monotonic() - began

    assert {close[0] for close in closes} == {1012}
    assert (code, took_s < 8) == (0, True)
    assert "Traceback" not in running.child.output()


async def test_sigterm_is_not_delayed_beyond_the_drain_time_by_agents_that_do_not_answer(tmp_path: Path) -> None:
    environ = HASTE | {"HOLDFAST_TIMEOUTS__DRAIN_S": "0.5"}
    with holdfast_up(tmp_path / "data", environ=environ) as running:
        async with fleet(running, 5) as agents:
            for agent in agents:
                agent.socket.transport.pause_reading()
            running.child.process.send_signal(signal.SIGTERM)

            assert await asyncio.to_thread(running.child.process.wait, 10) == 0
            for agent in agents:
                agent.socket.transport.abort()


async def test_an_agent_of_our_sdk_survives_a_restart_of_the_server_and_is_online_again(tmp_path: Path) -> None:
    with holdfast_up(tmp_path / "data") as first:
        ports = first.gateway_port, first.api_port
        async with Agent(
            first.agent_url, state_dir=tmp_path / "agent", host_id="db-01", heartbeat_interval=0.5
        ) as agent:
            await eventually(lambda: online(first, "db-01"), "the agent to be online", within_s=20)
            uid = agent.status.uid
            await asyncio.to_thread(first.child.stop)
            with holdfast_up(tmp_path / "data", ports=ports) as second:
                await eventually(lambda: online(second, "db-01"), "the agent to be online again", within_s=30)
                found = await asyncio.to_thread(listed, second)

    assert set(found) == {uid}


def online(running: ControlPlane, host_id: str) -> bool:
    return any(agent["status"] == "online" for agent in running.agents(host_id))


async def test_sighup_loads_a_new_certificate_and_agents_stay_connected(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    old, new = authority.issue("localhost"), authority.issue("localhost")
    cert, key = tmp_path / "server.pem", tmp_path / "server.key"

    cert.write_bytes(old.cert.read_bytes())
    key.write_bytes(old.key.read_bytes())
    arguments = ("--tls-cert", str(cert), "--tls-key", str(key))
    with holdfast_up(tmp_path / "data", *arguments, environ=HASTE) as running:
        async with peer(running.gateway_port, tls=authority.client_context()) as agent:
            await agent.register()
            cert.write_bytes(new.cert.read_bytes())
            key.write_bytes(new.key.read_bytes())
            running.child.process.send_signal(signal.SIGHUP)
            await asyncio.to_thread(running.child.wait_for_output, "tls.reloaded")
            async with peer(running.gateway_port, tls=authority.client_context()) as later:
                shown = later.socket.transport.get_extra_info("ssl_object").getpeercert()
            beat = await agent.beat()
            cert.write_text("no certificate")
            running.child.process.send_signal(signal.SIGHUP)
            await asyncio.to_thread(running.child.wait_for_output, "tls.reload_failed")
            async with peer(running.gateway_port, tls=authority.client_context()) as still:
                await still.register()

    assert int(shown["serialNumber"], 16) == new.serial
    assert beat.type == "ack"
