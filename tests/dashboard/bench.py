"""What the dashboard costs: `python -m tests.dashboard.bench [AGENTS]`.

The first page of agents, a search and the Fleet page with so many agents registered (100 000), and the processor time
that one open Fleet page adds.
"""

import asyncio
import hashlib
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import psutil
import sqlalchemy as sa

from holdfast.store import open_store
from holdfast.store.tables import agents
from tests.dashboard.browser import chromium
from tests.processes import ControlPlane, control_plane

TIMES: Final = 20
WATCHED_S: Final = 60
BATCH: Final = 2_000
PAGES: Final = ("/ui/agents", "/ui/agents?status=offline&sort=host_id", "/ui/agents?q=host-09", "/")


def main(count: int) -> None:
    """Print every number."""
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = Path(scratch) / "data"
        data_dir.mkdir()
        asyncio.run(_fill(data_dir / "holdfast.db", count))
        with control_plane(data_dir) as plane:
            print(f"{count} agents")
            for path in PAGES:
                _measure(plane, path)
            _watch(plane)


async def _fill(database: Path, count: int) -> None:
    store = await open_store(f"sqlite:///{database}", durability="normal")
    now = time.time()
    for start in range(0, count, BATCH):
        rows = [_agent(number, now) for number in range(start, min(count, start + BATCH))]
        await store.write(partial(_insert, rows))
    await store.close()


def _insert(rows: list[dict[str, object]], connection: sa.Connection) -> None:
    connection.execute(sa.insert(agents), rows)


def _agent(number: int, now: float) -> dict[str, object]:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return {
        "agent_uid": f"agt_{digest[:26]}", "org_id": "default-org", "host_id": f"host-{number:06d}",
        "public_key": "A" * 43 + "=", "fingerprint": f"ed25519:{digest[:16]}", "agent_version": f"1.4.{number % 3}",
        "platform": '{"os":"linux","distribution":"debian 12","arch":"x86_64"}', "platform_name": "linux",
        "labels": '{"env":"prod","role":"web"}', "registered_at": now, "last_seen": now, "connected_since": now,
        "remote_address": f"10.{number // 62_500}.{number // 250 % 250}.{number % 250}:40000",
        "heartbeat_interval_s": 20.0, "admission": "approved", "admission_since": now,
        "admission_why": "registration is open", "presence": "offline" if number % 10 == 0 else "online",
        "presence_since": now, "presence_why": "connected from 10.1.2.3:40000", "node": "elsewhere",
    }  # fmt: skip


def _measure(plane: ControlPlane, path: str) -> None:
    first_bytes, raw, packed = [], 0, 0
    with httpx.Client(base_url=plane.api_url, trust_env=False, timeout=30) as client:
        for _ in range(TIMES):
            begun = time.perf_counter()
            with client.stream("GET", path) as answer:
                first_bytes.append((time.perf_counter() - begun) * 1000)
                raw, packed = len(answer.read()), answer.num_bytes_downloaded
    slowest = max(first_bytes[1:])
    print(f"{path}: first byte {statistics.median(first_bytes):.1f} ms (worst {slowest:.1f}), "
          f"{raw / 1024:.1f} KiB, {packed / 1024:.1f} KiB compressed")  # fmt: skip


def _watch(plane: ControlPlane) -> None:
    process = psutil.Process(plane.child.process.pid)

    def share(wait: float) -> float:
        before = process.cpu_times()
        time.sleep(wait)  # noqa: TID251 - the time over which is measured
        after = process.cpu_times()
        return (after.user + after.system - before.user - before.system) / wait * 100

    idle = share(WATCHED_S)
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{plane.api_url}/")
        page.locator("#live[data-state=live]").wait_for()
        watched = share(WATCHED_S)
    print(f"open Fleet page: {watched - idle:.2f} % of a core ({idle:.2f} % without)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
