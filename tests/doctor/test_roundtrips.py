"""What round trips and the kernel's counts say about a link."""

import asyncio
import socket
from pathlib import Path

import pytest

from holdfast.doctor.reach import has_default_route
from holdfast.doctor.roundtrips import Traffic, loss_problem, traffic_of


@pytest.mark.parametrize(
    ("traffic", "code"),
    [
        (None, None),
        (Traffic(sent=100, resent=0), None),
        (Traffic(sent=100, resent=2), None),
        (Traffic(sent=100, resent=3), "NET-PACKET-LOSS"),
    ],
)
def test_more_than_one_segment_in_fifty_sent_again_is_a_lossy_link(traffic: Traffic | None, code: str | None) -> None:
    found = loss_problem([10.0, 20.0, 400.0], traffic)

    assert (found.code if found else None) == code


async def test_the_kernel_counts_the_segments_of_a_connection() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(10))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"0123456789")
    assert await reader.read(10) == b"0123456789"
    traffic = traffic_of(writer.get_extra_info("socket"))
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()

    assert traffic is not None
    assert (traffic.sent >= 2, traffic.resent) == (True, 0)


def test_a_socket_without_counts_has_none() -> None:
    with socket.socket(socket.AF_UNIX) as other:
        assert traffic_of(other) is None


@pytest.mark.parametrize(
    ("routes", "six", "found"),
    [
        ("Iface Destination\neth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n", "", True),
        ("Iface Destination\neth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n", "", False),
        ("Iface Destination\n", f"{'0' * 32} 00 {'0' * 32} 00 fe80 0 0 0 0 eth0\n", True),
        ("Iface Destination\n", f"{'0' * 32} 00 {'0' * 32} 00 0 0 0 0 0 lo\n", False),
    ],
)
def test_a_default_route_is_read_in_both_families(tmp_path: Path, routes: str, six: str, found: bool) -> None:
    (tmp_path / "proc" / "net").mkdir(parents=True)
    (tmp_path / "proc" / "net" / "route").write_text(routes)
    (tmp_path / "proc" / "net" / "ipv6_route").write_text(six)

    assert has_default_route(tmp_path) is found


def test_a_kernel_that_does_not_tell_its_routes_is_not_taken_for_one_without(tmp_path: Path) -> None:
    assert has_default_route(tmp_path) is None
