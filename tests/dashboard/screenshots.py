"""Pictures of every page, light and dark, wide and phone: `python -m tests.dashboard.screenshots [FOLDER]`.

Before a real `holdfast up` with the fleet of `tests.dashboard.demo`; only the past hours of the charts are made up.
"""

import asyncio
import math
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Browser, Page

from holdfast.model.aggregates import Minute
from holdfast.model.samples import Samples
from holdfast.registry.agent_minutes import MAX_SAMPLES, AgentMinutes
from holdfast.registry.aggregates import MINUTE_S, Aggregates
from holdfast.store import open_store
from tests.cli.commands import holdfast
from tests.dashboard.browser import chromium
from tests.dashboard.conftest import PHONE, WIDE, Scheme, sign_in
from tests.processes import ROOT, Child, ControlPlane, control_plane

FOLDER: Final = ROOT / "docs" / "images"
AGENTS: Final = 24
HOURS: Final = 6
EXPECTED_CODES: Final = {"REG-NEVER-COMPLETED", "SIG-FIELD-SET", "MSG-NOT-JSON", "KEY-ENCODING"}
PATIENCE_S: Final = 240
PAGES: Final = {
    "fleet": "/",
    "agents": "/ui/agents",
    "agent": "/ui/agents/{uid}",
    "findings": "/ui/findings",
    "finding": "/ui/findings/{finding}",
    "attempts": "/ui/attempts",
    "attempt": "/ui/attempts/{attempt}",
    "connect": "/ui/connect?how=python&host_id=scanner-3&since=0",
    "audit": "/ui/audit",
    "tokens": "/ui/tokens",
    "settings": "/ui/settings",
    "fault": "/docs/SIG-FIELD-SET",
    "sign-in": "/ui/sign-in",
}
Place = dict[str, str]


