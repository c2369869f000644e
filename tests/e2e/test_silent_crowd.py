"""Thousands of connections that say nothing, against a server with agents that work."""

import asyncio
import contextlib
import resource
import socket
import time
from pathlib import Path
from typing import Final

import psutil

from tests.e2e.fleet import HASTE, beat_all, fleet, holdfast_up
from tests.gateway.loopback import UPGRADE, peer, request

WANTED: Final = 10_000
SPARE: Final = 500  # descriptors that this process needs for everything else
PER_ADDRESS: Final = 50
SLOTS: Final = 2000
MIB: Final = 1024 * 1024


def possible() -> int:
    """How many connections this process may open; the number that the test then uses."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard - SPARE)


class Crowd:
    """Upgraded connections that nobody reads, from addresses of 127.0.0.0/8."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []

    def grow(self, size: int) -> None:
        """Add connections one after another, as fast as they are taken."""
        upgrade = request(*UPGRADE)
        for number in range(len(self._sockets), len(self._sockets) + size):
            address = number // PER_ADDRESS
            silent = socket.socket()
            self._sockets.append(silent)
            silent.bind((f"127.77.{address // 250}.{address % 250 + 1}", 0))
            silent.settimeout(10)
            silent.connect(("127.0.0.1", self._port))
            with contextlib.suppress(ConnectionError):
                silent.sendall(upgrade)

    def open(self) -> int:
        """How many the server has not ended."""
        return sum(not _ended(silent) for silent in self._sockets)

    def close(self) -> None:
        for silent in self._sockets:
            silent.close()


def _ended(silent: socket.socket) -> bool:
    silent.setblocking(False)
    try:
        while chunk := silent.recv(65_536):
            del chunk
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


async def test_ten_thousand_silent_connections_leave_healthy_agents_and_memory_alone(tmp_path: Path) -> None:
    size = possible()
    environ = HASTE | {
        "HOLDFAST_LIMITS__MAX_UNREGISTERED": str(SLOTS),
        "HOLDFAST_LIMITS__MAX_UNREGISTERED_PER_ADDRESS": "64",
        "HOLDFAST_LOG_LEVEL": "error",
    }
    with holdfast_up(tmp_path / "data", environ=environ) as running, contextlib.ExitStack() as stack:
        server = psutil.Process(running.child.process.pid)
        crowd = Crowd(running.gateway_port)
        stack.callback(crowd.close)
        async with fleet(running, 20) as healthy:
            before = server.memory_info().rss
            growing = asyncio.create_task(asyncio.to_thread(crowd.grow, size))
            slowest_s, answers = 0.0, set[str]()
            while not growing.done():
                began = time.monotonic()
                answers |= await beat_all(healthy)
                slowest_s = max(slowest_s, time.monotonic() - began)
                await asyncio.sleep(0.5)
            await growing
            async with peer(running.gateway_port, "newcomer") as newcomer:
                await newcomer.register()
            held = await asyncio.to_thread(crowd.open)
            grown_mib = (server.memory_info().rss - before) / MIB

    print(f"{size} silent connections, {held} held, slowest round {slowest_s:.2f} s, {grown_mib:.0f} MiB more")
    assert answers == {"ack"}
    assert slowest_s < 5.0
    assert held <= SLOTS
    assert grown_mib < 200
