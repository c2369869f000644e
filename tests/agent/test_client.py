"""The agent against a gateway on a real socket."""

import asyncio
import http
import io
import json
import socket
import time
from pathlib import Path

import pytest
import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from holdfast import Agent
from holdfast.agent import State, Status
from holdfast.agent.dialling import Dialler, Tls
from holdfast.agent.failures import loss_problem
from holdfast.agent.shell import Clock
from holdfast.faults import Refused, Unavailable
from holdfast.protocol.payloads import Init
from tests.agent.certificates import Authority
from tests.doubles.scripted_gateway import (
    UID,
    Conversation,
    ScriptedGateway,
    read,
    scripted_gateway,
    welcome,
    welcome_back,
)

AT_ONCE = Clock(draw=lambda: 0.0)  # the shortest wait that the jitter can draw


async def hang_up(conversation: Conversation) -> None:
    """Register, then end the TCP connection without a word."""
    await conversation.register()
    conversation.connection.transport.abort()


async def test_an_agent_registers_and_says_so(tmp_path: Path) -> None:
    async with (
        scripted_gateway(welcome) as gateway,
        Agent(gateway.url, state_dir=tmp_path / "a", host_id="db-1") as agent,
    ):
        status = await agent.wait_registered(5)

        assert (status.state, status.uid, status.attempt, status.problem) == (State.READY, UID, "att-1", None)
        assert gateway.conversations[0].user_agent.startswith("holdfast-agent/")


async def test_the_first_message_is_sent_the_moment_the_connection_is_open(tmp_path: Path) -> None:
    waits: list[float] = []

    async def timed(conversation: Conversation) -> None:
        opened = time.perf_counter()
        await conversation.hear()
        waits.append(time.perf_counter() - opened)
        await conversation.connection.wait_closed()

    async with scripted_gateway(timed) as gateway, Agent(gateway.url, state_dir=tmp_path):
        await gateway.spoken(1)
        async with asyncio.timeout(5):
            while not waits:
                await asyncio.sleep(0.01)

    assert waits[0] < 0.5


async def test_what_an_agent_tells_of_itself_arrives(tmp_path: Path) -> None:
    told: list[Init] = []

    async def note(conversation: Conversation) -> None:
        told.append(await conversation.register())
        await conversation.acknowledge()

    async with (
        scripted_gateway(note) as gateway,
        Agent(
            gateway.url, state_dir=tmp_path, org_id="acme", labels={"env": "prod"}, version="7.1", capabilities=["run"]
        ) as agent,
    ):
        await agent.wait_registered(5)

    assert (told[0].host_id, told[0].org_id, told[0].labels) == (socket.gethostname(), "acme", {"env": "prod"})
    assert (told[0].agent_version, told[0].capabilities, told[0].last_exit) == ("7.1", ["run"], None)
    assert told[0].instance is not None


async def test_a_restarted_agent_resumes_with_the_same_key_and_tells_how_it_ended(tmp_path: Path) -> None:
    ends: list[str | None] = []

    async def resumed(conversation: Conversation) -> None:
        ends.append((await conversation.resume()).last_exit)
        await conversation.acknowledge()

    async with scripted_gateway(welcome, resumed) as gateway:
        async with Agent(gateway.url, state_dir=tmp_path, host_id="db-1") as first:
            await first.wait_registered(5)
        async with Agent(gateway.url, state_dir=tmp_path) as second:
            status = await second.wait_registered(5)

    assert (status.uid, ends) == (UID, ["clean"])


async def test_an_agent_with_new_labels_registers_again(tmp_path: Path) -> None:
    async with scripted_gateway(welcome) as gateway:
        for env in ("test", "prod"):
            async with Agent(gateway.url, state_dir=tmp_path, labels={"env": env}) as agent:
                await agent.wait_registered(5)

        last = gateway.conversations[-1].heard[0]

    assert read(last, Init).labels == {"env": "prod"}


async def test_the_host_id_of_the_first_registration_stays_when_the_host_is_renamed(tmp_path: Path) -> None:
    async with scripted_gateway(welcome, welcome_back) as gateway:
        async with Agent(gateway.url, state_dir=tmp_path, host_id="first-name") as agent:
            await agent.wait_registered(5)
        async with Agent(gateway.url, state_dir=tmp_path) as agent:
            await agent.wait_registered(5)

        assert gateway.conversations[-1].heard[0].channel == "auth"


async def test_a_cut_connection_is_dialled_again_and_resumed(tmp_path: Path) -> None:
    async with (
        scripted_gateway(hang_up, welcome_back) as gateway,
        Agent(gateway.url, state_dir=tmp_path, clock=AT_ONCE) as agent,
    ):
        await gateway.spoken(2)
        await agent.wait_registered(5)

        assert gateway.conversations[1].heard[0].channel == "auth"


