"""The doctor with the real gateway: a whole control plane in a process of its own."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.agent.keyring import Keyring
from holdfast.doctor import Status
from tests.doctor.places import code_of, examined, failures, line, surroundings
from tests.processes import ControlPlane, control_plane, wait_until


@pytest.fixture(scope="module")
def holdfast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("holdfast") / "data") as running:
        yield running


async def test_a_healthy_gateway_passes_everything_and_keeps_nothing(holdfast: ControlPlane, tmp_path: Path) -> None:
    report = await examined(holdfast.agent_url, surroundings(tmp_path), host_id="nobody-1", api=holdfast.api_url)

    assert (report.ok, report.verdict, failures(report)) == (True, None, [])
    assert line(report, "registration").evidence["status"] == "verified"
    assert line(report, "sizes").because == "200 to 16000 bytes pass"
    assert line(report, "round-trips").evidence["answered"] == 50
    assert line(report, "agents").status is Status.PASS
    assert holdfast.agents("nobody-1") == []


async def test_the_attempt_opens_the_gateways_half_of_the_story(holdfast: ControlPlane, tmp_path: Path) -> None:
    report = await examined(holdfast.agent_url, surroundings(tmp_path))

    def told() -> bool:
        return holdfast.get(f"/attempts/{report.attempt}").status_code == 200

    assert report.attempt is not None
    await asyncio.to_thread(wait_until, told, within_s=20, waiting_for=f"attempt {report.attempt}")


async def test_what_was_not_looked_at_is_never_told_as_fine(holdfast: ControlPlane, tmp_path: Path) -> None:
    report = await examined(holdfast.agent_url, surroundings(tmp_path), dry_run=False)

    skipped = {check.name: check.because for check in report.checks if check.status is Status.SKIP}
    assert skipped["registration"] == "not checked because --no-register was given"
    assert skipped["heartbeat"].startswith("not checked because only a registered agent may send one")
    assert skipped["idle"] == "not checked because no --idle was given"
    assert skipped["tls"] == "not checked because the URL is ws://, which has no TLS"


async def test_the_agents_own_key_registers_for_real_only_when_asked(holdfast: ControlPlane, tmp_path: Path) -> None:
    state = tmp_path / "state"
    Keyring.open(state).close()

    dry = await examined(holdfast.agent_url, surroundings(tmp_path), state_dir=state, host_id="own-1")
    assert (line(dry, "key").status, holdfast.agents("own-1")) == (Status.PASS, [])

    real = await examined(holdfast.agent_url, surroundings(tmp_path), state_dir=state, host_id="own-1", register=True)
    assert (line(real, "registration").because, line(real, "heartbeat").status) == (
        "the agent is registered",
        Status.PASS,
    )
    assert [agent["agent_uid"] for agent in holdfast.agents("own-1")] == [
        line(real, "registration").evidence["agent_uid"]
    ]


async def test_a_state_folder_without_a_key_is_said_and_left_untouched(holdfast: ControlPlane, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()

    report = await examined(holdfast.agent_url, surroundings(tmp_path), state_dir=state)

    assert (code_of(report), list(state.iterdir())) == ("KEY-REGENERATED", [])
    assert line(report, "upgrade").status is Status.PASS


async def test_a_held_connection_is_reported_with_its_longest_quiet(holdfast: ControlPlane, tmp_path: Path) -> None:
    report = await examined(holdfast.agent_url, surroundings(tmp_path), idle_s=1.0)

    idle = line(report, "idle")
    assert (idle.status, idle.evidence["pings"]) == (Status.PASS, 0)
    assert 1.0 <= float(idle.evidence["longest_quiet_s"] or 0) < 2.0


@pytest.mark.parametrize("path", ["/ws", "/ws/agent/", "//ws/agent", "/agent"])
async def test_a_wrong_path_is_named_with_the_right_one(holdfast: ControlPlane, tmp_path: Path, path: str) -> None:
    report = await examined(f"ws://127.0.0.1:{holdfast.gateway_port}{path}", surroundings(tmp_path))

    assert code_of(report) == "WS-WRONG-PATH"
    assert failures(report) == ["upgrade"]


async def test_the_port_of_the_actions_api_is_recognised(holdfast: ControlPlane, tmp_path: Path) -> None:
    report = await examined(f"ws://127.0.0.1:{holdfast.api_port}/ws/agent", surroundings(tmp_path))

    assert code_of(report) == "NET-WRONG-PORT"


async def test_tls_to_the_plain_gateway_is_recognised(holdfast: ControlPlane, tmp_path: Path) -> None:
    report = await examined(f"wss://127.0.0.1:{holdfast.gateway_port}/ws/agent", surroundings(tmp_path))

    assert report.verdict is not None
    assert (report.verdict.code, failures(report)) == ("TLS-TLS-TO-PLAIN", ["tls"])
    assert report.verdict.fix.startswith(f"Use {holdfast.agent_url}")


async def test_an_api_that_was_named_and_is_not_there_is_a_failure(holdfast: ControlPlane, tmp_path: Path) -> None:
    report = await examined(holdfast.agent_url, surroundings(tmp_path), api="http://127.0.0.1:1")

    assert (code_of(report), failures(report)) == ("SRV-ACTIONS-API-DOWN", ["GET /agents at 127.0.0.1:1"])


async def test_a_key_in_use_is_not_registered_again_under_the_running_agent(
    holdfast: ControlPlane, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    keyring = Keyring.open(state)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "locks").symlink_to("/proc/locks")

    report = await examined(holdfast.agent_url, surroundings(tmp_path), state_dir=state, host_id="own-2", register=True)
    keyring.close()

    assert line(report, "registration").because.startswith(f"not checked because process {os.getpid()} runs with")
    assert holdfast.agents("own-2") == []


async def test_a_check_that_breaks_is_told_and_takes_only_what_needs_it_along(
    holdfast: ControlPlane, tmp_path: Path
) -> None:
    async def broken(_: str) -> list[tuple[int, str]]:
        raise LookupError("a bug")

    here = msgspec.structs.replace(surroundings(tmp_path), resolve=broken)
    report = await examined(f"ws://gateway.test:{holdfast.gateway_port}", here)

    assert (report.broken, report.ok) == (True, True)
    assert line(report, "name").because == "not checked because the doctor itself failed here: LookupError: a bug"
    assert line(report, "tcp").because == "not checked because name failed"
    assert line(report, "url").status is Status.PASS
