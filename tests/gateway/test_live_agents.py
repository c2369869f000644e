"""Agents on a live gateway: one connection each, resumed, replaced, and reached by operators' orders."""

import asyncio
import base64
import gc
import os
import time

import pytest

from holdfast.faults import Refused
from holdfast.gateway.socket import AgentSocket
from holdfast.model.events import EventKind
from holdfast.registry import RegistrationPolicy
from tests.gateway.conftest import OpenPlane
from tests.gateway.loopback import Plane, peer, until


async def test_an_agent_registers_beats_and_is_online(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        ack = await agent.beat()

        assert ack.type == "ack"
        assert await running.status(agent.uid) == "online"
        listed = (await running.registry.list_agents()).agents
        assert [(seen.host_id, seen.remote_address) for seen in listed] == [
            ("web-01", running.of(EventKind.REGISTERED)[0].peer)
        ]
    await until(lambda: not running.gateway.live, "the agent to be gone")
    assert await running.status(agent.uid) == "offline"


async def test_the_newer_connection_wins_and_the_end_of_the_old_one_removes_nothing(running: Plane) -> None:
    async with peer(running.port) as old:
        await old.register()
        async with peer(running.port, key=old.key) as new:
            await new.register()
            code, reason = await old.ended()
            await until(lambda: len(running.of(EventKind.ENDED)) == 1, "the old connection to be gone")

            assert (code, reason.split(":")[0]) == (4509, "LIFE-DUPLICATE-SESSION")
            assert running.gateway.live[new.uid].attempt == new.attempt
            assert await running.status(new.uid) == "online"
            assert (await new.beat()).type == "ack"


async def test_many_connections_of_one_key_leave_exactly_one(running: Plane) -> None:
    async with peer(running.port) as first:
        await first.register()
        for _ in range(5):
            async with peer(running.port, key=first.key) as another:
                await another.ask("auth", another.auth_payload())
        await until(lambda: len(running.gateway.sockets) == 0, "all of them to be gone")

    assert running.gateway.live == {}
    assert await running.status(first.uid) == "offline"


async def test_an_agent_that_registers_under_another_key_leaves_its_first_identity(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        first = agent.uid
        agent.key = type(agent.key).generate()
        await agent.register()

        assert set(running.gateway.live) == {agent.uid}
        assert await running.status(first) == "offline"
        assert await running.status(agent.uid) == "online"


async def test_an_agent_resumes_with_the_challenge_of_its_connection_whatever_its_clock_says(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
    async with peer(running.port, key=agent.key) as back:
        answer = await back.ask("auth", back.auth_payload(timestamp=0))

        assert (answer.type, answer.payload["success"], answer.payload["agent_uid"]) == ("response", True, agent.uid)
        assert answer.payload["expires_at"] > time.time() + 3600
        assert (await back.beat()).type == "ack"
        assert await running.status(agent.uid) == "online"


async def test_an_agent_resumes_with_a_nonce_of_its_own_once(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
    own = base64.b64encode(os.urandom(16)).decode()
    answers = []
    for _ in range(2):
        async with peer(running.port, key=agent.key) as back:
            answers.append(await back.ask("auth", back.auth_payload(nonce=own)))

    assert answers[0].payload["success"] is True
    assert answers[1].code == "CLK-REPLAY"


async def test_a_recorded_auth_replayed_on_another_connection_proves_nothing(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        recorded = agent.auth_payload()
        await agent.ask("auth", recorded)
        async with peer(running.port) as thief:
            answer = await thief.ask("auth", recorded)

        assert answer.code == "CLK-REPLAY"
        assert "challenge of another connection" in answer.payload["detail"]
        assert running.gateway.live[agent.uid].attempt == agent.attempt


async def test_an_unknown_key_is_told_to_register_and_may(running: Plane) -> None:
    async with peer(running.port) as agent:
        answer = await agent.ask("auth", agent.auth_payload())
        await agent.register()

    assert (answer.payload["success"], answer.payload["register"]) == (False, True)


async def test_a_revoked_agent_is_sent_away_for_good_and_let_in_again_when_approved(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        await running.registry.revoke(agent.uid, "tester", "laptop was stolen")
        ended = await agent.ended()
    async with peer(running.port, key=agent.key) as back:
        challenge = await back.init()
        refused = await back.ask("agent.registration.complete", back.completion(challenge.payload))
        refused_end = await back.ended()
    await running.registry.approve(agent.uid, "tester")
    async with peer(running.port, key=agent.key) as again:
        await again.register()

    assert (ended[0], ended[1].split(":")[0]) == (4503, "ID-REVOKED")
    assert refused.code == "ID-REVOKED"
    assert refused_end[0] == 4503


async def test_an_operator_ends_a_connection_and_the_agent_may_come_back(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        await running.registry.request_disconnect(agent.uid, "tester", "moving racks")
        code, reason = await agent.ended()
    async with peer(running.port, key=agent.key) as back:
        assert (await back.ask("auth", back.auth_payload())).payload["success"] is True

    assert (code, reason.split(":")[0]) == (1001, "LIFE-POLICY-1008")


async def test_a_deleted_agent_is_disconnected_and_told_to_register_when_it_resumes(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        await running.registry.delete_agent(agent.uid, "tester")
        code, _ = await agent.ended()
    async with peer(running.port, key=agent.key) as back:
        answer = await back.ask("auth", back.auth_payload())

    assert code == 1001
    assert answer.payload["register"] is True


async def test_orders_given_elsewhere_are_found_in_the_rows_without_the_bus(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        await running.bus.close()  # as when the message was lost, or another process wrote the row
        await running.registry.revoke(agent.uid, "tester", "")

        assert (await agent.ended())[0] == 4503


async def test_a_pending_agent_stays_connected_may_do_nothing_and_hears_of_its_approval(open_plane: OpenPlane) -> None:
    running = await open_plane(RegistrationPolicy.APPROVE)
    async with peer(running.port) as agent:
        challenge = await agent.init()
        confirmation = await agent.ask("agent.registration.complete", agent.completion(challenge.payload))
        beat = await agent.beat()
        data = await agent.ask(f"agent.{agent.uid}.inventory", {"packages": 1})
        before = await running.status(agent.uid)
        await running.registry.approve(agent.uid, "tester")
        told = await agent.hear()
        allowed = await agent.ask(f"agent.{agent.uid}.inventory", {"packages": 1})

        assert confirmation.payload["status"] == "pending"
        assert [beat.type, data.code, before] == ["ack", "ID-PENDING", "pending"]
        assert (told.type, told.channel, told.payload["status"]) == ("event", "agent.registration", "registered")
        assert allowed.type == "ack"
        assert await running.status(agent.uid) == "online"


async def test_a_pending_agent_resumes_as_pending(open_plane: OpenPlane) -> None:
    running = await open_plane(RegistrationPolicy.APPROVE)
    async with peer(running.port) as agent:
        await agent.register()
    async with peer(running.port, key=agent.key) as back:
        answer = await back.ask("auth", back.auth_payload())

    assert (answer.payload["success"], answer.payload["status"]) == (True, "pending")


async def test_under_the_token_policy_each_thing_wrong_with_a_token_has_its_code(open_plane: OpenPlane) -> None:
    running = await open_plane(RegistrationPolicy.TOKEN)
    issued = await running.registry.enrolment_tokens.create("rack-1", max_uses=1)
    expired = await running.registry.enrolment_tokens.create("rack-2", ttl=0.001)
    elsewhere = await running.registry.enrolment_tokens.create("rack-3", org_id="other-org")
    shown = (None, "hfe_nonsense", expired.secret, elsewhere.secret)
    async with peer(running.port) as agent:
        codes = [(await agent.init(enrolment_token=token)).code for token in shown]
        await agent.register(enrolment_token=issued.secret)
    async with peer(running.port, "web-02") as other:
        codes.append((await other.init(enrolment_token=issued.secret)).code)
    async with peer(running.port, key=agent.key) as back:  # a known key needs no token
        await back.register()

    assert codes == ["ID-TOKEN-INVALID", "ID-TOKEN-INVALID", "ID-TOKEN-EXPIRED", "ID-WRONG-ORG", "ID-TOKEN-EXHAUSTED"]


async def test_a_token_with_one_use_lets_in_one_of_two_that_show_it_at_once(open_plane: OpenPlane) -> None:
    running = await open_plane(RegistrationPolicy.TOKEN)
    issued = await running.registry.enrolment_tokens.create("rack-1", max_uses=1)
    async with peer(running.port, "web-01") as first, peer(running.port, "web-02") as second:
        challenges = [await agent.init(enrolment_token=issued.secret) for agent in (first, second)]
        answers = await asyncio.gather(*(
            agent.ask("agent.registration.complete", agent.completion(challenge.payload))
            for agent, challenge in zip((first, second), challenges, strict=True)
        ))  # fmt: skip

    assert sorted(answer.code or "in" for answer in answers) == ["ID-TOKEN-EXHAUSTED", "in"]
    assert len((await running.registry.list_agents()).agents) == 1


async def test_messages_that_come_while_an_answer_is_pending_are_taken_in_their_order(running: Plane) -> None:
    async with peer(running.port) as agent:
        challenge = await agent.init()
        await agent.say("agent.registration.complete", agent.completion(challenge.payload), id="complete")
        for number in range(60):
            await agent.say("agent.heartbeat", {}, kind="heartbeat", id=f"beat-{number}")
        heard = [(await agent.hear()) for _ in range(61)]

    assert [answer.headers["reply_to"] for answer in heard] == ["complete", *(f"beat-{n}" for n in range(60))]
    assert {answer.type for answer in heard[1:]} == {"ack"}


async def test_a_registration_of_an_agent_that_left_meanwhile_is_stored_and_offline(running: Plane) -> None:
    async with peer(running.port) as agent:
        challenge = await agent.init()
        await agent.say("agent.registration.complete", agent.completion(challenge.payload))
        agent.socket.transport.abort()
    await until(lambda: running.of(EventKind.REGISTERED) or running.of(EventKind.ENDED), "the end")
    await until(lambda: not running.gateway.sockets, "the connection to be gone")
    await running.gateway.answering.stop()

    assert running.gateway.live == {}
    known = await running.registry.get_agent(agent.uid)
    assert known is None or await running.status(agent.uid) == "offline"


async def test_an_old_connection_stays_when_the_newer_one_leaves_before_it_is_registered(running: Plane) -> None:
    async with peer(running.port) as old, peer(running.port, key=old.key) as new:
        await old.register()
        sock = next(sock for sock in running.gateway.sockets if sock.attempt == new.attempt)
        sock.abort()
        running.gateway.bind(sock, old.uid, time.time())

        assert running.gateway.live[old.uid].attempt == old.attempt
        assert await running.status(old.uid) == "online"
        assert (await old.beat()).type == "ack"


async def test_a_store_that_refuses_is_told_to_the_agent_and_nobody_else(running: Plane) -> None:
    with pytest.raises(Refused):
        await running.registry.update_agent("agt_nobody", note="x")
    async with peer(running.port) as agent:
        await agent.register()


async def test_what_an_ended_connection_held_is_free_without_a_garbage_collection(open_plane: OpenPlane) -> None:
    running = await open_plane(handshake_s=0.2, ping_interval_s=0.2, first_message_s=0.2)
    gc.collect()
    gc.disable()
    try:
        async with peer(running.port) as agent:
            await agent.register()
            await agent.beat()
        # The timing wheel lets go of it when the last time that it was planned for has come.
        await until(lambda: not any(type(each) is AgentSocket for each in gc.get_objects()), "the socket to be freed")
    finally:
        gc.enable()
