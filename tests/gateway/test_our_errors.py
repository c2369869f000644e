"""Errors of our own: the one agent concerned is told, and everything else goes on."""

import pytest

from holdfast.gateway import FailedProof
from holdfast.gateway.effects import Explained
from holdfast.model.events import EventKind
from tests.gateway.conftest import OpenPlane
from tests.gateway.loopback import Plane, peer, until


async def broken(proof: FailedProof) -> Explained:
    """An explainer with a bug."""
    raise ZeroDivisionError(proof.host_id)


async def test_an_agent_whose_question_made_us_fail_is_told_1011_and_can_come_back(open_plane: OpenPlane) -> None:
    running = await open_plane(explain=broken)
    async with peer(running.port) as agent:
        challenge = await agent.init()
        wrong = {**agent.completion(challenge.payload), "signature": agent.auth_payload()["signature"]}
        told = await agent.ask("agent.registration.complete", wrong)
        ended = await agent.ended()
    async with peer(running.port, key=agent.key) as back:
        await back.register()

    assert told.code == "LIFE-INTERNAL-1011"
    assert agent.attempt in told.payload["detail"]
    assert "ZeroDivisionError" not in str(told.payload)
    assert (ended[0], ended[1].split(":")[0]) == (1011, "LIFE-INTERNAL-1011")


async def test_a_bug_on_one_connection_stops_the_clocks_of_no_other(open_plane: OpenPlane) -> None:
    running = await open_plane(first_message_s=0.2)
    async with peer(running.port) as unlucky, peer(running.port, "web-02"):
        sock = next(sock for sock in running.gateway.sockets if sock.attempt == unlucky.attempt)
        sock.ws = None  # a state that must not be
        await until(lambda: running.of(EventKind.SILENT), "the other to be noticed")


@pytest.mark.parametrize(
    "field",
    ["org_id", "machine_id_hash", "agent_version", "capabilities", "platform", "network", "instance", "boot_id"],
)
@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "\U0010ffff", "\u202e", "%s'; --"])
async def test_text_that_databases_dislike_is_stored_or_named(running: Plane, field: str, text: str) -> None:
    value = {"k": [text]} if field in ("capabilities", "platform", "network") else text
    async with peer(running.port) as agent:
        answer = await agent.init(**{field: value})
        if answer.code is None:
            answer = await agent.ask("agent.registration.complete", agent.completion(answer.payload))
        listed = await running.registry.list_agents()

    assert answer.code is None or answer.code.startswith("MSG-")
    assert len(listed.agents) == (answer.code is None)
