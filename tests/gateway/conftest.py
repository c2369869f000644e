"""Gateways in this process, on loopback, each with a registry and a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
import uvloop
from hypothesis import settings

from holdfast.gateway import GatewaySettings
from holdfast.gateway.answering import Explainer, unexplained
from holdfast.registry import RegistrationPolicy
from tests.gateway.loopback import Plane, plane

# A machine that runs other tests as well is slow now and then: that is no failure of a property.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
OpenPlane = Callable[..., Awaitable[Plane]]


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, LoopFactory]:
    """The loop that `holdfast up` runs on; both, where it matters how they buffer, close and abort."""
    both = item.path.stem in ("test_bounds", "test_tls")
    return {"uvloop": uvloop.new_event_loop} | ({"asyncio": asyncio.SelectorEventLoop} if both else {})


@pytest.fixture
async def open_plane(tmp_path: Path) -> AsyncIterator[OpenPlane]:
    """Opens a gateway with the settings that are given; it is stopped at the end."""
    async with AsyncExitStack() as opened:

        async def open_one(
            policy: RegistrationPolicy = RegistrationPolicy.OPEN, explain: Explainer = unexplained, **changes: object
        ) -> Plane:
            chosen = msgspec.structs.replace(GatewaySettings(port=0, drain_s=1.0), **changes)
            return await opened.enter_async_context(plane(tmp_path, chosen, policy, explain))

        yield open_one


@pytest.fixture
async def running(open_plane: OpenPlane) -> Plane:
    """A gateway with the default settings."""
    return await open_plane()
