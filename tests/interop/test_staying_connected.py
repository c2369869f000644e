"""Resuming, heartbeats and replacement, as the protocol page describes them to a stranger."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.interop import spoken
from tests.processes import ControlPlane


class Peer:
    """One connection of an agent, with the words of `spoken`."""

    def __init__(self, socket: websockets.ClientConnection, key: Ed25519PrivateKey, host_id: str) -> None:
        self.socket, self.key, self.host_id = socket, key, host_id
        assert socket.response is not None
        self.challenge = socket.response.headers["Holdfast-Challenge"]

    async def receive(self) -> str:
        return str(await asyncio.wait_for(self.socket.recv(), 10))

    async def register(self) -> spoken.Payload:
        return await spoken.register(self.socket.send, self.receive, self.key, self.host_id)

    def proof(self, agent_id: str, *, nonce: str | None = None, at: int | None = None) -> str:
        """An `auth`; the nonce is this connection's challenge where none is given."""
        public, when, chosen = spoken.public_text(self.key), at or int(time.time()), nonce or self.challenge
        signature = spoken.signed(self.key, f"{agent_id}:{public}:{when}:{chosen}")
        fields = {"agent_id": agent_id, "public_key": public, "timestamp": when, "nonce": chosen}
        return spoken.message("request", "auth", {**fields, "signature": signature})

    async def resume(self, agent_id: str, *, nonce: str | None = None, at: int | None = None) -> spoken.Payload:
        await self.socket.send(self.proof(agent_id, nonce=nonce, at=at))
        return spoken.answer(await self.receive(), "response", "auth")

    async def refused(self, text: str) -> spoken.Payload:
        await self.socket.send(text)
        kind, _, payload = spoken.read(await self.receive())
        assert kind == "error", payload
        return payload


@asynccontextmanager
async def peer(holdfast: ControlPlane, host_id: str, key: Ed25519PrivateKey) -> AsyncIterator[Peer]:
    async with websockets.connect(holdfast.agent_url, proxy=None) as socket:
        yield Peer(socket, key, host_id)


@pytest.mark.parametrize("by", ["agent_uid", "host_id"])
async def test_an_agent_resumes_in_one_message_with_the_challenge_of_its_connection(
    holdfast: ControlPlane, by: str
) -> None:
    key, host_id = Ed25519PrivateKey.generate(), f"resumes-by-{by.replace('_', '-')}"
    async with peer(holdfast, host_id, key) as first:
        uid = str((await first.register())["agent_uid"])

    async with peer(holdfast, host_id, key) as second:
        # An hour wrong: with the connection's own challenge the agent's clock does not matter.
        answer = await second.resume(uid if by == "agent_uid" else host_id, at=int(time.time()) - 3600)

        assert (answer["success"], answer["agent_uid"], answer["status"]) == (True, uid, "registered")
        assert isinstance(answer["heartbeat_interval"], int | float)
        assert isinstance(answer["expires_at"], int)
        await spoken.beat(second.socket.send, second.receive, times=3)
        assert (await asyncio.to_thread(holdfast.wait_for_agent, host_id))["agent_uid"] == uid


async def test_a_nonce_of_the_agents_own_is_good_once(holdfast: ControlPlane) -> None:
    key, host_id, nonce = Ed25519PrivateKey.generate(), "own-nonce", f"mine-{time.time_ns()}"
    async with peer(holdfast, host_id, key) as first:
        uid = str((await first.register())["agent_uid"])
    async with peer(holdfast, host_id, key) as second:
        assert (await second.resume(uid, nonce=nonce))["success"] is True
        replayed = second.proof(uid, nonce=nonce)

    async with peer(holdfast, host_id, key) as third:
        assert (await third.refused(replayed))["code"] == "CLK-REPLAY"


async def test_with_a_nonce_of_its_own_an_agent_needs_a_clock(holdfast: ControlPlane) -> None:
    key, host_id = Ed25519PrivateKey.generate(), "no-clock"
    async with peer(holdfast, host_id, key) as first:
        uid = str((await first.register())["agent_uid"])

    async with peer(holdfast, host_id, key) as second:
        refusal = await second.refused(second.proof(uid, nonce="mine", at=int(time.time()) - 3600))

        assert refusal["code"] == "CLK-SKEW"


