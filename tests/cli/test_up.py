"""`holdfast up`, `gateway` and `api` as processes, with real signals."""

import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.cli.commands import holdfast
from tests.processes import BIN, Child, control_plane, free_ports, wait_until


def listening(*arguments: str, log: Path) -> Child:
    """A part of Holdfast as a process of its own."""
    return Child([str(BIN / "holdfast"), *arguments], log)


def answers(url: str, **headers: str) -> httpx.Response | None:
    """The answer, once there is one."""
    try:
        return httpx.get(url, headers=headers, trust_env=False, timeout=5)
    except httpx.TransportError:
        return None


def test_the_local_agent_is_registered_and_online_and_the_greeting_says_where(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data", "--with-agent") as running:
        wait_until(
            lambda: running.get("/agents?status=online").json()["total"] == 1,
            within_s=20,
            waiting_for="the local agent",
        )
        running.child.wait_for_output(f"curl {running.api_url}/agents")
        assert running.agent_url in running.child.output()


def test_it_stops_in_order_and_says_goodbye_to_its_agents(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data", "--with-agent", "--log-format", "json") as running:
        running.child.wait_for_output("Successfully completed agent registration")
        running.child.stop(by=signal.SIGINT)
        told = running.child.output()

    order = [told.index(event) for event in ("control-plane.stopping", "gateway.stopped", "control-plane.stopped")]
    assert order == sorted(order)
    assert "Traceback" not in told


def test_an_agent_keeps_its_identity_over_a_restart_of_everything(tmp_path: Path) -> None:
    uids = []
    for _ in range(2):
        with control_plane(tmp_path / "data", "--with-agent") as running:
            wait_until(
                lambda: running.get("/agents?status=online").json()["total"] == 1,
                within_s=20,
                waiting_for="the local agent",
            )
            uids += [agent["agent_uid"] for agent in running.get("/agents").json()["agents"]]

    assert len(uids) == 2
    assert uids[0] == uids[1]


@pytest.mark.parametrize(("option", "part"), [("--api-port", "Actions API"), ("--gateway-port", "gateway")])
def test_a_port_in_use_is_named_with_what_to_do(tmp_path: Path, option: str, part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        free = {"--api-port": "0", "--gateway-port": "0", option: str(port)}

        ended = holdfast("up", *(word for pair in free.items() for word in pair), "--data-dir", str(tmp_path / "data"))

    assert ended.code == 2
    assert f"error: the {part} cannot listen on 127.0.0.1 port {port} [CFG-PORT-IN-USE]" in ended.err
    assert f"choose another port with {option}" in ended.err
    assert "Traceback" not in ended.err


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    ended = holdfast("up", "--host", "192.0.2.1", "--api-port", "0", "--data-dir", str(tmp_path / "data"))

    assert (ended.code, "[CFG-ADDRESS]" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "environ", "code"),
    [
        (("--registration", "closed"), {}, "CFG-BAD-VALUE"),
        (("--gateway-port", "70000"), {}, "CFG-BAD-VALUE"),
        (("--config", "/nowhere/holdfast.toml"), {}, "CFG-FILE"),
        ((), {"HOLDFAST_GATEWAYPORT": "1"}, "CFG-UNKNOWN-KEY"),
        (("--database-url", "mysql://x/y"), {}, "SRV-DB-DOWN"),
        (("--database-url", "nonsense"), {}, "SRV-DB-DOWN"),
    ],
)
def test_a_wrong_configuration_is_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], environ: dict[str, str], code: str
) -> None:
    ended = holdfast("up", "--api-port", "0", "--data-dir", str(tmp_path / "data"), *arguments, environ=environ)

    assert ended.code in {1, 2}
    assert f"[{code}]" in ended.err
    assert "  why: " in ended.err
    assert "  fix: " in ended.err
    assert "Traceback" not in ended.err


