"""Control planes for the threads."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from holdfast.config.model import Timeouts
from holdfast.lab.specs import QUICK
from tests.threads.ground import Ground, ground

OpenGround = Callable[..., Awaitable[Ground]]


@pytest.fixture
async def open_ground(tmp_path: Path) -> AsyncIterator[OpenGround]:
    """Opens control planes with the settings that are given; they stop at the end."""
    async with AsyncExitStack() as opened:
        count = 0

        async def open_one(timeouts: Timeouts = QUICK, **settings: Any) -> Ground:
            nonlocal count
            count += 1
            folder = tmp_path / f"ground-{count}"
            folder.mkdir()
            return await opened.enter_async_context(ground(folder, timeouts=timeouts, settings=settings))

        yield open_one


@pytest.fixture
async def plane(open_ground: OpenGround) -> Ground:
    """A control plane with the lab's short patience."""
    return await open_ground()
