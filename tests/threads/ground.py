"""A whole control plane in this process, and agents right, wrong or unlucky: the ground the threads play on."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import msgspec
from nacl.signing import SigningKey

from holdfast import logs
from holdfast.agent import Agent
from holdfast.agent.backoff import Backoff
from holdfast.bus import LocalBus
from holdfast.config import load
from holdfast.config.database import database_url
from holdfast.config.model import Timeouts
from holdfast.doctor import Options, Report, examine
from holdfast.lab.rawagent import Fields, RawAgent
from holdfast.lab.rawwire import Place
from holdfast.lab.specs import QUICK, PlaneSpec
from holdfast.model import Role
from holdfast.registry import Registry
from holdfast.serve import ControlPlane, Parts
from holdfast.store import open_store
from tests.doctor.places import surroundings

Json = dict[str, Any]
T = TypeVar("T")
PATIENCE_S: Final = 10.0
POLL_S: Final = 0.05
HASTE: Final = Backoff(base_s=0.1, cap_s=0.5)


async def until(ask: Callable[[], Awaitable[T | None]], what: str, *, within_s: float = PATIENCE_S) -> T:
    """The first answer that is neither None, False nor empty; fails after `within_s`."""
    give_up = time.monotonic() + within_s
    while True:
        if found := await ask():
            return found
        assert time.monotonic() < give_up, f"waited {within_s:g} s in vain for {what}"
        await asyncio.sleep(POLL_S)


class Ground:
    """One running control plane."""

    def __init__(self, plane: ControlPlane, folder: Path, http: httpx.AsyncClient, registry: Registry) -> None:
        self.plane = plane
        self.registry = registry  # to issue tokens with, on the store itself, as the command line does
        self.folder = folder
        self.http = http
        self.raw_agents: list[RawAgent] = []

    @property
    def port(self) -> int:
        assert self.plane.running.gateway_port is not None
        return self.plane.running.gateway_port

    @property
    def api_port(self) -> int:
        assert self.plane.running.api_port is not None
        return self.plane.running.api_port

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/agent"

    @property
    def place(self) -> Place:
        return Place(host="127.0.0.1", port=self.port)

    # ---- agents

    async def connect(
        self, host_id: str, *, key: SigningKey | None = None, facts: Fields | None = None, source: str | None = None,
        place: Place | None = None, clock: Callable[[], float] = time.time,
    ) -> RawAgent:  # fmt: skip
        """A raw agent that is connected; it is dropped at the end of the test."""
        agent = RawAgent(host_id, key, facts=facts, clock=clock)
        self.raw_agents.append(agent)
        return await agent.connect(place or self.place, source=source)

    async def register(
        self, host_id: str, *, key: SigningKey | None = None, facts: Fields | None = None, source: str | None = None,
        place: Place | None = None,
    ) -> RawAgent:  # fmt: skip
        """A raw agent that is registered."""
        agent = await self.connect(host_id, key=key, facts=facts, source=source, place=place)
        return await agent.register()

    def sdk(self, host_id: str, *, url: str | None = None, **options: Any) -> Agent:
        """An agent of the SDK, with a folder of its own and little patience between attempts."""
        chosen = {"state_dir": self.folder / f"sdk-{host_id}", "backoff": HASTE, **options}
        return Agent(url or self.url, host_id=host_id, **chosen)

    async def doctor(
        self, url: str | None = None, *, dns_port: int = 9, hosts: str = "", addresses: Sequence[str] | None = None,
        **options: Any,
    ) -> Report:  # fmt: skip
        """An examination from a host without settings of its own, with a name server at `dns_port`.

        `addresses` is what its system's resolver says, where it is to say something else than this machine's.
        """
        here = surroundings(
            self.folder, gateway_port=self.port, api_port=self.api_port, servers=["127.0.0.1"], dns_port=dns_port,
            hosts=hosts, addresses=addresses,
        )  # fmt: skip
        return await examine(Options(**{"url": url or self.url, "timeout_s": 3.0, **options}), here)

    # ---- what the operator sees

    async def get(self, path: str, **params: str | int | bool) -> Json:
        """A document of the API."""
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=Json)

    async def agents(self, host_id: str) -> list[Json]:
        """The rows of this host."""
        found: list[Json] = (await self.get("/agents", host_id=host_id))["agents"]
        return found

    async def agent(self, host_id: str, status: str | None = None) -> Json:
        """The one row of this host, once it has this status."""

        async def ask() -> Json | None:
            rows = await self.agents(host_id)
            assert len(rows) < 2, f"{host_id} is there twice: {rows}"
            return rows[0] if rows and status in (None, rows[0]["status"]) else None

        return await until(ask, f"{host_id} to be {status}")

    async def attempt(self, *, within_s: float = PATIENCE_S, **filters: str | bool) -> Json:
        """The newest attempt that fits, once it is recorded."""

        async def ask() -> Json | None:
            found: list[Json] = (await self.get("/attempts", **filters))["attempts"]
            return found[0] if found else None

        return await until(ask, f"an attempt with {filters}", within_s=within_s)

    async def finding(self, code: str, *, within_s: float = PATIENCE_S, **filters: str | bool) -> Json:
        """The newest finding of this code, once there is one."""

        async def ask() -> Json | None:
            found: list[Json] = (await self.get("/findings", code=code, **filters))["findings"]
            return found[0] if found else None

        return await until(ask, f"the finding {code}", within_s=within_s)

    async def finding_codes(self) -> set[str]:
        """The codes of everything that was found so far."""
        return {found["code"] for found in (await self.get("/findings", limit=500))["findings"]}

    async def joined(self, report: Report) -> Json:
        """The verdict over both sides."""
        body = msgspec.json.encode(report)
        answer = await self.http.post("/verdict", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=Json)

    async def operator(self) -> dict[str, str]:
        """The headers of an operator."""
        issued = await self.registry.tokens.create("operator", Role.OPERATOR)
        return {"Authorization": f"Bearer {issued.secret}"}


@asynccontextmanager
async def ground(
    folder: Path, *, timeouts: Timeouts = QUICK, settings: Mapping[str, Any] | None = None
) -> AsyncIterator[Ground]:
    """A control plane on free ports, with the lab's short patience; `settings` are further ones, by dotted key."""
    logs.configure(fmt="json", level="error", service="test")
    flags = {"gateway_port": 0, "api_port": 0, "data_dir": folder / "data", **(settings or {})}
    config = load(flags, environ=PlaneSpec(name="threads", timeouts=timeouts).environ()).config
    plane = ControlPlane(config, Parts(gateway=True, api=True))
    try:
        await plane.start()
        async with (
            AsyncExitStack() as beside,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{plane.running.api_port}", trust_env=False, timeout=20
            ) as http,
        ):
            store = await open_store(database_url(config))
            beside.push_async_callback(store.close)
            registry = Registry(store, LocalBus(), policy="open", node_id="beside")
            running = Ground(plane, folder, http, registry)
            try:
                yield running
            finally:
                for agent in running.raw_agents:
                    agent.stop_beating()
                    await agent.wire.drop()
    finally:
        await plane.stop()
