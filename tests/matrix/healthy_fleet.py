"""Of a healthy fleet nothing is found, also when the gateway is restarted under it.

Run by `make matrix`: 200 agents for a minute. `HOLDFAST_FLEET=1000 HOLDFAST_FLEET_S=600` is the long form.
"""

import asyncio
import os
from pathlib import Path

import httpx
import pytest

from holdfast.lab.plane import Plane
from holdfast.swarm import Fleet, Progress, Summary, SwarmOptions, make_room

AGENTS = int(os.environ.get("HOLDFAST_FLEET", "200"))
SECONDS = float(os.environ.get("HOLDFAST_FLEET_S", "60"))

pytestmark = pytest.mark.timeout(SECONDS + 300)


def ignore(_: Progress) -> None:
    """Nobody watches."""


async def findings(plane: Plane) -> list[tuple[str, str]]:
    async with httpx.AsyncClient(base_url=plane.api_url, trust_env=False, timeout=30) as client:
        said = (await client.get("/findings", params={"limit": 500})).raise_for_status().json()
    return [(finding["code"], str(finding["subject"])) for finding in said["findings"]]


async def test_a_healthy_fleet_is_accused_of_nothing_through_a_restart(tmp_path: Path) -> None:
    make_room(AGENTS)
    async with Plane(tmp_path) as plane:
        fleet = Fleet(SwarmOptions(url=plane.url, agents=AGENTS))
        running: asyncio.Task[Summary] = asyncio.create_task(fleet.run(on_progress=ignore))
        await asyncio.sleep(SECONDS / 3)
        before = await findings(plane)
        await plane.restart()
        await asyncio.sleep(SECONDS * 2 / 3)
        found = await findings(plane)
        fleet.ask_to_stop()
        summary = await running

    assert before == []
    assert found == []
    assert summary.ok, summary
    assert summary.resumptions >= AGENTS
