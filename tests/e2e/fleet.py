"""Many agents against a `holdfast up` that runs as a process of its own."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.gateway.loopback import Peer, peer
from tests.processes import BIN, Child, ControlPlane, free_ports

HASTE: Final = {
    "HOLDFAST_LIMITS__REGISTRATIONS_PER_S": "100000",
    "HOLDFAST_LIMITS__REGISTRATION_BURST": "100000",
    "HOLDFAST_LIMITS__MAX_UNREGISTERED_PER_ADDRESS": "100000",
}
READY_S: Final = 60.0


@contextmanager
def holdfast_up(
    data_dir: Path, *arguments: str, environ: dict[str, str] | None = None, before: tuple[str, ...] = (),
    ports: tuple[int, int] | None = None,
) -> Iterator[ControlPlane]:  # fmt: skip
    """`holdfast up` on free ports, or on those of an earlier one. Unlike `control_plane` it may end as it likes.

    `before` is put in front of the command.
    """
    gateway_port, api_port = ports or free_ports(2)
    command = [
        *before, str(BIN / "holdfast"), "up", "--gateway-port", str(gateway_port), "--api-port", str(api_port),
        "--data-dir", str(data_dir), *arguments,
    ]  # fmt: skip
    log = data_dir.with_name(f"{data_dir.name}.log")
    with Child(command, log, extra={"HOLDFAST_NO_BANNER": "1", **(environ or {})}) as child:
        running = ControlPlane(child, gateway_port, api_port, data_dir)
        wait(lambda: is_ready(running), f"holdfast up to be ready:\n{child.output()}", within_s=READY_S)
        yield running


def is_ready(running: ControlPlane) -> bool:
    """Whether gateway and API answer; fails when the process has ended."""
    assert running.child.process.poll() is None, running.child.output()
    with contextlib.suppress(httpx.TransportError):
        return running.get("/healthz").status_code == 200
    return False


def wait(true: Callable[[], object], what: str, *, within_s: float) -> None:
    """Return when `true` is; fail after `within_s`."""
    give_up = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < give_up, f"waited {within_s:g} s in vain for {what}"
        time.sleep(0.05)  # noqa: TID251 - a synchronous poll with a deadline


async def eventually(true: Callable[[], object], what: str, *, within_s: float) -> None:
    """As `wait`, while agents go on; `true` is asked in a thread."""
    give_up = time.monotonic() + within_s
    while not await asyncio.to_thread(true):
        assert time.monotonic() < give_up, f"waited {within_s:g} s in vain for {what}"
        await asyncio.sleep(0.05)


def listed(running: ControlPlane) -> dict[str, dict[str, object]]:
    """Every agent of `GET /agents`, by its uid, page by page."""
    found: dict[str, dict[str, object]] = {}
    cursor = ""
    while True:
        page = running.get(f"/agents?limit=500{f'&cursor={cursor}' if cursor else ''}").json()
        found |= {agent["agent_uid"]: agent for agent in page["agents"]}
        cursor = page["next_cursor"] or ""
        if not cursor:
            return found


@asynccontextmanager
async def fleet(running: ControlPlane, size: int, *, prefix: str = "web") -> AsyncIterator[list[Peer]]:
    """Registered agents that stay connected."""
    async with contextlib.AsyncExitStack() as stack:

        async def one(number: int) -> Peer:
            agent = await stack.enter_async_context(peer(running.gateway_port, f"{prefix}-{number}"))
            return await agent.register()

        agents = []
        for start in range(0, size, 50):
            agents += await asyncio.gather(*(one(number) for number in range(start, min(size, start + 50))))
        yield agents


async def beat_all(agents: list[Peer]) -> set[str]:
    """Have every agent send a heartbeat; returns the types of the answers."""
    return {answer.type for answer in await asyncio.gather(*(agent.beat() for agent in agents))}
