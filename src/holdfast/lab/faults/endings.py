"""What ends connections: idle limits and age limits of boxes in between, agents that leave, crash, or are killed."""

import asyncio
import secrets
import signal
from collections.abc import Callable
from typing import Final

from nacl.signing import SigningKey

from holdfast.lab.commands import HOLDFAST, Process
from holdfast.lab.context import Context
from holdfast.lab.faults.proxies import behind
from holdfast.lab.injections import Inject, Injection
from holdfast.lab.rawagent import RawAgent
from holdfast.lab.relays import Conduct, Cut
from holdfast.lab.specs import BRISK, HASTY, PATIENT

LIVES: Final = range(3, 7)  # three alike are a pattern; a busy machine may need another try
# On a clock that runs five or ten times as fast, a second that a busy machine loses is a jump.
HURRIED: Final = ("LIFE-NO-CLOSE-FRAME", "CLK-JUMP")


def _process() -> dict[str, object]:
    return {"instance": secrets.token_hex(8), "boot_id": "one-boot", "machine_id_hash": "one-machine"}


def _idling(limit_s: float, cut: Cut = Cut.FIN, *, mark: bytes = b"") -> Inject:
    """An agent behind a box with this idle limit, in the gateway's seconds; it comes back each time it is ended."""

    async def inject(ctx: Context) -> None:
        real_s = limit_s / ctx.target.speed
        _, place = await behind(ctx, Conduct(idle_s=real_s, cut=cut, request=_marking(mark)))
        agent = await ctx.registered(place=place, source="", facts=_process())
        for life in range(LIVES.stop):
            # The second life begins with some traffic, so that ages differ where idle times agree.
            if life == 1:
                await agent.beat()
                await ctx.sleep(limit_s / 3)
                await agent.beat()
            await agent.wire.wait_closed(6 * real_s + 5)
            again = await ctx.agent(host_id=agent.host_id, key=agent.key, facts=agent.facts, place=place, source="")
            again.uid = agent.uid
            await again.resume()
            agent = again
            if life + 1 in LIVES and await _settled(ctx):
                return

    return inject


async def _settled(ctx: Context) -> bool:
    """Whether the gateway has drawn its conclusion from the endings so far."""
    await asyncio.sleep(1.0)
    return await ctx.is_named()


def _marking(line: bytes) -> Callable[[bytes], bytes]:
    """Adds a header line to a request, if there is one to add."""
    return lambda head: head.replace(b"\r\n", b"\r\n" + line + b"\r\n", 1) if line else head


async def _max_duration(ctx: Context) -> None:
    """Ended at the age of six seconds, each time after another pause."""
    _, place = await behind(ctx, Conduct(age_s=6.0))
    agent = await ctx.registered(place=place, source="", facts=_process())
    for pause in (0.5, 1.3, 0.8, 0.6, 1.1, 0.7):
        while not agent.wire.ended.is_set():
            await agent.beat()
            await agent.wire.wait_closed(pause)
        again = await ctx.agent(host_id=agent.host_id, key=agent.key, facts=agent.facts, place=place, source="")
        again.uid = agent.uid
        await again.resume()
        agent = again
        if await _settled(ctx):
            return


async def _client_timeout(ctx: Context) -> None:
    """An agent whose own patience ends after 2.5 s without a message, though pings go to and fro."""
    agent = await ctx.registered(facts=_process())
    for life in range(LIVES.stop):
        await agent.beat()
        await ctx.sleep(2.5)
        await agent.wire.close(1000)
        agent = await _again(ctx, agent)
        if life + 1 in LIVES and await _settled(ctx):
            return


async def _again(ctx: Context, agent: RawAgent, **facts: object) -> RawAgent:
    """The same agent on a new connection, resumed."""
    source = next(iter(ctx.subject.addresses))
    again = await ctx.agent(host_id=agent.host_id, key=agent.key, facts=agent.facts | facts, source=source)
    again.uid = agent.uid
    await again.resume()
    return again


async def _no_close_frame(ctx: Context) -> None:
    agent = await ctx.registered(facts=_process())
    await agent.beat()
    await agent.wire.drop()


async def _killed(ctx: Context) -> None:
    """A real agent, killed and started again."""
    host_id = ctx.subject.new_host()
    state = ctx.folder / "state"
    command = [*HOLDFAST, "agent", "run", "--url", ctx.target.url, "--state-dir", str(state), "--host-id", host_id]
    for life in range(2):
        agent = await Process.start(command, ctx.folder / f"agent-{life}.log")
        try:
            await agent.wait_for_output("agent.registered", "agent.resumed")
            await ctx.sleep(0.5)
        finally:
            if life == 0:
                agent.send(signal.SIGKILL)
                await agent.wait()
            else:
                await agent.stop()


