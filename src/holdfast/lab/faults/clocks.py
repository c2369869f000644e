"""Agents whose clocks are wrong, and messages that come a second time."""

from typing import Final

from holdfast.lab.context import Context
from holdfast.lab.injections import Injection


async def _skew(ctx: Context) -> None:
    agent = ctx.new_agent()
    agent.clock = lambda: ctx.target.clock() + 600
    source = ctx.subject.new_address()
    await agent.connect(ctx.target.place(), source=source)
    await agent.register()
    for _ in range(4):
        await agent.beat()
        await ctx.sleep(0.2)


async def _jump(ctx: Context) -> None:
    agent = await ctx.registered()
    for step in range(4):
        await agent.beat(timestamp=int(ctx.target.clock()) + 3600 * step)
        await ctx.sleep(0.2)


async def _replay(ctx: Context) -> None:
    """The bytes of a complete that succeeded, on another connection."""
    first = await ctx.agent()
    await first.init()
    proof = first.proof()
    await first.ask("agent.registration.complete", proof)
    second = await ctx.agent()
    await second.init()
    await second.ask("agent.registration.complete", proof)


FAULTS: Final = (
    Injection(
        code="CLK-SKEW", how="an agent whose clock is ten minutes ahead", inject=_skew, beside=("CLK-JUMP",)
    ),
    Injection(code="CLK-JUMP", how="heartbeats whose time steps by an hour", inject=_jump, beside=("CLK-SKEW",)),
    Injection(
        code="CLK-REPLAY", how="a recorded complete on another connection", inject=_replay,
        beside=("REG-NEVER-COMPLETED", "LIFE-NO-HEARTBEAT"),
    ),
)  # fmt: skip
