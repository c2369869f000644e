"""Connections that come through proxies: the client's address counts, where the operator trusts the proxy."""

import asyncio
import json
from pathlib import Path

import pytest

from holdfast.gateway import Limits
from holdfast.model.events import EventKind
from tests.certificates import Authority
from tests.gateway.conftest import OpenPlane
from tests.gateway.loopback import UPGRADE, Plane, http, peer, raw, request, until, upgraded

PROXY = "127.9.0.1"
TRUSTED = ("127.9.0.0/16",)
LINE = b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n"


def told(running: Plane) -> tuple[str | None, object]:
    """The peer that the upgrade was recorded under, and through whom it came."""
    event = running.of(EventKind.UPGRADED)[-1]
    return event.peer, event.facts.get("via_proxy")


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        (["X-Forwarded-For: 203.0.113.9"], "203.0.113.9:0"),
        (["x-forwarded-for: 1.1.1.1, 203.0.113.9:4711, 127.9.0.7"], "203.0.113.9:4711"),
        (["Forwarded: for=203.0.113.9;proto=http"], "203.0.113.9:0"),
        (["X-Forwarded-For: 203.0.113.9", "Forwarded: for=1.1.1.1"], "203.0.113.9:0"),
        (["X-Forwarded-For: 2001:db8::7"], "[2001:db8::7]:0"),
    ],
)
async def test_a_trusted_proxys_word_tells_whose_connection_it_is(
    open_plane: OpenPlane, headers: list[str], client: str
) -> None:
    running = await open_plane(trusted_proxies=TRUSTED)
    async with raw(running.port, source=PROXY) as connection:
        port = connection.writer.get_extra_info("sockname")[1]
        await connection.send(request(*UPGRADE, *headers))
        assert (await connection.head()).startswith("HTTP/1.1 101 ")

        assert told(running) == (client, f"{PROXY}:{port}")


async def test_the_registry_shows_the_clients_address(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=TRUSTED)
    async with peer(running.port, source=PROXY, headers={"X-Forwarded-For": "203.0.113.9"}) as agent:
        await agent.register()
        known = await running.registry.get_agent(agent.uid)

    assert known is not None
    assert known.remote_address == "203.0.113.9:0"


async def test_what_a_stranger_says_is_recorded_and_changes_nothing(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=TRUSTED)
    async with raw(running.port, source="127.8.0.1") as connection:
        port = connection.writer.get_extra_info("sockname")[1]
        await connection.send(request(*UPGRADE, "X-Forwarded-For: 203.0.113.9"))
        await connection.head()

    assert told(running) == (f"127.8.0.1:{port}", None)
    assert running.of(EventKind.UPGRADED)[0].facts["via"] == "X-Forwarded-For: 203.0.113.9"


async def test_a_trusted_proxy_without_a_word_is_its_own_client(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=TRUSTED)
    async with raw(running.port, source=PROXY) as connection:
        port = connection.writer.get_extra_info("sockname")[1]
        await upgraded(connection)

        assert told(running) == (f"{PROXY}:{port}", f"{PROXY}:{port}")


async def test_limits_count_the_clients_behind_a_proxy_one_by_one(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=TRUSTED, limits=Limits(max_unregistered_per_address=1))
    first, second = {"X-Forwarded-For": "203.0.113.1"}, {"X-Forwarded-For": "203.0.113.2"}
    async with peer(running.port, source=PROXY, headers=first), peer(running.port, source=PROXY, headers=second):
        status, _, body = await http(running.port, *UPGRADE, "X-Forwarded-For: 203.0.113.2", source=PROXY)

    assert (status, json.loads(body)["code"]) == (429, "WS-RATE-429")
    assert "203.0.113.2 holds 1" in json.loads(body)["detail"]
    await until(lambda: not running.gateway.sockets, "all to be gone")
    assert running.gateway.entrance.unregistered == 0


async def test_registrations_are_limited_per_client_behind_a_proxy(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=TRUSTED, limits=Limits(registrations_per_s=0.01, registration_burst=1))
    answers = []
    for client in ("203.0.113.1", "203.0.113.2", "203.0.113.1"):
        async with peer(running.port, source=PROXY, headers={"X-Forwarded-For": client}) as agent:
            answers.append((await agent.init()).code)

    assert answers == [None, None, "RATE-LIMITED"]


@pytest.mark.parametrize("piece", [1, 7, 1000])
async def test_a_proxy_header_of_a_trusted_peer_is_read_and_taken_off(open_plane: OpenPlane, piece: int) -> None:
    running = await open_plane(trusted_proxies=TRUSTED)
    async with raw(running.port, source=PROXY) as connection:
        data = LINE + request(*UPGRADE, "X-Forwarded-For: 1.1.1.1")
        for start in range(0, len(data), piece):
            await connection.send(data[start : start + piece])
            await asyncio.sleep(0)
        head = await connection.head()

    assert head.startswith("HTTP/1.1 101 ")
    assert told(running)[0] == "203.0.113.9:4711"


async def test_a_proxy_header_stands_before_tls(open_plane: OpenPlane, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("localhost")
    running = await open_plane(trusted_proxies=TRUSTED, tls_cert=str(issued.cert), tls_key=str(issued.key))
    async with raw(running.port, source=PROXY) as connection:
        await connection.send(LINE)
        await connection.writer.start_tls(authority.client_context(), server_hostname="localhost")
        await upgraded(connection)

    assert told(running)[0] == "203.0.113.9:4711"


async def test_a_proxy_behind_a_proxy_is_believed_hop_by_hop(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=(*TRUSTED, "10.0.0.0/8"))
    async with raw(running.port, source=PROXY) as connection:
        await connection.send(b"PROXY TCP4 10.0.0.7 10.0.0.1 4711 443\r\n")
        await connection.send(request(*UPGRADE, "X-Forwarded-For: 203.0.113.9"))
        await connection.head()

    assert told(running)[0] == "203.0.113.9:0"


async def test_a_proxy_header_of_a_stranger_is_refused_with_what_to_do(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=TRUSTED)
    async with raw(running.port, source="127.8.0.1") as connection:
        await connection.send(LINE + request(*UPGRADE))
        body = (await connection.rest()).partition(b"\r\n\r\n")[2]

    assert json.loads(body)["code"] == "PXY-CLIENT-IP-HIDDEN"
    assert "127.8.0.1 is not among trusted_proxies" in json.loads(body)["detail"]
    assert running.codes() == ["PXY-CLIENT-IP-HIDDEN"]


async def test_a_proxy_header_that_cannot_be_read_ends_the_connection_by_name(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=TRUSTED)
    async with raw(running.port, source=PROXY) as connection:
        await connection.send(b"PROXY TCP4 nonsense\r\n" + request(*UPGRADE))
        await connection.rest()

    assert running.codes() == ["PXY-CLIENT-IP-HIDDEN"]


async def test_a_proxys_health_check_is_answered(open_plane: OpenPlane) -> None:
    running = await open_plane(trusted_proxies=TRUSTED, limits=Limits(max_unregistered_per_address=1))
    async with raw(running.port, source=PROXY) as connection:
        await connection.send(b"PROXY UNKNOWN\r\n" + request("GET /health HTTP/1.1", "Host: gateway"))

        assert (await connection.head()).startswith("HTTP/1.1 200 ")
