"""Gateways in this process, on loopback, each with a registry and a database of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from holdfast.gateway import GatewaySettings
from holdfast.registry import RegistrationPolicy
from tests.gateway.loopback import Plane, plane

OpenPlane = Callable[..., Awaitable[Plane]]


@pytest.fixture
async def open_plane(tmp_path: Path) -> AsyncIterator[OpenPlane]:
    """Opens a gateway with the settings that are given; it is stopped at the end."""
    async with AsyncExitStack() as opened:

        async def open_one(policy: RegistrationPolicy = RegistrationPolicy.OPEN, **settings: object) -> Plane:
            chosen = msgspec.structs.replace(GatewaySettings(port=0, drain_s=1.0), **settings)
            return await opened.enter_async_context(plane(tmp_path, chosen, policy))

        yield open_one


@pytest.fixture
async def running(open_plane: OpenPlane) -> Plane:
    """A gateway with the default settings."""
    return await open_plane()
