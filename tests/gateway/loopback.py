"""A gateway on loopback with a real registry, and peers that talk to it as strangers do."""

import asyncio
import base64
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog
from nacl.signing import SigningKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from holdfast.bus import LocalBus
from holdfast.gateway import Gateway, GatewaySettings, Journal, Orders
from holdfast.gateway.answering import Explainer, unexplained
from holdfast.model import agent_uid
from holdfast.model.events import Event, EventKind
from holdfast.protocol.envelope import encode_base64
from holdfast.protocol.signing import auth_text, registration_text
from holdfast.registry import RegistrationPolicy, Registry
from holdfast.store import open_store

PATIENCE_S: Final = 10.0
POLL_S: Final = 0.01

Json = dict[str, Any]


async def until(true: Callable[[], object], what: str, *, within_s: float = PATIENCE_S) -> None:
    """Return when `true` is; fail after `within_s`."""
    give_up = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < give_up, f"waited {within_s:g} s in vain for {what}"
        await asyncio.sleep(POLL_S)


@dataclass
class Plane:
    """One gateway with everything it stands on. `events` is what its journal recorded."""

    gateway: Gateway
    registry: Registry
    bus: LocalBus
    events: list[Event]

    @property
    def port(self) -> int:
        return self.gateway.port

    def codes(self, kind: EventKind | None = None) -> list[str]:
        """The fault codes recorded so far."""
        return [event.code for event in self.events if event.code and kind in (None, event.kind)]

    def of(self, kind: EventKind) -> list[Event]:
        return [event for event in self.events if event.kind is kind]

    async def status(self, uid: str) -> str:
        """The agent's status as the registry tells it, written through."""
        await self.registry.flush()
        agent = await self.registry.get_agent(uid)
        assert agent is not None
        return agent.status.value


@asynccontextmanager
async def plane(
    folder: Path,
    settings: GatewaySettings,
    policy: RegistrationPolicy = RegistrationPolicy.OPEN,
    explain: Explainer = unexplained,
) -> AsyncIterator[Plane]:
    """A gateway on a free port with `settings`, a SQLite store in `folder`, and operators' orders followed."""
    store = await open_store(f"sqlite:///{folder / 'holdfast.db'}")
    bus = LocalBus()
    registry = Registry(store, bus, policy=policy, node_id="node-1")
    await registry.start()
    events: list[Event] = []
    journal = Journal(structlog.get_logger(), events.append)
    gateway = Gateway(settings, registry=registry, journal=journal, explain=explain)
    await gateway.start()
    orders = Orders(gateway, registry, bus)
    try:
        yield Plane(gateway, registry, bus, events)
    finally:
        await gateway.stop()
        await orders.close()
        await registry.close()
        await store.close()
        await bus.close()


@dataclass
class Heard:
    """One envelope of the gateway, its payload opened."""

    type: str
    channel: str
    payload: Json
    headers: dict[str, str]

    @property
    def code(self) -> str | None:
        return str(self.payload["code"]) if self.type == "error" else None


def envelope(channel: str, payload: object, kind: str = "request", **changes: object) -> str:
    """One message as the text of a frame."""
    raw = base64.b64encode(json.dumps(payload).encode()).decode()
    whole: Json = {"id": "m-0", "type": kind, "channel": channel, "timestamp": int(time.time()), "payload": raw}
    return json.dumps({**whole, "headers": {}, **changes})


