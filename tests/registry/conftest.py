"""A registry on a real store, with a clock that the test moves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from holdfast.bus import LocalBus
from holdfast.registry import RegistrationPolicy, Registry
from holdfast.store import open_store
from tests.registry.fleet import Clock

OpenRegistry = Callable[..., Awaitable[Registry]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def open_registry(database_url: str, clock: Clock) -> AsyncIterator[OpenRegistry]:
    """Opens registries on one database; each is closed at the end unless the test abandons it."""
    async with AsyncExitStack() as opened:

        async def open_one(
            policy: RegistrationPolicy = RegistrationPolicy.OPEN, *, node_id: str = "node-1", start: bool = True
        ) -> Registry:
            store = await open_store(database_url)
            opened.push_async_callback(store.close)
            registry = Registry(store, LocalBus(), policy=policy, node_id=node_id, clock=clock)
            if start:
                await registry.start()
                opened.push_async_callback(registry.close)
            return registry

        yield open_one


@pytest.fixture
async def registry(open_registry: OpenRegistry) -> Registry:
    return await open_registry()
