"""The test stand: a gateway on a temporary store, whose events are kept and whose connections can be disturbed."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from websockets.frames import Frame, Opcode

from holdfast.bus import LocalBus
from holdfast.gateway import Gateway, GatewaySettings, Journal
from holdfast.gateway.answering import Explainer, unexplained
from holdfast.gateway.socket import AgentSocket
from holdfast.model import Agent
from holdfast.model.events import Event, EventKind
from holdfast.registry import Registry
from holdfast.store import Store, open_store

MAX_EVENTS: Final = 20_000
HEARTBEAT_S: Final = 2.0


class Stand:
    """One gateway for one agent. `events` holds everything that happened, in order."""

    def __init__(self, explain: Explainer = unexplained) -> None:
        self.events: list[Event] = []
        self.port = 0
        self._explain = explain
        self._changed = asyncio.Event()
        self._folder = tempfile.TemporaryDirectory(prefix="holdfast-check-")
        self._store: Store | None = None
        self._registry: Registry | None = None
        self._gateway: Gateway | None = None

    @property
    def url(self) -> str:
        """Where the agent has to connect."""
        return f"ws://127.0.0.1:{self.port}/ws/agent"

    async def start(self) -> None:
        """Listen; again on the same port where it listened before."""
        if self._store is None:
            self._store = await open_store(f"sqlite+aiosqlite:///{Path(self._folder.name) / 'check.db'}")
        self._registry = Registry(self._store, LocalBus(), node_id="check", heartbeat_interval_s=HEARTBEAT_S)
        await self._registry.start()
        settings = GatewaySettings(
            port=self.port, heartbeat_interval_s=HEARTBEAT_S, ping_interval_s=2.0, dead_after_s=60.0, drain_s=3.0
        )
        quiet = structlog.wrap_logger(None, processors=[_drop])
        self._gateway = Gateway(
            settings, registry=self._registry, journal=Journal(quiet, self._record), explain=self._explain
        )
        await self._gateway.start()
        self.port = self._gateway.port

    async def stop(self) -> None:
        """Say goodbye with 1012 and stop listening; the store stays, as over a restart."""
        if self._gateway is not None and self._registry is not None:
            await self._gateway.stop()
            await self._registry.close()
            self._gateway = self._registry = None

    async def close(self) -> None:
        """Leave nothing behind."""
        await self.stop()
        if self._store is not None:
            await self._store.close()
        self._folder.cleanup()

    def _record(self, event: Event) -> None:
        if len(self.events) < MAX_EVENTS:
            self.events.append(event)
        self._changed.set()

    async def wait_for(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until `reached` holds, looking again at every event and twice a second."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not reached():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.5))
            except TimeoutError:
                continue
        return True

    async def agents(self) -> tuple[Agent, ...]:
        """The registry's list, as GET /agents would show it."""
        assert self._registry is not None
        await self._registry.flush()
        return (await self._registry.list_agents()).agents

    def since(self, mark: int, kind: EventKind) -> list[Event]:
        """The events of one kind after `mark`, a length of `events`."""
        return [event for event in self.events[mark:] if event.kind is kind]

    def online(self) -> list[AgentSocket]:
        """The connections of registered agents."""
        return list(self._gateway.live.values()) if self._gateway is not None else []

    # ---- disturbances

    def drop(self) -> None:
        """End every agent's TCP connection without a close frame, as a bad network does."""
        for sock in self.online():
            sock.abort()

    def send_odd_frames(self) -> None:
        """Frames that RFC 6455 and the protocol allow and that few servers send."""
        for sock in self.online():
            sock.send_raw(b"".join(frame.serialize(mask=False) for frame in ODD_FRAMES))


def _drop(_logger: object, _method: str, _event: object) -> str:
    raise structlog.DropEvent


_NEWS: Final = b'{"id":"odd-1","type":"event","channel":"agent.news","timestamp":1,"payload":"","headers":{},"new":[1]}'
ODD_FRAMES: Final = (
    Frame(Opcode.PING, b"check-agent"),
    Frame(Opcode.PING, b""),
    Frame(Opcode.PONG, b"unasked"),
    Frame(Opcode.TEXT, _NEWS),  # an unknown channel and an unknown field: to be ignored
    Frame(Opcode.TEXT, _NEWS[:40], fin=False),
    Frame(Opcode.PING, b"between fragments"),
    Frame(Opcode.CONT, _NEWS[40:], fin=True),
)