def test_one_port_for_gateway_and_api_is_refused(tmp_path: Path) -> None:
    (port,) = free_ports(1)

    ended = holdfast(
        "up", "--api-port", str(port), "--gateway-port", str(port), "--data-dir", str(tmp_path / "data")
    )  # fmt: skip

    assert ended.code == 2
    assert f"gateway_port and api_port are both {port} [CFG-CONFLICT]" in ended.err
    assert "Traceback" not in ended.err


def test_a_data_directory_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = holdfast("up", "--api-port", "0", "--gateway-port", "0", "--data-dir", str(tmp_path / "file" / "data"))

    assert (ended.code, "[CFG-FILE]" in ended.err) == (2, True)


def test_on_another_address_agents_wait_for_approval_and_reading_needs_a_token(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data", "--host", "0.0.0.0") as running:
        without = running.get("/agents")
        token = holdfast("tokens", "create", "--role", "viewer", "--data-dir", str(running.data_dir)).out.strip()
        allowed = answers(f"{running.api_url}/agents", Authorization=f"Bearer {token}")

        assert running.get("/readyz").json()["registration"] == "approve"
        assert (without.status_code, without.json()["code"]) == (401, "API-TOKEN-MISSING")
        assert allowed is not None
        assert allowed.status_code == 200


def test_with_enrolment_tokens_the_local_agent_is_let_in(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data", "--with-agent", "--registration", "token") as running:
        wait_until(
            lambda: running.get("/agents?status=online").json()["total"] == 1,
            within_s=20,
            waiting_for="the local agent",
        )


def test_gateway_and_api_as_two_processes_share_one_store(tmp_path: Path) -> None:
    gateway_port, api_port = free_ports(2)
    shared = ["--data-dir", str(tmp_path / "data"), "--registration", "approve"]
    api = f"http://127.0.0.1:{api_port}"
    state = ["--state-dir", str(tmp_path / "agent"), "--host-id", "web-1"]
    with (
        listening("gateway", "--gateway-port", str(gateway_port), *shared, log=tmp_path / "gateway.log") as gateway,
        listening("api", "--api-port", str(api_port), *shared, log=tmp_path / "api.log") as actions,
        listening(
            "agent", "run", "--url", f"ws://127.0.0.1:{gateway_port}", *state, log=tmp_path / "agent.log"
        ) as agent,
    ):
        wait_until(lambda: answers(f"{api}/healthz"), within_s=60, waiting_for="the API")
        wait_until(
            lambda: httpx.get(f"{api}/agents?status=pending").json()["total"] or None,
            within_s=60,
            waiting_for="the agent",
        )
        token = holdfast("tokens", "create", "--role", "operator", "--data-dir", str(tmp_path / "data")).out.strip()

        approved = holdfast("agents", "approve", "web-1", "--api", api, environ={"HOLDFAST_TOKEN": token})

        assert approved.code == 0, approved.err
        wait_until(
            lambda: httpx.get(f"{api}/agents?status=online").json()["total"] or None,
            within_s=30,
            waiting_for="the approval",
        )
        for child in (agent, gateway, actions):
            child.stop()


def test_an_api_without_gateway_does_not_guess_who_may_register(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with listening(
        "api", "--api-port", str(port), "--data-dir", str(tmp_path / "data"), log=tmp_path / "api.log"
    ) as actions:
        ready = wait_until(
            lambda: answers(f"http://127.0.0.1:{port}/readyz"), within_s=60, waiting_for="the API"
        )  # fmt: skip

        assert ready.json()["registration"] == "unknown"
        assert "  register " not in actions.output()
        actions.stop()


def test_a_second_gateway_on_the_same_data_is_refused_and_harms_nobody(tmp_path: Path) -> None:
    host = socket.gethostname()
    with control_plane(tmp_path / "data", "--with-agent") as plane:
        plane.wait_for_agent(host)

        second = holdfast("gateway", "--gateway-port", "0", "--data-dir", str(tmp_path / "data"))

        assert second.code == 2
        assert "another gateway runs on" in second.err
        assert "CFG-CONFLICT" in second.err
        assert [agent["status"] for agent in plane.agents(host)] == ["online"]
