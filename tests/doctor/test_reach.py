"""TCP to each address of the gateway's name."""

import asyncio
from pathlib import Path

import pytest

from holdfast.doctor import Status, Surroundings
from holdfast.doctor.confinement import confinement
from tests.doctor.peers import web_server
from tests.doctor.places import code_of, examined, full_listener, line, lines, surroundings
from tests.processes import free_ports


def url(port: int, host: str = "127.0.0.1") -> str:
    return f"ws://{host}:{port}/ws/agent"


async def test_a_closed_port_is_refused_and_the_other_ports_are_looked_at(tmp_path: Path) -> None:
    here = surroundings(tmp_path)
    report = await examined(url(free_ports(1)[0]), here)

    tcp = line(report, "tcp")
    assert code_of(report) == "NET-CONN-REFUSED"
    assert tcp.evidence["error"] == "ECONNREFUSED"
    assert tcp.evidence[f"port_{here.gateway_port}"] == "closed"


async def test_a_gateway_on_another_port_of_the_same_host_is_found(tmp_path: Path) -> None:
    async with web_server({"/health": (200, '{"service": "websocket-gateway"}')}) as port:
        report = await examined(url(free_ports(1)[0]), surroundings(tmp_path, gateway_port=port))

    assert report.verdict is not None
    assert (report.verdict.code, report.verdict.fix) == ("NET-CONN-REFUSED", f"Use {url(port)}")


async def test_a_living_actions_api_beside_a_closed_port_means_that_the_gateway_is_down(tmp_path: Path) -> None:
    async with web_server({"/healthz": (200, '{"service": "actions-api"}')}) as port:
        report = await examined(url(free_ports(1)[0]), surroundings(tmp_path, api_port=port))

    assert code_of(report) == "SRV-GATEWAY-DOWN"


async def test_a_port_that_neither_accepts_nor_refuses_is_a_timeout(tmp_path: Path) -> None:
    async with full_listener() as port:
        report = await examined(url(port), surroundings(tmp_path), timeout_s=0.8)

    assert code_of(report) == "NET-CONN-TIMEOUT"
    assert "neither accepted nor refused" in line(report, "tcp").because


async def test_an_address_without_a_route_is_unreachable(tmp_path: Path) -> None:
    # A connection to a broadcast address is refused by the kernel itself, with or without a network.
    report = await examined(url(9, "255.255.255.255"), surroundings(tmp_path))

    assert code_of(report) == "NET-UNREACHABLE"


async def test_loopback_inside_a_container_is_the_container(tmp_path: Path) -> None:
    here = surroundings(tmp_path)
    (tmp_path / ".dockerenv").touch()

    report = await examined(url(free_ports(1)[0]), here)

    assert code_of(report) == "NET-CONTAINER-LOCALHOST"
    assert line(report, "tcp").evidence["inside"] == "Docker"


async def test_each_address_gets_its_own_line_and_the_first_that_works_is_used(tmp_path: Path) -> None:
    async with web_server({}) as port:
        here = surroundings(tmp_path, addresses=["127.0.0.2", "127.0.0.1"])
        report = await examined(url(port, "gateway.test"), here)

    refused, works = lines(report, "tcp")
    assert (refused.status, works.status, works.title) == (Status.WARN, Status.PASS, f"tcp 127.0.0.1:{port}")


@pytest.mark.parametrize("first", ["::1", "2001:db8::1"])
async def test_a_dead_ipv6_address_in_front_of_a_living_ipv4_one_is_named(tmp_path: Path, first: str) -> None:
    async with web_server({}) as port:
        here = surroundings(tmp_path, addresses=[first, "127.0.0.1"])
        report = await examined(url(port, "gateway.test"), here, timeout_s=0.8)

    six = lines(report, "tcp")[0]
    assert six.problem is not None
    assert six.problem.code == "NET-IPV6-FIRST"
    assert "127.0.0.1" in six.problem.why


@pytest.mark.parametrize(
    ("mark", "text", "name"),
    [
        (".dockerenv", "", "Docker"),
        ("run/.containerenv", "", "Podman"),
        ("proc/self/cgroup", "0::/kubepods/burstable/pod1", "cgroup kubepods"),
    ],
)
def test_a_container_is_known_by_its_marks(tmp_path: Path, mark: str, text: str, name: str) -> None:
    (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).write_text(text)

    assert confinement(Surroundings(root=tmp_path, environ={})) == name


def test_another_network_namespace_than_the_first_process_is_a_confinement(tmp_path: Path) -> None:
    for process, namespace in (("self", "net:[1]"), ("1", "net:[2]")):
        (tmp_path / "proc" / process / "ns").mkdir(parents=True)
        (tmp_path / "proc" / process / "ns" / "net").symlink_to(namespace)

    assert confinement(Surroundings(root=tmp_path, environ={})) == "a network namespace of its own"


async def test_a_listener_that_never_answers_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    silence = asyncio.Event()

    async def wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    report = await examined(url(port), surroundings(tmp_path), timeout_s=0.8)
    silence.set()
    server.close()
    await server.wait_closed()

    assert line(report, "tcp").status is Status.PASS
    assert code_of(report) == "WS-HANDSHAKE-SLOW"