async def test_a_key_that_nobody_knows_is_told_to_register_and_can_do_so_at_once(holdfast: ControlPlane) -> None:
    async with peer(holdfast, "unknown-key", Ed25519PrivateKey.generate()) as agent:
        answer = await agent.resume("unknown-key")

        assert (answer["success"], answer["register"], answer["channel"]) == (False, True, "agent.registration")
        assert (await agent.register())["status"] == "registered"


async def test_registering_again_gives_the_same_uid_and_no_second_agent(holdfast: ControlPlane) -> None:
    key = Ed25519PrivateKey.generate()
    async with peer(holdfast, "twice", key) as agent:
        first, second = await agent.register(), await agent.register()

        assert first["agent_uid"] == second["agent_uid"]
        assert len(holdfast.agents("twice")) == 1


async def test_the_newer_connection_wins_and_the_end_of_the_older_one_removes_nothing(holdfast: ControlPlane) -> None:
    key, host_id = Ed25519PrivateKey.generate(), "replaced"
    async with peer(holdfast, host_id, key) as old, peer(holdfast, host_id, key) as new:
        await old.register()
        await new.register()

        await asyncio.wait_for(old.socket.wait_closed(), 10)

        assert old.socket.close_code == 4509
        assert str(old.socket.close_reason).startswith("LIFE-DUPLICATE-SESSION: ")
        await spoken.beat(new.socket.send, new.receive, times=3)
        assert (await asyncio.to_thread(holdfast.wait_for_agent, host_id))["status"] == "online"


async def test_heartbeats_may_name_the_agent_by_uid_or_host(holdfast: ControlPlane) -> None:
    host_id = "names-itself"
    async with peer(holdfast, host_id, Ed25519PrivateKey.generate()) as agent:
        uid = (await agent.register())["agent_uid"]
        for channel in (f"agent.{uid}.heartbeat", f"agent.{host_id}.heartbeat", "agent.heartbeat"):
            await agent.socket.send(spoken.heartbeat(channel))

            assert spoken.answer(await agent.receive(), "ack", channel)["server_time"]


async def test_a_heartbeat_in_another_name_is_refused_and_the_connection_goes_on(holdfast: ControlPlane) -> None:
    async with peer(holdfast, "other-name", Ed25519PrivateKey.generate()) as agent:
        await agent.register()

        refusal = await agent.refused(spoken.heartbeat("agent.somebody-else.heartbeat"))

        assert refusal["code"] == "MSG-HEARTBEAT-CHANNEL"
        await spoken.beat(agent.socket.send, agent.receive, times=2)


async def test_a_challenge_is_good_once_and_on_its_connection_only(holdfast: ControlPlane) -> None:
    key, host_id = Ed25519PrivateKey.generate(), "one-challenge"
    async with peer(holdfast, host_id, key) as first, peer(holdfast, host_id, key) as second:
        await first.socket.send(spoken.init(key, host_id))
        challenge = spoken.answer(await first.receive(), "response", "agent.registration")
        await second.socket.send(spoken.init(key, host_id))
        spoken.answer(await second.receive(), "response", "agent.registration")
        proof = spoken.complete(key, host_id, challenge)

        elsewhere = await second.refused(proof)
        await first.socket.send(proof)
        confirmed = spoken.answer(await first.receive(), "response", "agent.registration.complete")
        again = await first.refused(spoken.complete(key, host_id, challenge))

        assert elsewhere["code"] == "REG-ID-OTHER-CONNECTION"
        assert confirmed["status"] == "registered"
        assert again["code"] == "REG-ID-USED"


async def test_a_signature_over_the_wrong_text_is_explained_and_spends_the_challenge(holdfast: ControlPlane) -> None:
    key, host_id = Ed25519PrivateKey.generate(), "wrong-order"
    async with peer(holdfast, host_id, key) as agent:
        await agent.socket.send(spoken.init(key, host_id))
        challenge = spoken.answer(await agent.receive(), "response", "agent.registration")
        text = f"{host_id}{challenge['nonce']}{challenge['server_time']}"
        wrong = {
            "registration_id": challenge["registration_id"],
            "host_id": host_id,
            "signature": spoken.signed(key, text),
        }

        refusal = await agent.refused(spoken.message("request", "agent.registration.complete", wrong))
        late = await agent.refused(spoken.complete(key, host_id, challenge))

        assert refusal["code"] == "SIG-ORDER"
        assert str(late["code"]).startswith("REG-")
        assert holdfast.agents(host_id) == []
        assert (await agent.register())["status"] == "registered"
