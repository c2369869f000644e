"""Registrations that stop half-way or answer the wrong challenge."""

from typing import Final

import msgspec

from holdfast.lab.context import Context
from holdfast.lab.injections import Injection
from holdfast.lab.rawagent import ChallengeSaid


async def _init_missing(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.ask(f"agent.{agent.host_id}.status", {})
    await agent.wire.wait_closed(ctx.timeouts.silent_close_s + 2)


async def _never_completed(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init()
    await ctx.sleep(ctx.timeouts.challenge_ttl_s + 0.5)


async def _complete_first(ctx: Context) -> None:
    agent = await ctx.agent()
    agent.challenge = ChallengeSaid(registration_id="x")
    await agent.complete()


async def _id_expired(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init()
    await ctx.sleep(ctx.timeouts.challenge_ttl_s + 0.3)
    await agent.complete()


async def _id_used(ctx: Context) -> None:
    agent = await ctx.registered()
    await agent.complete()


async def _id_unknown(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init()
    agent.challenge = msgspec.structs.replace(agent.challenge, registration_id="nope")
    await agent.complete()


async def _id_other_connection(ctx: Context) -> None:
    first, second = await ctx.agent(), await ctx.agent()
    await first.init()
    await second.init()
    second.challenge = first.challenge
    await second.complete()


async def _host_changed(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init()
    await agent.complete(extra={"host_id": agent.host_id.upper()})


FAULTS: Final = (
    Injection(
        code="REG-INIT-MISSING",
        how="a status message, and never an init",
        inject=_init_missing,
        beside=("MSG-BEFORE-REGISTERED",),
    ),
    Injection(code="REG-NEVER-COMPLETED", how="init, and nothing after the challenge", inject=_never_completed),
    Injection(code="REG-COMPLETE-FIRST", how="complete before init", inject=_complete_first),
    Injection(
        code="REG-ID-EXPIRED",
        how="complete after the challenge's life",
        inject=_id_expired,
        beside=("REG-NEVER-COMPLETED",),
    ),
    Injection(code="REG-ID-USED", how="complete twice", inject=_id_used),
    Injection(code="REG-ID-UNKNOWN", how="complete with a registration_id nobody issued", inject=_id_unknown),
    Injection(
        code="REG-ID-OTHER-CONNECTION",
        how="complete with the challenge of another connection",
        inject=_id_other_connection,
        beside=("REG-NEVER-COMPLETED",),
    ),
    Injection(code="REG-HOST-CHANGED", how="complete with the host_id in capitals", inject=_host_changed),
)
