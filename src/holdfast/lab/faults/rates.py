"""Too much, too often, all at once."""

import asyncio
from typing import Final

from holdfast.config.model import Timeouts
from holdfast.lab.context import Context
from holdfast.lab.injections import Injection
from holdfast.lab.specs import PlaneSpec

ALONE: Final = PlaneSpec(name="alone", timeouts=Timeouts(drain_s=1.0))


async def _reconnect_loop(ctx: Context) -> None:
    source, host_id = ctx.subject.new_address(), ctx.subject.new_host()
    key = None
    for _ in range(7):
        agent = await ctx.agent(host_id=host_id, key=key, source=source, facts={"instance": "one-process"})
        key = agent.key
        await agent.init()
        await agent.wire.drop()


async def _reregister_loop(ctx: Context) -> None:
    """It heartbeats on a wrong channel, is told so, and begins from the start."""
    source, host_id = ctx.subject.new_address(), ctx.subject.new_host()
    key = None
    for _ in range(6):
        agent = await ctx.registered(host_id=host_id, key=key, source=source, facts={"instance": "one-process"})
        key = agent.key
        await agent.beat("agent.wrong-name.heartbeat")
        await agent.wire.answer(2.0)
        await agent.wire.close(1000)


async def _herd(ctx: Context) -> None:
    """Thirty agents that wait the same time after a restart."""
    plane = await ctx.own_plane(ALONE)
    agents = [await ctx.registered() for _ in range(30)]
    await plane.restart()
    ctx.subject.is_gateway = True
    place = ctx.target.place()
    back = []
    for agent in agents:
        again = ctx.new_agent(host_id=agent.host_id, key=agent.key)
        again.uid = agent.uid
        back.append(again)
    await asyncio.gather(*(again.connect(place, source=ctx.subject.new_address()) for again in back))
    await asyncio.gather(*(again.resume() for again in back))
    for again in back:
        again.keep_beating(ctx.timeouts.heartbeat_interval_s)


async def _limited(ctx: Context) -> None:
    agent = await ctx.registered()
    for _ in range(300):
        await agent.beat()


async def _ignores_retry_after(ctx: Context) -> None:
    """It is told when to come back, and is there again at once, five times."""
    source = ctx.subject.new_address()
    for _ in range(62):
        agent = await ctx.agent(source=source)
        await agent.init()
        await agent.wire.drop()
    host_id = ctx.subject.new_host()
    for _ in range(6):
        agent = await ctx.agent(source=source, host_id=host_id)
        await agent.init()
        await agent.wire.drop()


FAULTS: Final = (
    Injection(
        code="RATE-RECONNECT-LOOP",
        how="seven connections of one process that end after the challenge",
        inject=_reconnect_loop,
        beside=("REG-NEVER-COMPLETED",),
    ),
    Injection(
        code="RATE-REREGISTER-LOOP",
        how="six registrations of one key, each after a refused heartbeat",
        inject=_reregister_loop,
        beside=("MSG-HEARTBEAT-CHANNEL", "LIFE-CLOSED-1000"),
    ),
    Injection(
        code="RATE-HERD",
        how="thirty agents back in the same instant after a restart",
        inject=_herd,
        within_s=40.0,
        is_long=True,
    ),
    Injection(code="RATE-LIMITED", how="300 heartbeats at once", inject=_limited),
    Injection(
        code="RATE-IGNORES-RETRY-AFTER",
        how="registrations beyond the rate, again and again before the time given",
        inject=_ignores_retry_after,
        beside=("RATE-LIMITED", "RATE-RECONNECT-LOOP", "REG-NEVER-COMPLETED"),
    ),
)
