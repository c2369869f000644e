"""The control plane itself is ill: its store, its disk, its loop, its clock, its limits."""

import asyncio
import contextlib
import signal
import sqlite3
from pathlib import Path
from typing import Final

from holdfast.config.model import Limits
from holdfast.lab.context import Context
from holdfast.lab.injections import Injection, Need
from holdfast.lab.plane import free_ports
from holdfast.lab.specs import QUICK, PlaneSpec
from holdfast.lab.verdicts import Named, Viewpoint

ILL: Final = PlaneSpec(name="ill", timeouts=QUICK)
SMALL: Final = PlaneSpec(name="small", timeouts=QUICK, limits=Limits(max_connections=2))
AHEAD: Final = PlaneSpec(name="ahead", timeouts=QUICK, ahead_s=600.0)
DISK: Final = "8m"


async def _api_down(ctx: Context) -> Named | None:
    (port,) = free_ports(1)
    return await ctx.doctor(ctx.target.url, "--api", f"http://127.0.0.1:{port}")


async def _db_down(ctx: Context) -> None:
    """Another process holds the database for longer than anybody waits."""
    plane = await ctx.own_plane(ILL)
    ctx.subject.is_gateway = True
    (database,) = (plane.folder / "data").glob("*.db")
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        agent = await ctx.agent()
        await agent.init()
        await agent.ask("agent.registration.complete", agent.proof())
        await agent.wire.answer(20.0)
        holder.execute("ROLLBACK")


async def _disk_full(ctx: Context) -> None:
    """The data directory on a disk of its own, which is filled."""
    data = ctx.folder / "plane" / "data"
    data.mkdir(parents=True)
    mount = f'mount -t tmpfs -o size={DISK} none {data} && exec "$@"'
    plane = await ctx.own_plane(ILL, prefix=["unshare", "--mount", "sh", "-c", mount, "sh"])
    ctx.subject.is_gateway = True
    assert plane.process is not None
    inside = Path(f"/proc/{plane.process.pid}/root{data}")
    filler = inside / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    for _ in range(3):
        agent = await ctx.agent()
        await agent.init()
        await agent.ask("agent.registration.complete", agent.proof())
    filler.unlink()
    await asyncio.sleep(3)  # what could not be stored is stored now


async def _fd_limit(ctx: Context) -> None:
    await ctx.own_plane(ILL, prefix=["prlimit", "--nofile=64:64"])
    ctx.subject.is_gateway = True
    agents = []
    with contextlib.suppress(OSError):
        for _ in range(80):
            agent = ctx.new_agent()
            await agent.wire.open(ctx.target.place(), source=ctx.subject.new_address())
            agents.append(agent)
    await asyncio.sleep(1)
    for agent in agents:
        await agent.wire.drop()


async def _max_connections(ctx: Context) -> None:
    await ctx.own_plane(SMALL)
    ctx.subject.is_gateway = True
    for _ in range(3):
        await ctx.agent()


async def _loop_lag(ctx: Context) -> None:
    """The gateway's process stands for three seconds."""
    plane = await ctx.own_plane(ILL)
    ctx.subject.is_gateway = True
    assert plane.process is not None
    await asyncio.sleep(0.5)
    plane.process.send(signal.SIGSTOP)
    await asyncio.sleep(3)
    plane.process.send(signal.SIGCONT)


async def _restart(ctx: Context) -> None:
    plane = await ctx.own_plane(ILL)
    ctx.subject.is_gateway = True
    await ctx.registered()
    await plane.restart(signal.SIGKILL)


async def _clock(ctx: Context) -> None:
    await ctx.own_plane(AHEAD)
    ctx.subject.is_gateway = True
    for _ in range(8):
        agent = await ctx.registered()
        await agent.beat()
    await ctx.sleep(1)


FAULTS: Final = (
    Injection(
        code="SRV-ACTIONS-API-DOWN", how="an address of the Actions API where nobody listens", inject=_api_down,
        sees=Viewpoint.DOCTOR,
    ),
    Injection(
        code="SRV-DB-DOWN", how="a database that another process holds", inject=_db_down, within_s=20, is_long=True
    ),
    Injection(
        code="SRV-FD-LIMIT", how="80 connections to a gateway that may have 64 files", inject=_fd_limit,
        needs=(Need.PRLIMIT,),
    ),
    Injection(
        code="SRV-MAX-CONNECTIONS", how="three connections where two are allowed", inject=_max_connections,
    ),
    Injection(
        code="SRV-DISK-FULL", how="a data directory on a disk that is full", inject=_disk_full, needs=(Need.TMPFS,),
        within_s=20, is_long=True, beside=("SRV-DB-DOWN",),
    ),
    Injection(code="SRV-LOOP-LAG", how="a gateway stopped for three seconds", inject=_loop_lag),
    Injection(code="SRV-RESTART", how="kill -9 of a gateway, and its next start", inject=_restart),
    Injection(
        code="SRV-CLOCK", how="a gateway whose clock is ten minutes ahead of all agents", inject=_clock,
        beside=("CLK-SKEW",),  # the first agent of all stands alone: even odds until others come
    ),
)  # fmt: skip
