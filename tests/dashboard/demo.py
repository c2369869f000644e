"""A small fleet to look at: `python -m tests.dashboard.demo PORT [AGENTS]` until it is ended.

Healthy agents of several platforms, and one of each kind that does not get through; they speak the published protocol
and use nothing of Holdfast.
"""

import asyncio
import contextlib
import hashlib
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.interop import spoken

BEAT_S: Final = 15.0
AGAIN_S: Final = 20.0
LINUX: Final = {"os": "linux", "distribution": "debian 12", "arch": "x86_64"}
PLATFORMS: Final = (
    LINUX,
    {"os": "linux", "distribution": "ubuntu 24.04", "arch": "aarch64"},
    {"os": "windows", "version": "11", "arch": "x86_64"},
    {"os": "darwin", "version": "15.1", "arch": "arm64"},
)
ROLES: Final = ("web", "db", "cache", "queue", "build", "edge")
VERSIONS: Final = ("1.4.2", "1.4.2", "1.4.2", "1.4.1", "1.3.0")
Faulty = Callable[[ClientConnection], Coroutine[None, None, None]]


def key_of(name: str) -> Ed25519PrivateKey:
    """The same key for the same name, so that a demonstration started again is the same fleet."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


class Demo:
    """Agents on one gateway."""

    def __init__(self, port: int) -> None:
        self._url = f"ws://127.0.0.1:{port}/ws/agent"
        self._dice = random.Random(7)

    async def run(self, healthy: int) -> None:
        """All of them, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(healthy):
                role = ROLES[number % len(ROLES)]
                group.create_task(self._healthy(f"{role}-{number // len(ROLES) + 1:02d}", number, role))
            for fault in (silent, mute_after_init, misspelt, wrong_signature, not_json, wrong_key_form):
                group.create_task(self._again_and_again(fault))
            group.create_task(self._wrong_path())

    @contextlib.asynccontextmanager
    async def _connection(self, host: str, path: str = "") -> AsyncIterator[ClientConnection]:
        # Each host has an address of its own, as in a network: who shows no name is told apart by it.
        digest = hashlib.sha256(host.encode()).digest()
        address = f"127.{10 + digest[0] % 200}.{digest[1]}.{1 + digest[2] % 250}"
        async with connect(self._url + path, proxy=None, ping_interval=None, local_addr=(address, 0)) as connection:
            yield connection

    async def _healthy(self, host_id: str, number: int, role: str) -> None:
        facts = {
            "platform": PLATFORMS[number % len(PLATFORMS)],
            "agent_version": VERSIONS[number % len(VERSIONS)],
            "labels": {"role": role, "env": "staging" if number % 4 == 0 else "prod"},
        }
        await asyncio.sleep(number * 0.02)
        while True:
            with contextlib.suppress(OSError, ConnectionClosed, InvalidHandshake, AssertionError):
                async with self._connection(host_id) as connection:
                    await connection.send(spoken.init(key_of(host_id), host_id, **facts))
                    challenge = spoken.answer(await connection.recv(), "response", "agent.registration")
                    await connection.send(spoken.complete(key_of(host_id), host_id, challenge))
                    await connection.recv()
                    while True:
                        await connection.send(spoken.heartbeat())
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(BEAT_S):
                                async for _ in connection:
                                    pass
            await asyncio.sleep(2 + 4 * self._dice.random())

    async def _again_and_again(self, fault: Faulty) -> None:
        while True:
            with contextlib.suppress(OSError, ConnectionClosed, InvalidHandshake):
                async with self._connection(fault.__name__) as connection:
                    await fault(connection)
            await asyncio.sleep(AGAIN_S)

    async def _wrong_path(self) -> None:
        while True:
            with contextlib.suppress(OSError, InvalidHandshake):
                async with self._connection("wrong path", "s"):
                    pass
            await asyncio.sleep(AGAIN_S)


async def silent(connection: ClientConnection) -> None:
    """Connects and says nothing."""
    await connection.wait_closed()


async def mute_after_init(connection: ClientConnection) -> None:
    """Sends its init and ignores the challenge."""
    await connection.send(spoken.init(key_of("billing-07"), "billing-07", agent_version="0.9.0"))
    await connection.wait_closed()


async def misspelt(connection: ClientConnection) -> None:
    """Uses a channel that there is not."""
    await connection.send(spoken.message("request", "agent.register", {"host_id": "kiosk-12"}))
    await connection.wait_closed()


async def wrong_signature(connection: ClientConnection) -> None:
    """Signs the nonce alone."""
    key = key_of("scanner-3")
    await connection.send(spoken.init(key, "scanner-3", agent_version="2.0.0-rc1"))
    challenge = spoken.answer(await connection.recv(), "response", "agent.registration")
    signature = spoken.signed(key, str(challenge["nonce"]))
    payload = {"registration_id": challenge["registration_id"], "host_id": "scanner-3", "signature": signature}
    await connection.send(spoken.message("request", "agent.registration.complete", payload))
    await asyncio.sleep(AGAIN_S)


async def not_json(connection: ClientConnection) -> None:
    """Says hello."""
    for _ in range(3):
        await connection.send("hello, is anybody there?")
    await connection.wait_closed()


async def wrong_key_form(connection: ClientConnection) -> None:
    """Sends its key in hexadecimal."""
    hexadecimal = key_of("till-44").public_key().public_bytes_raw().hex()
    payload = {"org_id": "default-org", "host_id": "till-44", "agent_pubkey": hexadecimal}
    await connection.send(spoken.message("request", "agent.registration", payload))
    await connection.wait_closed()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Demo(int(sys.argv[1])).run(int(sys.argv[2]) if len(sys.argv) > 2 else 24))