def main(folder: Path) -> None:
    """Make all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = Path(scratch) / "data"
        data_dir.mkdir()
        asyncio.run(_past(data_dir / "holdfast.db"))
        with (
            control_plane(data_dir, "--with-agent", environ={"HOLDFAST_NODE_ID": "demo"}) as plane,
            _demo(plane, Path(scratch)),
            chromium() as browser,
        ):
            place = _wait_for_faults(plane)
            with ThreadPoolExecutor(1) as thread:  # the browser's own loop runs in this one
                thread.submit(asyncio.run, _past_of(data_dir / "holdfast.db", place["uid"])).result()
            token = holdfast(
                "tokens", "create", "--name", "ada", "--role", "admin", "--data-dir", str(data_dir)
            ).out.strip()
            _operate(plane, token)
            for name, path in PAGES.items():
                _pictures(browser, plane, folder / name, path.format(**place), token)


def _demo(plane: ControlPlane, scratch: Path) -> Child:
    command = [sys.executable, "-m", "tests.dashboard.demo", str(plane.gateway_port), str(AGENTS)]
    return Child(command, scratch / "demo.log")


async def _past(database: Path) -> None:
    """Some hours of a fleet of this size, as a gateway would have counted them."""
    store, dice = await open_store(f"sqlite:///{database}", durability="normal"), random.Random(3)
    now = int(time.time()) // MINUTE_S * MINUTE_S
    for age in range(HOURS * 60, 1, -1):
        away = 1 + round(2 + 2 * math.sin(age / 37)) + (9 if 150 < age < 158 else 0)
        online = AGENTS - away
        back = 9 if age in {149, 150} else dice.choice([0, 0, 0, 1, 1, 2])
        trip = 1.8 + 0.7 * math.sin(age / 50) + 0.3 * dice.random()
        minute = Minute(
            at=now - age * MINUTE_S, node="demo", online=online, opened=4 + back, ended=4 + back, registered=back,
            faults=3 + dice.randint(0, 2), messages=online * 4 + dice.randint(-4, 4), rtt_p50_ms=round(trip, 2),
            rtt_p95_ms=round(trip * 2 + dice.random(), 2), lag_ms=0.2, statuses={"online": online, "offline": away},
        )  # fmt: skip
        await Aggregates(store).add(minute)
    await store.close()


async def _past_of(database: Path, agent_uid: str) -> None:
    """The same hours of one agent: a short loss of its connection, and a quarter of an hour of slow answers."""
    store, dice = await open_store(f"sqlite:///{database}", durability="normal"), random.Random(5)
    now = int(time.time()) // MINUTE_S * MINUTE_S
    for began, ended in ((HOURS * 60, 158), (150, 1)):
        for age in range(began, ended, -MAX_SAMPLES):
            ages = range(age, max(age - MAX_SAMPLES, ended), -1)
            measured = Samples(
                agent_uid=agent_uid, node="demo", at=now - age * MINUTE_S,
                rtt_ms=tuple(1.6 + 0.5 * dice.random() + (6 if 200 < one < 215 else 0) for one in ages),
                heartbeats=tuple(dice.choice([3, 3, 3, 4]) for _ in ages),
            )  # fmt: skip
            await AgentMinutes(store).add([measured])
    await store.close()


def _wait_for_faults(plane: ControlPlane) -> Place:
    pause, give_up = threading.Event(), time.monotonic() + PATIENCE_S
    while (place := _place(plane)) is None:
        assert time.monotonic() < give_up, f"not every fault of the demonstration came within {PATIENCE_S} s"
        pause.wait(1)
    return place


def _place(plane: ControlPlane) -> Place | None:
    """What the addresses need, once every kind of fault was found."""
    findings = plane.get("/findings?open=true&limit=200").json()["findings"]
    codes = {finding["code"] for finding in findings}
    agents = plane.agents("db-02")
    if not codes >= EXPECTED_CODES or not agents:
        return None
    signature = next(finding for finding in findings if finding["code"] == "SIG-FIELD-SET")
    attempts = plane.get("/attempts?host_id=scanner-3&code=SIG-FIELD-SET").json()["attempts"]
    return {"uid": str(agents[0]["agent_uid"]), "finding": signature["id"], "attempt": attempts[0]["attempt"]}


def _operate(plane: ControlPlane, token: str) -> None:
    """What an operator has done: so that labels, notes and the audit log have something to show."""
    with httpx.Client(
        base_url=plane.api_url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=10
    ) as api:
        for host, change in (
            (
                "db-02",
                {"note": "Primary of the order database. Restart only after a failover.", "labels": {"rack": "r12"}},
            ),
            ("web-01", {"labels": {"rack": "r07"}}),
        ):
            api.patch(f"/agents/{plane.agents(host)[0]['agent_uid']}", json=change).raise_for_status()
        api.post(
            f"/agents/{plane.agents('build-04')[0]['agent_uid']}/revoke", json={"reason": "rebuilt from an old image"}
        )
        api.post("/agents", json={"host_id": "warehouse-7", "note": "arrives on Monday"}).raise_for_status()
        api.post("/tokens", json={"name": "ci", "role": "viewer", "expires_in_s": 30 * 86_400}).raise_for_status()
        api.post(
            "/enrolment-tokens", json={"name": "rack 12", "max_uses": 40, "labels": {"rack": "r12"}}
        ).raise_for_status()


def _pictures(browser: Browser, plane: ControlPlane, name: Path, path: str, token: str) -> None:
    schemes: tuple[Scheme, Scheme] = ("light", "dark")
    for scheme in schemes:
        for size, viewport in (("wide", WIDE), ("phone", PHONE)):
            context = browser.new_context(base_url=plane.api_url, viewport=viewport, color_scheme=scheme)
            page = context.new_page()
            if name.name != "sign-in":
                sign_in(page, token)
                page.goto("/docs")  # the greeting is shown once
            page.goto(path)
            _settle(page)
            whole = name.name in {"fleet", "agent"} and size == "wide"  # its charts stand below the findings
            page.screenshot(path=name.with_name(f"{name.name}-{size}-{scheme}.png"), full_page=whole)
            context.close()


def _settle(page: Page) -> None:
    page.locator("#live[data-state=live]").wait_for()
    page.evaluate("() => document.fonts.ready.then(() => new Promise(requestAnimationFrame))")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