async def _oom(ctx: Context) -> None:
    """Its next start tells what the service manager told it: killed for memory."""
    agent = await ctx.registered(facts=_process())
    await agent.beat()
    await agent.wire.drop()
    await ctx.sleep(1.0)
    await _again(ctx, agent, instance=secrets.token_hex(8), last_exit="oom-killed")


async def _reboot(ctx: Context) -> None:
    agent = await ctx.registered(facts=_process())
    await agent.beat()
    await agent.wire.drop()
    await ctx.sleep(1.0)
    await _again(ctx, agent, instance=secrets.token_hex(8), boot_id="another-boot")


async def _crash_loop(ctx: Context) -> None:
    """It dies of our answer to its init, each time as a new process."""
    source, host_id, key = ctx.subject.new_address(), ctx.subject.new_host(), SigningKey.generate()
    for _ in range(6):
        agent = await ctx.agent(host_id=host_id, key=key, source=source, facts=_process())
        await agent.init()
        await asyncio.sleep(0.05)
        await agent.wire.drop()
        await asyncio.sleep(0.3)


def _closing(code: int, reason: str = "", *, after_s: float = 0.5) -> Inject:
    async def inject(ctx: Context) -> None:
        agent = await ctx.registered(facts=_process())
        await ctx.sleep(after_s)
        await agent.wire.close(code, reason)

    return inject


FAULTS: Final = (
    Injection(
        code="PXY-IDLE-60", how="a box that ends what is quiet for 60 s", inject=_idling(60), plane=BRISK,
        beside=HURRIED, is_long=True,
    ),
    Injection(
        code="PXY-IDLE-100", how="a box with the mark CF-Ray that ends what is quiet for 100 s",
        inject=_idling(100, mark=b"CF-Ray: 8a1b2c3d4e5f-FRA"), plane=BRISK, beside=HURRIED,
        is_long=True,
    ),
    Injection(
        code="PXY-IDLE-350", how="a box that forgets after 350 s and answers the next ping by a reset",
        inject=_idling(350, Cut.RESET_NEXT), plane=HASTY, beside=(*HURRIED, "NET-FW-RST"), is_long=True,
    ),
    Injection(
        code="PXY-IDLE-OTHER", how="a box that ends what is quiet for four seconds", inject=_idling(4),
        plane=PATIENT, beside=("LIFE-NO-CLOSE-FRAME",), is_long=True,
    ),
    Injection(
        code="PXY-MAX-DURATION", how="a box that ends every connection at the age of six seconds",
        inject=_max_duration, beside=("LIFE-NO-CLOSE-FRAME",), is_long=True,
    ),
    Injection(
        code="LIFE-CLIENT-TIMEOUT", how="an agent that closes after 2.5 s without a message",
        inject=_client_timeout, beside=("LIFE-CLOSED-1000",), is_long=True,
    ),
    Injection(
        code="LIFE-NO-CLOSE-FRAME", how="a registered agent that ends its TCP connection", inject=_no_close_frame
    ),
    Injection(
        code="LIFE-KILLED", how="kill -9 of a running agent, and its next start", inject=_killed,
        beside=("LIFE-NO-CLOSE-FRAME", "LIFE-GOING-AWAY-1001"), within_s=15,
    ),
    Injection(
        code="LIFE-OOM", how="an agent whose next start reports oom-killed", inject=_oom,
        beside=("LIFE-NO-CLOSE-FRAME",),
    ),
    Injection(
        code="LIFE-REBOOT", how="an agent that comes back with another boot id", inject=_reboot,
        beside=("LIFE-NO-CLOSE-FRAME",),
    ),
    Injection(
        code="LIFE-CRASH-LOOP", how="six processes of one agent, each dead after the challenge", inject=_crash_loop,
        beside=("REG-NEVER-COMPLETED",),
    ),
    Injection(code="LIFE-CLOSED-1000", how="close 1000 half a second after registering", inject=_closing(1000)),
    Injection(
        code="LIFE-GOING-AWAY-1001", how="close 1001, and no return", inject=_closing(1001), within_s=15, is_long=True
    ),
    Injection(
        code="LIFE-UNSUPPORTED-1003", how="an agent that closes with 1003", inject=_closing(1003, "text is not taken")
    ),
    Injection(
        code="LIFE-POLICY-1008", how="an agent that closes with 1008", inject=_closing(1008, "not by my rules")
    ),
    Injection(
        code="LIFE-INTERNAL-1011", how="an agent that closes with 1011 keepalive ping timeout",
        inject=_closing(1011, "keepalive ping timeout"),
    ),
)  # fmt: skip
