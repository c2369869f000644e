"""Connections that are open and not as they should be."""

import asyncio
import contextlib
import secrets
import socket
from typing import Final

from nacl.signing import SigningKey

from holdfast.config.model import Limits, Timeouts
from holdfast.lab.context import Context
from holdfast.lab.frames import PING
from holdfast.lab.injections import Injection
from holdfast.lab.rawagent import RawAgent
from holdfast.lab.rawwire import Place
from holdfast.lab.specs import PlaneSpec
from holdfast.lab.strangers import ClosingServer
from holdfast.lab.verdicts import Named, Viewpoint

# So that an agent which does not read fills our side in a moment.
NARROW: Final = PlaneSpec(
    name="narrow",
    timeouts=Timeouts(drain_s=1.0),
    limits=Limits(messages_per_s=100_000.0, message_burst=100_000, write_buffer_bytes=16_384),
)
LATE_S: Final = 3.2  # a pong later than two seconds is told as late, and a ping is sent each second


async def _silent(ctx: Context) -> None:
    await ctx.agent()
    await ctx.sleep(ctx.timeouts.first_message_s + 0.5)


async def _ping_only(ctx: Context) -> None:
    agent = await ctx.agent()
    for _ in range(int(ctx.timeouts.first_message_s * 4) + 3):
        await agent.wire.send_frame(b"", PING)
        await ctx.sleep(0.3)


async def _no_heartbeat(ctx: Context) -> None:
    await ctx.registered()
    await ctx.sleep(3 * ctx.timeouts.heartbeat_interval_s + 0.5)


async def _frozen(ctx: Context) -> None:
    """It reads no more, and its kernel goes on confirming: what SIGSTOP looks like from outside."""
    agent = await _alive(ctx)
    agent.stop_beating()
    agent.wire.stop_reading()
    await ctx.sleep(ctx.timeouts.dead_after_s + 1)


async def _loop_blocked(ctx: Context) -> None:
    """It does nothing for seconds, and then goes on."""
    agent = await _alive(ctx)
    agent.stop_beating()
    agent.wire.stop_reading()
    await asyncio.sleep(max(LATE_S, min(2 * ctx.timeouts.ping_interval_s, ctx.timeouts.dead_after_s - 1)))
    agent.wire.read_on()
    agent.keep_beating(ctx.timeouts.heartbeat_interval_s)
    await ctx.sleep(1.0)


async def _no_pong(ctx: Context) -> None:
    agent = await ctx.registered()
    agent.wire.pongs = False
    agent.keep_beating(ctx.timeouts.heartbeat_interval_s / 2)
    await ctx.sleep(4 * ctx.timeouts.ping_interval_s)


async def _slow_consumer(ctx: Context) -> None:
    """It asks and asks, and reads no answer."""
    place = ctx.target.place()
    source = ctx.subject.new_address()

    def narrow() -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.bind((source, 0))
        return sock

    agent = await ctx.registered(place=Place(host=place.host, port=place.port, sockets=narrow), source="")
    agent.wire.stop_reading()
    topic = "x" * 60
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(20):
            while True:
                for _ in range(200):
                    await agent.send(f"agent.{agent.host_id}.{topic}", {}, id=secrets.token_hex(60))
                await asyncio.sleep(0)


async def _protocol_1002(ctx: Context) -> None:
    agent = await ctx.registered()
    await agent.wire.send_frame(b"{}", mask=False)
    await agent.wire.wait_closed()


async def _duplicate_session(ctx: Context) -> None:
    """Two processes on one machine with one key file, each coming back at once."""
    key, host_id, source = SigningKey.generate(), ctx.subject.new_host(), ctx.subject.new_address()
    machine = {"machine_id_hash": secrets.token_hex(32), "boot_id": secrets.token_hex(16)}
    processes = [machine | {"instance": secrets.token_hex(8)} for _ in range(2)]
    for facts in processes * 2:
        await ctx.registered(host_id=host_id, key=key, facts=facts, source=source)
        await ctx.sleep(0.2)


async def _alive(ctx: Context) -> RawAgent:
    agent = await ctx.registered()
    agent.keep_beating(ctx.timeouts.heartbeat_interval_s)
    await ctx.sleep(1.2 * ctx.timeouts.ping_interval_s)
    return agent


async def _overload_1013(ctx: Context) -> Named | None:
    server = await ctx.enter(ClosingServer(1013, "try again later"))
    return await ctx.sdk(server.url)


async def _restart_1012(ctx: Context) -> Named | None:
    plane = await ctx.own_plane(PlaneSpec(name="restarting"))

    async def stop(_: object) -> None:
        await plane.stop()

    return await ctx.sdk(ctx.target.url, then=stop)


FAULTS: Final = (
    Injection(code="LIFE-SILENT", how="a connection without a message", inject=_silent),
    Injection(code="LIFE-PING-ONLY", how="a connection with pings and no message", inject=_ping_only),
    Injection(code="LIFE-NO-HEARTBEAT", how="a registered agent that says no more", inject=_no_heartbeat),
    Injection(
        code="LIFE-FROZEN", how="a process that stands while its kernel confirms", inject=_frozen, is_long=True,
        beside=("LIFE-NO-HEARTBEAT",),
    ),
    Injection(
        code="LIFE-LOOP-BLOCKED", how="an agent that does nothing for seconds and then goes on", inject=_loop_blocked,
        is_long=True, beside=("LIFE-NO-HEARTBEAT", "LIFE-NO-PONG", "LIFE-FROZEN"),  # until it moves again
    ),
    Injection(code="LIFE-NO-PONG", how="heartbeats, and no answer to pings", inject=_no_pong, is_long=True),
    Injection(
        code="LIFE-SLOW-CONSUMER", how="an agent that asks and never reads", inject=_slow_consumer, plane=NARROW,
        is_long=True,
    ),
    Injection(code="LIFE-PROTOCOL-1002", how="a frame without its mask", inject=_protocol_1002),
    Injection(
        code="LIFE-RESTART-1012", how="an agent whose gateway is stopped", inject=_restart_1012, sees=Viewpoint.AGENT
    ),
    Injection(
        code="LIFE-OVERLOAD-1013", how="a server that closes with 1013", inject=_overload_1013, sees=Viewpoint.AGENT
    ),
    Injection(
        code="LIFE-DUPLICATE-SESSION", how="two processes of one agent that evict each other",
        inject=_duplicate_session, beside=("LIFE-NO-HEARTBEAT",),
    ),
)  # fmt: skip
