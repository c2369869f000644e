"""The fleet's numbers, as the API tells and the first page shows them."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import expect

from holdfast.model.samples import Samples
from holdfast.registry.agent_minutes import AgentMinutes
from holdfast.store import open_store
from tests.dashboard.conftest import Visit
from tests.dashboard.raw_agents import raw_agent
from tests.processes import ControlPlane, wait_until


def test_what_the_gateway_counts_is_in_the_history_and_on_the_page(visit: Visit, plane: ControlPlane) -> None:
    page = visit.page("/")
    expect(page.locator(".empty")).to_contain_text("No agents yet")

    with raw_agent(plane.gateway_port, "counted") as agent, raw_agent(plane.gateway_port, "odd") as odd:
        agent.register(agent_version="7.1")
        odd.sign_the_nonce_alone()
        expect(page.locator(".counts a", has_text="online").locator(".big")).to_have_text("1")
        expect(page.get_by_role("region", name="Open findings")).to_contain_text("Sign exactly")

        def counted() -> dict[str, int] | None:
            points = plane.get("/fleet/history?hours=1").json()["points"]
            sums = {name: sum(point[name] for point in points) for name in ("registered", "opened", "faults")}
            return sums if points and points[-1]["statuses"] == {"online": 1} and sums["faults"] else None

        sums = wait_until(counted, within_s=60, waiting_for="the running minute")
        fleet = plane.get("/fleet").json()
        page.reload()

        assert (sums["registered"], sums["opened"]) == (1, 2)
        assert (fleet["total"], fleet["statuses"]["online"], fleet["statuses"]["revoked"]) == (1, 1, 0)
        assert fleet["versions"] == [{"agent_version": "7.1", "agents": 1}]
        expect(page.locator("#p-agents canvas")).to_be_visible()
        expect(page.locator("section", has_text="Versions").last).to_contain_text("7.1")


def test_an_agents_page_draws_its_latency_and_heartbeats(visit: Visit, plane: ControlPlane) -> None:
    with raw_agent(plane.gateway_port, "measured") as agent:
        agent.register()
    uid = str(plane.wait_for_agent("measured", "offline")["agent_uid"])
    page = visit.page(f"/ui/agents/{uid}")
    expect(page.locator("#over-time")).to_contain_text("was not connected in this time")

    with ThreadPoolExecutor(1) as thread:  # the browser's own loop runs in this one
        thread.submit(asyncio.run, measure(plane.data_dir / "holdfast.db", uid)).result()
    page.reload()

    points = plane.get(f"/agents/{uid}/history?hours=1").json()["points"]
    assert [(point["rtt_ms"], point["heartbeats"], point["span_s"]) for point in points] == [
        (12.5, 3, 60), (None, 2, 60), (14.0, 3, 60)
    ]  # fmt: skip
    expect(page.locator("#p-latency canvas")).to_be_visible()
    expect(page.locator(".chart", has_text="Round trip")).to_contain_text("14 ms")
    expect(page.locator("#p-heartbeats canvas")).to_be_visible()
    expect(page.locator(".chart", has_text="Heartbeats per minute")).to_contain_text("asked for 3/min")


async def measure(database: Path, uid: str) -> None:
    store = await open_store(f"sqlite:///{database}")
    at = int(time.time()) // 60 * 60 - 240
    measured = Samples(agent_uid=uid, node="a", at=at, rtt_ms=(12.5, None, 14.0), heartbeats=(3, 2, 3))
    await AgentMinutes(store).add([measured])
    await store.close()


def test_settings_tell_the_source_of_each_value(visit: Visit, plane: ControlPlane) -> None:
    said = {setting["key"]: setting for setting in plane.get("/settings").json()["settings"]}
    page = visit.page("/ui/settings")

    assert said["gateway_port"]["value"] == str(plane.gateway_port)
    assert "--gateway-port" in said["gateway_port"]["source"]
    row = page.locator("tr", has_text="gateway_port")
    expect(row).to_contain_text(str(plane.gateway_port))
    expect(page.locator("tr", has_text="registration").first).to_contain_text("open")
