"""An agent built for the original system: the compatibility profile, as such an agent really behaves.

It reads the answer of `auth` as base64 and those of registration as plain JSON, waits at each step for exactly one
message on exactly one channel, signs the decoded nonce, puts a constant nonce and its own signature on every
message, and treats any surprise as a lost connection.
"""

import asyncio
import base64
import json
import os
import time

import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.interop import spoken
from tests.processes import ControlPlane

CONSTANT_NONCE = base64.b64encode(b"message_nonce").decode()


class FieldAgent:
    """One connection of such an agent."""

    def __init__(self, socket: websockets.ClientConnection, host_id: str, key: Ed25519PrivateKey) -> None:
        self.socket = socket
        self.host_id = host_id
        self.key = key
        self.session: dict[str, object] = {}
        self.agent_uid = ""

    async def authenticate(self) -> None:
        at, nonce = int(time.time()), base64.b64encode(os.urandom(16)).decode()
        public = spoken.public_text(self.key)
        payload = {
            "agent_id": self.host_id,
            "public_key": public,
            "timestamp": at,
            "nonce": nonce,
            "signature": spoken.signed(self.key, f"{self.host_id}:{public}:{at}:{nonce}"),
        }
        await self.socket.send(spoken.message("request", "auth", payload, id=f"auth_{time.time_ns()}"))
        said = await self._next("auth")
        self.session = json.loads(base64.b64decode(said, validate=True))
        assert self.session["success"] is True
        assert len(str(self.session["session_token"])) >= 20
        assert len(base64.b64decode(str(self.session["backend_key"]), validate=True)) == 32
        expires_at = self.session["expires_at"]
        assert isinstance(expires_at, int)
        assert expires_at > time.time()

    async def register(self) -> None:
        about = {
            "machine_id_hash": "test-machine-hash",
            "agent_version": "1.0.0",
            "capabilities": {},
            "platform": {"arch": "arm64", "os": "linux"},
            "network": {"interface": "eth0"},
        }
        await self.socket.send(spoken.init(self.key, self.host_id, **about))
        challenge = json.loads(await self._next("agent.registration"))
        nonce = base64.b64decode(challenge["nonce"], validate=True)
        text = nonce + f"{challenge['server_time']}{self.host_id}".encode()
        payload = {
            "registration_id": challenge["registration_id"],
            "host_id": self.host_id,
            "signature": spoken.signed(self.key, text),
        }
        await self.socket.send(spoken.message("request", "agent.registration.complete", payload))
        confirmed = json.loads(await self._next("agent.registration.complete"))
        assert confirmed["bootstrap_token"]
        self.agent_uid = confirmed["agent_uid"]

    async def beat(self, name: str) -> None:
        channel, at = f"agent.{name}.heartbeat", int(time.time())
        text = f"{self.host_id}:{spoken.public_text(self.key)}:{at}:{CONSTANT_NONCE}"
        more = {"timestamp": at, "nonce": CONSTANT_NONCE, "signature": spoken.signed(self.key, text)}
        status = {"agent_id": self.host_id, "status": "healthy", "uptime": 12.5}
        await self.socket.send(spoken.message("heartbeat", channel, status, **more))

    async def assert_hears_nothing(self, seconds: float) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.socket.recv(), seconds)

    async def _next(self, channel: str) -> str:
        said = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
        assert said["channel"] == channel, said
        assert isinstance(said["payload"], str)
        return said["payload"]


def dial(holdfast: ControlPlane, host_id: str, key: Ed25519PrivateKey) -> websockets.connect:
    headers = {"X-Agent-ID": host_id, "X-Agent-Public-Key": spoken.public_text(key)}
    return websockets.connect(
        holdfast.agent_url, proxy=None, user_agent_header="Aegis-Agent/1.0", additional_headers=headers
    )


async def test_an_agent_in_the_field_authenticates_registers_and_stays(holdfast: ControlPlane) -> None:
    host_id, key = "field-1", Ed25519PrivateKey.generate()
    async with dial(holdfast, host_id, key) as socket:
        agent = FieldAgent(socket, host_id, key)

        await agent.authenticate()
        await agent.register()

        seen = await asyncio.to_thread(holdfast.wait_for_agent, host_id)
        for name in (host_id, agent.agent_uid, host_id):
            await agent.beat(name)
        await agent.assert_hears_nothing(1.0)
        still = await asyncio.to_thread(holdfast.wait_for_agent, host_id)
        assert (still["agent_uid"], still["connected_since"]) == (agent.agent_uid, seen["connected_since"])


async def test_it_comes_back_with_the_same_steps_and_stays_one_agent(holdfast: ControlPlane) -> None:
    host_id, key, uids = "field-2", Ed25519PrivateKey.generate(), set()
    for _ in range(2):
        async with dial(holdfast, host_id, key) as socket:
            agent = FieldAgent(socket, host_id, key)
            await agent.authenticate()
            await agent.register()
            uids.add(agent.agent_uid)

    assert len(uids) == 1
    assert len(holdfast.agents(host_id)) == 1


async def test_its_authentication_alone_registers_nobody(holdfast: ControlPlane) -> None:
    host_id, key = "field-3", Ed25519PrivateKey.generate()
    async with dial(holdfast, host_id, key) as socket:
        await FieldAgent(socket, host_id, key).authenticate()

        assert await asyncio.to_thread(holdfast.agents, host_id) == []


async def test_the_decoded_nonce_is_accepted_from_such_agents_only(holdfast: ControlPlane) -> None:
    host_id, key = "field-4", Ed25519PrivateKey.generate()
    async with websockets.connect(holdfast.agent_url, proxy=None) as socket:
        await socket.send(spoken.init(key, host_id))
        challenge = spoken.answer(str(await socket.recv()), "response", "agent.registration")
        nonce = base64.b64decode(str(challenge["nonce"]))
        signature = spoken.signed(key, nonce + f"{challenge['server_time']}{host_id}".encode())
        payload = {"registration_id": challenge["registration_id"], "host_id": host_id, "signature": signature}
        await socket.send(spoken.message("request", "agent.registration.complete", payload))

        kind, _, refusal = spoken.read(str(await socket.recv()))

        assert kind == "error"
        assert str(refusal["code"]).startswith("SIG-")
    assert holdfast.agents(host_id) == []


async def test_plain_payloads_can_be_asked_for_message_by_message(holdfast: ControlPlane) -> None:
    host_id, key = "plain-payloads", Ed25519PrivateKey.generate()
    plain = {"accept-payload": "json"}
    async with websockets.connect(holdfast.agent_url, proxy=None) as socket:
        about = {"host_id": host_id, "agent_pubkey": spoken.public_text(key)}
        await socket.send(spoken.message("request", "agent.registration", about, headers=plain))
        challenge = json.loads(json.loads(await socket.recv())["payload"])
        signature = spoken.signed(key, f"{challenge['nonce']}{challenge['server_time']}{host_id}")
        proof = {"registration_id": challenge["registration_id"], "host_id": host_id, "signature": signature}
        await socket.send(spoken.message("request", "agent.registration.complete", proof, headers=plain))

        confirmed = json.loads(json.loads(await socket.recv())["payload"])

        assert confirmed["status"] == "registered"