@dataclass
class Peer:
    """An agent by hand: it says what the test wants, and hears what the gateway says."""

    socket: ClientConnection
    host_id: str = "web-01"
    key: SigningKey = field(default_factory=SigningKey.generate)
    count: int = 0

    @property
    def uid(self) -> str:
        return agent_uid(bytes(self.key.verify_key))

    @property
    def attempt(self) -> str:
        return self.response_header("Holdfast-Attempt")

    @property
    def own_nonce(self) -> str:
        return self.response_header("Holdfast-Challenge")

    def response_header(self, name: str) -> str:
        assert self.socket.response is not None
        return self.socket.response.headers[name]

    def envelope(self, channel: str, payload: object, kind: str = "request", **changes: object) -> str:
        self.count += 1
        return envelope(channel, payload, kind, **{"id": f"m-{self.count}", **changes})

    async def say(self, channel: str, payload: object, kind: str = "request", **changes: object) -> None:
        await self.socket.send(self.envelope(channel, payload, kind, **changes))

    async def hear(self) -> Heard:
        text = await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        envelope = json.loads(text)
        raw = envelope["payload"]
        payload = json.loads(raw if raw[:1] == "{" else base64.b64decode(raw))
        return Heard(envelope["type"], envelope["channel"], payload, envelope["headers"])

    async def ask(self, channel: str, payload: object, kind: str = "request", **changes: object) -> Heard:
        await self.say(channel, payload, kind, **changes)
        return await self.hear()

    async def init(self, **more: object) -> Heard:
        public_key = encode_base64(bytes(self.key.verify_key))
        claim = {"org_id": "default-org", "host_id": self.host_id, "agent_pubkey": public_key, **more}
        return await self.ask("agent.registration", claim)

    def completion(self, challenge: Json) -> Json:
        text = registration_text(nonce=challenge["nonce"], server_time=challenge["server_time"], host_id=self.host_id)
        signature = encode_base64(self.key.sign(text).signature)
        return {"registration_id": challenge["registration_id"], "host_id": self.host_id, "signature": signature}

    async def register(self, **more: object) -> "Peer":
        """Both steps."""
        challenge = await self.init(**more)
        assert challenge.type == "response", challenge
        confirmation = await self.ask("agent.registration.complete", self.completion(challenge.payload))
        assert confirmation.payload["agent_uid"] == self.uid, confirmation
        return self

    def auth_payload(self, *, nonce: str | None = None, timestamp: int | None = None) -> Json:
        own = self.own_nonce if nonce is None else nonce
        when = int(time.time()) if timestamp is None else timestamp
        public_key = encode_base64(bytes(self.key.verify_key))
        text = auth_text(agent_id=self.uid, public_key=public_key, timestamp=when, nonce=own)
        signature = encode_base64(self.key.sign(text).signature)
        return {
            "agent_id": self.uid, "public_key": public_key, "timestamp": when, "nonce": own, "signature": signature
        }  # fmt: skip

    async def beat(self) -> Heard:
        await self.say("agent.heartbeat", {}, kind="heartbeat")
        return await self.hear()

    async def ended(self) -> tuple[int, str]:
        """Close code and reason of the gateway, after whatever it said before."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


@asynccontextmanager
async def peer(
    port: int,
    host_id: str = "web-01",
    *,
    key: SigningKey | None = None,
    tls: ssl.SSLContext | None = None,
    headers: dict[str, str] | None = None,
    source: str | None = None,
) -> AsyncIterator[Peer]:
    """A connection of its own to the gateway; `source` is the address of 127.0.0.0/8 it comes from."""
    more: Json = {"local_addr": (source, 0)} if source else {}
    async with connect(
        f"{'wss' if tls else 'ws'}://localhost:{port}/ws/agent",
        host="127.0.0.1",
        proxy=None,
        ssl=tls,
        compression=None,
        additional_headers=headers,
        close_timeout=1.0,
        ping_interval=None,
        **more,
    ) as socket:
        yield Peer(socket, host_id, key or SigningKey.generate())


@dataclass
class Raw:
    """A TCP connection that sends any bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> str:
        """The response's status line and headers."""
        return (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE_S)).decode("latin-1")

    async def rest(self) -> bytes:
        """Everything until the gateway closes; a reset counts as an end."""
        received = bytearray()
        try:
            while chunk := await asyncio.wait_for(self.reader.read(65_536), PATIENCE_S):
                received += chunk
        except ConnectionResetError:
            pass
        return bytes(received)

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and data of the next frame of the gateway."""
        first, size = await asyncio.wait_for(self.reader.readexactly(2), PATIENCE_S)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2))
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8))
        return first & 0x0F, await asyncio.wait_for(self.reader.readexactly(size), PATIENCE_S)

    async def ended(self) -> tuple[int, str]:
        """Close code and reason, after whatever came before."""
        while True:
            opcode, data = await self.frame()
            if opcode == 8:
                return int.from_bytes(data[:2]), data[2:].decode()


@asynccontextmanager
async def raw(
    port: int, *, source: str | None = None, tls: ssl.SSLContext | None = None, receive_bytes: int | None = None
) -> AsyncIterator[Raw]:
    """A bare connection; `receive_bytes` makes the kernel hold little of what the test does not read."""
    more: Json = {"limit": receive_bytes} if receive_bytes else {}
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None,
        local_addr=(source, 0) if source else None, **more,
    )  # fmt: skip
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


UPGRADE: Final = (
    "GET /ws/agent HTTP/1.1", "Host: gateway", "Upgrade: websocket", "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
)  # fmt: skip


def request(*lines: str) -> bytes:
    """An HTTP request of these lines, without body."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def upgraded(connection: Raw) -> Raw:
    """Perform the handshake byte by byte's sake."""
    await connection.send(request(*UPGRADE))
    head = await connection.head()
    assert head.startswith("HTTP/1.1 101 "), head
    return connection


async def http(port: int, *lines: str, source: str | None = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower case) and body of the answer to a request of these lines."""
    async with raw(port, source=source) as connection:
        await connection.send(request(*lines))
        head = await connection.head()
        status, *header_lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in header_lines)}
        return int(status.split()[1]), headers, await connection.rest()
