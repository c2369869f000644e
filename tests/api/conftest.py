"""A real Actions API: uvicorn on a free port, SQLite in a file, and a registry to put agents into."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from nacl.signing import SigningKey

from holdfast import logs
from holdfast.api.about import About
from holdfast.api.access import Access
from holdfast.api.app import create_app
from holdfast.api.listener import listen
from holdfast.api.server import ApiServer
from holdfast.api.verdicts import verdict_routes
from holdfast.bus import LocalBus
from holdfast.model import Registered, Registration, Role
from holdfast.model.joined import Join
from holdfast.registry import Registry
from holdfast.store import open_store

GATEWAY_PORT = 8080


@dataclass
class Api:
    """A running API. `http` asks it without a token; `ask_as` with one."""

    registry: Registry
    port: int
    http: httpx.AsyncClient
    ill: dict[str, Exception] = field(default_factory=dict)

    async def token(self, role: Role) -> dict[str, str]:
        """The headers of somebody with this role, called after it."""
        issued = await self.registry.tokens.create(role.value, role)
        return {"Authorization": f"Bearer {issued.secret}"}

    async def register(self, host_id: str, **claims: object) -> Registered:
        """An agent of this name with a key of its own."""
        key = bytes(SigningKey.generate().verify_key)
        claim = Registration(org_id="default-org", host_id=host_id, public_key=key, attempt=f"a-{host_id}", **claims)  # type: ignore[arg-type]  # fields of Registration
        return await self.registry.register(claim)

    def probe(self, name: str, real: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """The real probe, unless a test has said that this part is ill."""

        async def ask() -> None:
            if name in self.ill:
                raise self.ill[name]
            await real()

        return ask


@asynccontextmanager
async def running_api(store_url: str, *, bound: str = "127.0.0.1", join: Join | None = None) -> AsyncIterator[Api]:
    """An API on 127.0.0.1 that follows the rules of an API bound to `bound`; with `join` it joins reports."""
    logs.configure(fmt="json", level="error", service="test")
    store = await open_store(store_url)
    bus = LocalBus()
    registry = Registry(store, bus, policy="approve", node_id="test")
    await registry.start()
    listener = listen("127.0.0.1", 0, purpose="Actions API", option="--api-port")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False) as http:
        api = Api(registry, listener.getsockname()[1], http)
        about = About(
            version="1.2.3",
            registration="approve",
            started_at=time.time(),
            clock=time.time,
            probes={"store": api.probe("store", store.ping), "bus": api.probe("bus", bus.ping)},
        )
        app = create_app(
            registry=registry,
            about=about,
            access=Access(bound),
            gateway_port=GATEWAY_PORT,
            log=logs.logger(logs.API_SERVICE),
            routes=[verdict_routes(join)] if join is not None else [],
        )
        server = ApiServer(app, listener)
        await server.start()
        try:
            yield api
        finally:
            await server.stop()
            await registry.close()
            await bus.close()
            await store.close()


@pytest.fixture
async def api(sqlite_url: str) -> AsyncIterator[Api]:
    """An API on loopback."""
    async with running_api(sqlite_url) as running:
        yield running


@pytest.fixture
async def public_api(sqlite_url: str) -> AsyncIterator[Api]:
    """An API with the rules of one that the whole network reaches."""
    async with running_api(sqlite_url, bound="0.0.0.0") as running:
        yield running
