"""The agent with the real gateway: a whole control plane in a process of its own."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from holdfast import Agent
from holdfast.agent import State
from holdfast.agent.backoff import Backoff
from holdfast.faults import Refused
from tests.processes import BIN, Child, ControlPlane, control_plane, environment, free_ports


def up(data_dir: Path, gateway_port: int, api_port: int) -> Child:
    """A control plane that the test itself stops, kills and starts again; the agent finds out when it is ready."""
    command = [str(BIN / "holdfast"), "up", "--gateway-port", str(gateway_port), "--api-port", str(api_port)]
    return Child([*command, "--data-dir", str(data_dir)], data_dir.with_name("up.log"))


@asynccontextmanager
async def registered(holdfast: ControlPlane, folder: Path, host_id: str) -> AsyncIterator[Agent]:
    async with Agent(holdfast.agent_url, state_dir=folder, host_id=host_id) as agent:
        await agent.wait_registered(20)
        yield agent


async def until(agent: Agent, *states: State) -> None:
    async with asyncio.timeout(30):
        while agent.status.state not in states:
            await asyncio.sleep(0.02)


def act(holdfast: ControlPlane, path: str) -> None:
    """A write on the Actions API, as an operator."""
    command = [str(BIN / "holdfast"), "tokens", "create", "--role", "operator", "--data-dir", str(holdfast.data_dir)]
    token = subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    httpx.post(holdfast.api_url + path, headers=headers, trust_env=False, timeout=10).raise_for_status()


@pytest.fixture(scope="module")
def holdfast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("holdfast") / "data") as running:
        yield running


async def test_a_registered_agent_is_in_the_registry_and_leaves_it_offline(
    holdfast: ControlPlane, tmp_path: Path
) -> None:
    async with registered(holdfast, tmp_path, "with-gateway-1") as agent:
        seen = await asyncio.to_thread(holdfast.wait_for_agent, "with-gateway-1")
        assert seen["agent_uid"] == agent.status.uid

    seen = await asyncio.to_thread(holdfast.wait_for_agent, "with-gateway-1", "offline")
    assert "1001" in str(seen["status_why"])


async def test_a_restarted_agent_is_the_same_agent(holdfast: ControlPlane, tmp_path: Path) -> None:
    uids = set()
    for _ in range(3):
        async with registered(holdfast, tmp_path, "with-gateway-2") as agent:
            uids.add(agent.status.uid)

    assert len(uids) == len(holdfast.agents("with-gateway-2")) == 1


async def test_a_copied_key_ends_the_older_process_and_keeps_the_newer(holdfast: ControlPlane, tmp_path: Path) -> None:
    async with registered(holdfast, tmp_path / "a", "with-gateway-3") as older:
        (tmp_path / "b").mkdir(mode=0o700)
        (tmp_path / "b" / "agent.key").touch(mode=0o600)
        (tmp_path / "b" / "agent.key").write_bytes((tmp_path / "a" / "agent.key").read_bytes())
        async with registered(holdfast, tmp_path / "b", "with-gateway-3") as newer:
            await until(older, State.REFUSED)

            assert older.status.problem is not None
            assert older.status.problem.code == "LIFE-DUPLICATE-SESSION"
            assert newer.status.state is State.READY


async def test_a_revoked_agent_ends_and_says_so(holdfast: ControlPlane, tmp_path: Path) -> None:
    async with registered(holdfast, tmp_path, "with-gateway-4") as agent:
        await asyncio.to_thread(act, holdfast, f"/agents/{agent.status.uid}/revoke")
        await until(agent, State.REFUSED)

    with pytest.raises(Refused) as refused:
        await Agent(holdfast.agent_url, state_dir=tmp_path).run()
    assert refused.value.problem.code == "ID-REVOKED"


async def test_a_pending_agent_stays_connected_until_it_is_approved(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data", "--registration", "approve") as holdfast:
        async with Agent(holdfast.agent_url, state_dir=tmp_path / "s", host_id="with-gateway-5") as agent:
            await until(agent, State.PENDING)
            attempt = agent.status.attempt

            await asyncio.to_thread(act, holdfast, f"/agents/{agent.status.uid}/approve")
            status = await agent.wait_registered(20)

            assert status.attempt == attempt


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
async def test_an_agent_outlives_its_gateway(tmp_path: Path, by: signal.Signals) -> None:
    gateway_port, api_port = free_ports(2)
    url = f"ws://127.0.0.1:{gateway_port}/ws/agent"
    brisk = Backoff(cap_s=0.5)
    async with Agent(url, state_dir=tmp_path / "s", host_id="with-gateway-6", backoff=brisk) as agent:
        with up(tmp_path / "data", gateway_port, api_port) as first:
            before = await agent.wait_registered(60)
            await asyncio.to_thread(first.stop, expected=None, by=by)
            await until(agent, State.BACKING_OFF)
        with up(tmp_path / "data", gateway_port, api_port) as second:
            after = await agent.wait_registered(60)
            seen = ControlPlane(second, gateway_port, api_port, tmp_path / "data").agents("with-gateway-6")

    assert after.attempt != before.attempt
    assert [found["agent_uid"] for found in seen] == [before.uid] == [after.uid]


async def test_a_frozen_gateway_is_left_within_seconds_and_found_again(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data") as holdfast:
        async with Agent(
            holdfast.agent_url, state_dir=tmp_path / "s", heartbeat_interval=0.2, backoff=Backoff(cap_s=0.5)
        ) as agent:
            before = await agent.wait_registered(20)
            holdfast.child.process.send_signal(signal.SIGSTOP)
            try:
                await until(agent, State.BACKING_OFF)
                assert agent.status.problem is not None
                assert agent.status.problem.code == "LIFE-HALF-OPEN"
            finally:
                holdfast.child.process.send_signal(signal.SIGCONT)
            after = await agent.wait_registered(30)

    assert (after.uid, after.attempt == before.attempt) == (before.uid, False)


async def test_a_gateway_that_lost_its_data_gets_the_same_agent_again(tmp_path: Path) -> None:
    with control_plane(tmp_path / "one") as one:
        async with registered(one, tmp_path / "s", "with-gateway-7") as agent:
            uid = agent.status.uid
    with control_plane(tmp_path / "two") as two:
        async with registered(two, tmp_path / "s", "with-gateway-7") as agent:
            assert agent.status.uid == uid
