"""A swarm against a real `holdfast up`: it registers, beats, comes back, and tells when all is not well."""

import asyncio
from pathlib import Path

import pytest

from holdfast.agent.backoff import Backoff
from holdfast.faults import Refused
from holdfast.lab.plane import Plane
from holdfast.swarm import Fleet, Progress, Summary, SwarmOptions, first_cause
from holdfast.swarm.options import LOOPBACK, source_address
from holdfast.swarm.tally import Tally
from tests.cli.commands import holdfast
from tests.processes import control_plane, free_ports

QUICK = {"HOLDFAST_TIMEOUTS__HEARTBEAT_INTERVAL_S": "0.5", "HOLDFAST_TIMEOUTS__DRAIN_S": "2"}
SOON = Backoff(base_s=0.3, cap_s=0.6)


async def until(fleet: "asyncio.Task[Summary]", seen: list[Progress], *, registered: int) -> None:
    """Until so many are registered; fails when the run ends before."""
    async with asyncio.timeout(30):
        while not seen or seen[-1].registered != registered:
            assert not fleet.done(), fleet.result()
            await asyncio.sleep(0.05)


async def test_agents_register_from_their_own_addresses_and_every_heartbeat_is_acknowledged(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data", environ=QUICK) as plane:
        fleet = Fleet(SwarmOptions(url=plane.agent_url, agents=25, duration_s=2.0))
        seen: list[Progress] = []

        summary = await fleet.run(on_progress=seen.append, every_s=0.2)
        listed = plane.get("/agents?limit=100").json()["agents"]

    assert summary.ok
    assert summary.registrations == summary.connected_at_end == 25
    assert summary.heartbeats >= 25
    assert summary.acks_missing == 0
    assert {agent["remote_address"].rpartition(":")[0] for agent in listed} == {
        source_address(LOOPBACK, number) for number in range(25)
    }
    assert seen[-1].registered == 25


async def test_after_a_restart_of_the_gateway_all_resume_by_their_keys(tmp_path: Path) -> None:
    async with Plane(tmp_path, settings=QUICK) as plane:
        fleet = Fleet(SwarmOptions(url=plane.url, agents=20), backoff=SOON)
        seen: list[Progress] = []
        running = asyncio.create_task(fleet.run(on_progress=seen.append, every_s=0.1))
        await until(running, seen, registered=20)
        await plane.stop()
        await until(running, seen, registered=0)
        await plane.start()
        await until(running, seen, registered=20)
        fleet.ask_to_stop()
        summary = await running

    assert summary.ok
    assert (summary.registrations, summary.resumptions) == (20, 20)
    assert summary.endings["closed 1012 LIFE-RESTART-1012"] == 20
    assert summary.reconnects >= 20


def test_the_command_ends_with_1_where_agents_are_refused_for_good(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("hfe_nobody_issued_this")
    with control_plane(tmp_path / "data", "--registration", "token") as plane:
        said = holdfast(
            "swarm", plane.agent_url, "--agents", "3", "--duration", "2", "--json",
            "--enrolment-token-file", str(token),
        )  # fmt: skip

    assert said.code == 1
    document = said.json()
    assert document["refused"] == 3
    assert document["errors"] == {"ID-TOKEN-INVALID": 3}


def test_a_port_where_nothing_listens_is_named_with_what_to_do() -> None:
    url = f"ws://127.0.0.1:{free_ports(1)[0]}"

    said = holdfast("swarm", url, "--agents", "2", "--duration", "1")

    assert said.code == 1
    assert "[NET-CONN-REFUSED]" in said.err
    assert "fix: Start the gateway" in said.err
    assert f"`holdfast doctor {url}`" in said.err


@pytest.mark.parametrize(
    ("endings", "code"),
    [
        ({"not connected: TimeoutError": 2}, "NET-CONN-TIMEOUT"),
        ({"not a gateway: HTTP 404": 2}, "WS-WRONG-PATH"),
        ({"lost: no close frame": 9, "closed 4003 ID-REVOKED": 2}, "ID-REVOKED"),
        ({"lost: no close frame": 2}, None),
    ],
)
def test_the_commonest_ending_with_a_known_fault_is_the_cause(endings: dict[str, int], code: str | None) -> None:
    tally = Tally()
    tally.endings.update(endings)

    cause = first_cause(tally.summary(agents=2, seconds=1.0), url="ws://127.0.0.1:8080")

    assert (cause.code if cause is not None else None) == code


def test_a_swarm_that_was_well_has_no_cause() -> None:
    assert first_cause(Tally().summary(agents=0, seconds=1.0), url="ws://127.0.0.1:8080") is None


def test_the_command_says_where_the_limit_of_open_files_is_too_low() -> None:
    # More than the kernel lets anybody have (fs.nr_open): true on every machine, root or not.
    said = holdfast("swarm", "ws://127.0.0.1:1", "--agents", "4000000000")

    assert said.code == 1
    assert "SRV-FD-LIMIT" in said.err
    assert "ask for at most" in said.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (SwarmOptions(url="http://127.0.0.1:8080", agents=1), "WS-WRONG-SCHEME"),
        (SwarmOptions(url="ws://127.0.0.1:8080", agents=1, addresses="here"), "NET-UNREACHABLE"),
        (SwarmOptions(url="wss://127.0.0.1", agents=1, ca_file=Path("missing.pem")), "TLS-UNTRUSTED-CA"),
    ],
)
async def test_options_that_cannot_work_are_refused_by_name(options: SwarmOptions, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        Fleet(options)

    assert refusal.value.problem.code == code
