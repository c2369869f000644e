"""`holdfast agent run` as a process of its own: signals, exit codes, systemd."""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from holdfast.protocol.payloads import Auth, Init
from tests.doubles.raw_listener import raw_listener
from tests.doubles.scripted_gateway import Conversation, read, scripted_gateway, welcome, welcome_back
from tests.processes import BIN, environment


@asynccontextmanager
async def agent_run(
    url: str, state_dir: Path, *arguments: str, environ: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """A running command; killed where the test did not end it."""
    command = [str(BIN / "holdfast"), "agent", "run", "--url", url, "--state-dir", str(state_dir), *arguments]
    # In a session of its own: a test may send signals to it and to nothing else.
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, env={**environment(), **(environ or {})}, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def output_of(process: Process) -> tuple[int, str]:
    """Exit code and everything printed, once the process has ended."""
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (out + err).decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_agent_with_1001_and_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    async with scripted_gateway(welcome) as gateway, agent_run(gateway.url, tmp_path / "s", "--host-id", "db-1") as run:
        conversation = await gateway.spoken(1)
        async with asyncio.timeout(10):
            while len(conversation.heard) < 2:
                await asyncio.sleep(0.01)
        run.send_signal(number)
        code, _ = await output_of(run)
        await conversation.connection.wait_closed()

    assert (code, conversation.connection.close_code) == (0, 1001)
    assert read(conversation.heard[0], Init).host_id == "db-1"


async def test_a_refusal_for_good_is_printed_with_its_fix_and_ends_with_exit_code_1(tmp_path: Path) -> None:
    async def deny(conversation: Conversation) -> None:
        await conversation.register()
        await conversation.close(4503, "ID-REVOKED: Enrol again if it was not meant")

    async with scripted_gateway(deny) as gateway, agent_run(gateway.url, tmp_path / "s") as run:
        code, printed = await output_of(run)

    assert code == 1
    assert "fix: Enrol again if it was not meant" in printed
    assert "code: ID-REVOKED" in printed


@pytest.mark.parametrize(
    ("url", "arguments", "code"),
    [
        ("http://127.0.0.1:8080/health", (), "WS-WRONG-SCHEME"),
        ("ws://127.0.0.1:1", ("--enrolment-token-file", "missing"), "ID-TOKEN-INVALID"),
        ("ws://127.0.0.1:1", ("--host-id", " padded "), "MSG-FIELD-TYPE"),
        ("wss://127.0.0.1:1", ("--ca-file", "missing"), "TLS-UNTRUSTED-CA"),
    ],
)
async def test_a_bad_configuration_is_told_and_ends_with_exit_code_2(
    tmp_path: Path, url: str, arguments: tuple[str, ...], code: str
) -> None:
    async with agent_run(url, tmp_path / "s", *arguments) as run:
        ended, printed = await output_of(run)

    assert ended == 2
    assert f"code: {code}" in printed


async def test_a_second_process_with_the_same_folder_ends_with_exit_code_2(tmp_path: Path) -> None:
    async with scripted_gateway(welcome) as gateway, agent_run(gateway.url, tmp_path / "s") as first:
        await gateway.spoken(1)
        async with agent_run(gateway.url, tmp_path / "s") as second:
            code, printed = await output_of(second)

    assert code == 2
    assert f"Stop process {first.pid}" in printed


async def test_a_killed_agent_resumes_and_tells_that_it_was_killed(tmp_path: Path) -> None:
    async with scripted_gateway(welcome, welcome_back) as gateway:
        async with agent_run(gateway.url, tmp_path / "s") as first:
            conversation = await gateway.spoken(1)
            async with asyncio.timeout(10):
                while not (tmp_path / "s" / "agent.json").exists():
                    await asyncio.sleep(0.01)
            first.kill()
            await conversation.connection.wait_closed()
            await first.wait()
        async with agent_run(gateway.url, tmp_path / "s"):
            conversation = await gateway.spoken(2)
            async with asyncio.timeout(10):
                while not conversation.heard:
                    await asyncio.sleep(0.01)

    assert read(conversation.heard[0], Auth).last_exit == "killed"


@pytest.mark.parametrize("by_file", [True, False])
async def test_the_enrolment_token_comes_from_a_file_or_the_environment(tmp_path: Path, by_file: bool) -> None:
    (tmp_path / "token").write_text("hft_secret\n")
    arguments = ("--enrolment-token-file", str(tmp_path / "token")) if by_file else ()
    environ = {} if by_file else {"HOLDFAST_ENROLMENT_TOKEN": "hft_secret"}
    async with (
        scripted_gateway(welcome) as gateway,
        agent_run(gateway.url, tmp_path / "s", *arguments, environ=environ) as run,
    ):
        conversation = await gateway.spoken(1)
        async with asyncio.timeout(10):
            while len(conversation.heard) < 2:
                await asyncio.sleep(0.01)
        run.terminate()
        _, printed = await output_of(run)

    assert read(conversation.heard[0], Init).enrolment_token == "hft_secret"
    assert "hft_secret" not in printed


async def test_a_proxy_of_the_environment_is_used_and_its_refusal_named(tmp_path: Path) -> None:
    denied = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with raw_listener(denied) as port:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{port}"}
        async with agent_run("ws://gateway.invalid", tmp_path / "s", "--log-format", "json", environ=environ) as run:
            lines: list[bytes] = []
            async with asyncio.timeout(10):
                while not any(b"PXY-AUTH-407" in line for line in lines):
                    assert run.stdout is not None
                    assert run.stderr is not None
                    reading = {asyncio.create_task(stream.readline()) for stream in (run.stdout, run.stderr)}
                    done, rest = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
                    lines += [task.result() for task in done]
                    for task in rest:
                        task.cancel()
            run.terminate()

    assert b"gateway.invalid:80" in lines[-1]


async def test_systemd_is_told_of_readiness_status_life_and_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = str(tmp_path / "notify")
        manager.bind(address)
        manager.setblocking(False)
        environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000"}
        async with scripted_gateway(welcome) as gateway, agent_run(gateway.url, tmp_path / "s", environ=environ) as run:
            heard: list[str] = []
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(10):
                while heard.count("WATCHDOG=1") < 3 or not any("registered as" in line for line in heard):
                    heard.append((await loop.sock_recv(manager, 4096)).decode())
            run.terminate()
            await output_of(run)
            async with asyncio.timeout(10):
                while "STOPPING=1" not in heard:
                    heard.append((await loop.sock_recv(manager, 4096)).decode())

    assert heard[0] == "READY=1"
    assert "STATUS=registered as agt_0123456789abcdef" in heard


async def test_an_agent_is_small(tmp_path: Path) -> None:
    """Resident memory of the whole command: interpreter, libraries and one registered connection."""
    async with scripted_gateway(welcome) as gateway, agent_run(gateway.url, tmp_path / "s") as run:
        conversation = await gateway.spoken(1)
        async with asyncio.timeout(10):
            while len(conversation.heard) < 2:
                await asyncio.sleep(0.01)
        pages = int(Path(f"/proc/{run.pid}/statm").read_text().split()[1])
        resident_mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    assert resident_mib < 64