async def test_a_gateway_that_is_away_at_the_start_is_found_when_it_comes(tmp_path: Path) -> None:
    gateway = ScriptedGateway([welcome])
    await gateway.start()
    port = gateway.port
    await gateway.stop()
    async with Agent(gateway.url, state_dir=tmp_path, clock=AT_ONCE) as agent:
        async with asyncio.timeout(5):
            while agent.status.problem is None:
                await asyncio.sleep(0.01)
        assert agent.status.problem.code == "NET-CONN-REFUSED"

        await gateway.start(port)
        await agent.wait_registered(5)
    await gateway.stop()


async def test_a_refused_upgrade_is_tried_again(tmp_path: Path) -> None:
    async with (
        scripted_gateway(http.HTTPStatus.TOO_MANY_REQUESTS, welcome) as gateway,
        Agent(gateway.url, state_dir=tmp_path, clock=AT_ONCE) as agent,
    ):
        await agent.wait_registered(5)

        assert gateway.dials == 2


async def test_a_replaced_agent_ends_and_never_dials_again(tmp_path: Path) -> None:
    async def replace(conversation: Conversation) -> None:
        await conversation.register()
        await conversation.close(4509, "LIFE-DUPLICATE-SESSION: Stop one")

    async with scripted_gateway(replace) as gateway:
        agent = Agent(gateway.url, state_dir=tmp_path, clock=AT_ONCE)
        with pytest.raises(Refused) as refused:
            await agent.run()

        assert (refused.value.problem.code, refused.value.problem.fix) == ("LIFE-DUPLICATE-SESSION", "Stop one")
        assert (agent.status.state, gateway.dials) == (State.REFUSED, 1)


async def test_waiting_for_an_agent_that_is_refused_tells_why(tmp_path: Path) -> None:
    async def revoke(conversation: Conversation) -> None:
        await conversation.refuse("ID-REVOKED", to=await conversation.hear())
        await conversation.connection.wait_closed()

    async with scripted_gateway(revoke) as gateway, Agent(gateway.url, state_dir=tmp_path) as agent:
        with pytest.raises(Refused) as refused:
            await agent.wait_registered(5)

    assert refused.value.problem.code == "ID-REVOKED"


async def test_waiting_in_vain_tells_the_last_problem(tmp_path: Path) -> None:
    async with (
        scripted_gateway(http.HTTPStatus.TOO_MANY_REQUESTS) as gateway,
        Agent(gateway.url, state_dir=tmp_path) as agent,
    ):
        with pytest.raises(Unavailable) as unavailable:
            await agent.wait_registered(0.3)

    assert unavailable.value.problem.code == "WS-RATE-429"


async def test_a_stopped_agent_says_going_away_and_frees_its_folder(tmp_path: Path) -> None:
    async with scripted_gateway(welcome) as gateway:
        agent = Agent(gateway.url, state_dir=tmp_path)
        running = asyncio.create_task(agent.run())
        await gateway.spoken(1)
        await agent.wait_registered(5)

        await agent.stop()
        await running

        connection = gateway.conversations[0].connection
        await connection.wait_closed()
        assert (connection.close_code, connection.close_reason) == (1001, "the agent was stopped")
        assert agent.status.state is State.STOPPED
        async with Agent(gateway.url, state_dir=tmp_path):
            pass


async def test_an_agent_can_be_stopped_while_it_dials_and_while_it_waits(tmp_path: Path) -> None:
    for listening in (True, False):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            if listening:
                silent.listen()
            async with Agent(f"ws://127.0.0.1:{silent.getsockname()[1]}", state_dir=tmp_path) as agent:
                async with asyncio.timeout(5):
                    while agent.status.state is not (State.DIALLING if listening else State.BACKING_OFF):
                        await asyncio.sleep(0.01)
                async with asyncio.timeout(2):
                    await agent.stop()
                ended = agent.status

            assert ended.state is State.STOPPED


async def test_a_cancelled_agent_frees_its_folder_and_leaves_no_task(tmp_path: Path) -> None:
    async with scripted_gateway(welcome) as gateway:
        agent = Agent(gateway.url, state_dir=tmp_path)
        running = asyncio.create_task(agent.run())
        await gateway.spoken(1)
        await agent.wait_registered(5)
        others = asyncio.all_tasks() - {running}

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        async with Agent(gateway.url, state_dir=tmp_path) as second:
            await second.stop()
        await gateway.conversations[0].connection.wait_closed()
        assert {task for task in asyncio.all_tasks() - others if "holdfast" in repr(task.get_coro())} == set()


async def test_two_agents_with_one_state_folder_are_refused(tmp_path: Path) -> None:
    async with scripted_gateway(welcome) as gateway, Agent(gateway.url, state_dir=tmp_path):
        with pytest.raises(Refused) as refused:
            await Agent(gateway.url, state_dir=tmp_path).run()

    assert refused.value.problem.code == "LIFE-DUPLICATE-SESSION"


async def test_heartbeats_keep_coming_at_the_gateways_interval(tmp_path: Path) -> None:
    async def brisk(conversation: Conversation) -> None:
        await conversation.register(interval_s=0.1)
        await conversation.acknowledge()

    async with scripted_gateway(brisk) as gateway, Agent(gateway.url, state_dir=tmp_path) as agent:
        await agent.wait_registered(5)
        async with asyncio.timeout(5):
            while len(gateway.conversations[0].heard) < 8:
                await asyncio.sleep(0.01)

        beats = gateway.conversations[0].heard[2:]
        assert {(beat.type, beat.channel, beat.payload) for beat in beats} == {("heartbeat", "agent.heartbeat", "")}
        assert agent.status.state is State.READY


async def test_a_gateway_that_falls_silent_is_left_and_dialled_again(tmp_path: Path) -> None:
    async def mute(conversation: Conversation) -> None:
        await conversation.register(interval_s=0.1)
        while True:
            await conversation.hear()

    async with (
        scripted_gateway(mute, welcome_back) as gateway,
        Agent(gateway.url, state_dir=tmp_path, clock=AT_ONCE),
    ):
        await gateway.spoken(2)

        assert [message.type for message in gateway.conversations[0].heard[2:]] == ["heartbeat"] * 3


async def test_a_path_that_carries_nothing_any_more_is_noticed_by_pings_alone() -> None:
    async def vanish(conversation: Conversation) -> None:
        conversation.connection.transport.pause_reading()
        await conversation.connection.wait_closed()

    async with scripted_gateway(vanish) as gateway:
        connection = await Dialler(gateway.url, tls=Tls(), user_agent="test", ping_s=0.2).dial()
        assert isinstance(connection, ClientConnection)
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
        connection.transport.abort()

    assert loss_problem(closed.value).code == "LIFE-HALF-OPEN"


async def test_a_pending_agent_waits_and_becomes_registered_when_it_is_approved(tmp_path: Path) -> None:
    async def approve(conversation: Conversation) -> None:
        await conversation.register(status="pending", interval_s=0.1)
        await conversation.hear()
        payload = {"agent_uid": UID, "status": "registered", "heartbeat_interval": 20.0}
        await conversation.say("event", "agent.registration", payload)
        await conversation.acknowledge()

    seen: list[Status] = []
    async with (
        scripted_gateway(approve) as gateway,
        Agent(gateway.url, state_dir=tmp_path, on_status=seen.append) as agent,
    ):
        await agent.wait_registered(5)

        assert gateway.dials == 1
    assert [status.state for status in seen] == [
        State.DIALLING,
        State.REGISTERING,
        State.COMPLETING,
        State.PENDING,
        State.READY,
        State.STOPPED,
    ]


async def test_an_agent_speaks_tls_with_a_client_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context(authority.issue("127.0.0.1"), client_required=True)
    certificate = authority.issue("db-1")
    async with (
        scripted_gateway(welcome, tls=context) as gateway,
        Agent(gateway.url, state_dir=tmp_path / "state", ca_file=authority.file, client_cert=certificate) as agent,
    ):
        status = await agent.wait_registered(5)

    assert status.uid == UID


async def test_logs_tell_each_step_with_its_fix_and_no_secret(tmp_path: Path) -> None:
    async def lose(conversation: Conversation) -> None:
        await conversation.register()
        await conversation.close(1013, "SRV-DB-DOWN: Wait")

    text = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(text),
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.stdlib.BoundLogger,  # not the one that whoever ran before in this process configured
    )
    async with (
        scripted_gateway(lose, welcome_back) as gateway,
        Agent(gateway.url, state_dir=tmp_path, enrolment_token="hft_secret", clock=AT_ONCE, log=log) as agent,
    ):
        await gateway.spoken(2)
        await agent.wait_registered(5)
        heard = gateway.conversations[0].heard

    lines = [json.loads(line) for line in text.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        "agent.connected",
        "agent.registered",
        "agent.lost",
        "agent.connected",
        "agent.resumed",
        "agent.stopped",
    ]
    lost = lines[2]
    assert (lost["close_code"], lost["code"], lost["fix"]) == (1013, "SRV-DB-DOWN", "Wait")
    assert lost["retry_in_s"] == 0.0
    secrets = ["hft_secret", (tmp_path / "agent.key").read_text().strip(), *(message.payload for message in heard)]
    assert [secret for secret in secrets if secret and secret in text.getvalue()] == []


async def test_many_losses_leave_neither_tasks_nor_sockets_behind(tmp_path: Path) -> None:
    async def drop(conversation: Conversation) -> None:
        await conversation.hear()
        conversation.connection.transport.abort()

    files = Path("/proc/self/fd")
    async with (
        scripted_gateway(*[drop] * 50, welcome) as gateway,
        Agent(gateway.url, state_dir=tmp_path, clock=AT_ONCE) as agent,
    ):
        before, tasks = len(list(files.iterdir())), len(asyncio.all_tasks())
        await agent.wait_registered(30)
        await asyncio.gather(*(c.connection.wait_closed() for c in gateway.conversations[:50]))

        assert len(list(files.iterdir())) <= before + 4
        assert len(asyncio.all_tasks()) <= tasks + 8


async def test_an_agent_runs_once(tmp_path: Path) -> None:
    async with scripted_gateway(welcome) as gateway:
        agent = Agent(gateway.url, state_dir=tmp_path)
        async with agent:
            pass
        with pytest.raises(RuntimeError, match="runs once"):
            await agent.run()
