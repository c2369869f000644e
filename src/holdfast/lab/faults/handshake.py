"""Upgrades to WebSocket that are asked for in the wrong way, or answered by somebody else."""

import asyncio
import base64
import contextlib
from typing import Final

from holdfast.config.model import Limits
from holdfast.lab.context import Context
from holdfast.lab.injections import Injection
from holdfast.lab.relays import Conduct, Relay
from holdfast.lab.responders import Responder, http_answer
from holdfast.lab.specs import PlaneSpec
from holdfast.lab.verdicts import Named, Viewpoint
from holdfast.protocol.limits import PATH

CROWDED: Final = PlaneSpec(name="crowded", limits=Limits(max_unregistered_per_address=2))


async def _wrong_path(ctx: Context) -> None:
    await ctx.agent(path="/ws")


async def _wrong_scheme(ctx: Context) -> Named | None:
    place = ctx.target.place()
    return await ctx.doctor(f"http://{place.host}:{place.port}{PATH}")


async def _plain_http(ctx: Context) -> None:
    await ctx.agent(drop=("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"))


async def _method(ctx: Context) -> None:
    await ctx.agent(method="POST")


async def _bad_version(ctx: Context) -> None:
    await ctx.agent(drop=("Sec-WebSocket-Version",), headers=("Sec-WebSocket-Version: 8",))


async def _key_bad(ctx: Context) -> None:
    await ctx.agent(headers=("Sec-WebSocket-Key: AAAA",))


def _accepting_wrongly(head: bytes) -> bytes:
    wrong = base64.b64encode(bytes(20)).decode()
    lines = [
        f"Sec-WebSocket-Accept: {wrong}" if line.lower().startswith("sec-websocket-accept") else line
        for line in head.decode("latin-1").split("\r\n")
    ]
    return "\r\n".join(lines).encode("latin-1")


async def _behind(ctx: Context, conduct: Conduct) -> str:
    """The URL of a relay in front of the gateway."""
    place = ctx.target.place()
    relay = await ctx.enter(Relay(place.host, place.port, conduct, source=ctx.subject.new_address()))
    return f"ws://127.0.0.1:{relay.port}{PATH}"


async def _bad_accept(ctx: Context) -> Named | None:
    return await ctx.doctor(await _behind(ctx, Conduct(answer=_accepting_wrongly)))


def _adding(header: str) -> Conduct:
    return Conduct(answer=lambda head: head.replace(b"\r\n\r\n", f"\r\n{header}\r\n\r\n".encode()))


async def _subprotocol(ctx: Context) -> Named | None:
    return await ctx.doctor(await _behind(ctx, _adding("Sec-WebSocket-Protocol: v9")))


async def _extension(ctx: Context) -> None:
    agent = await ctx.registered()
    await agent.wire.send_frame(b"{}", rsv=4)
    await agent.wire.wait_closed()


async def _refused(ctx: Context, status: str, *headers: str) -> Named | None:
    body = "<html><title>refused</title></html>"
    server = await ctx.enter(Responder(lambda _: http_answer(status, body, *headers)))
    return await ctx.doctor(f"ws://127.0.0.1:{server.port}{PATH}")


async def _auth_401(ctx: Context) -> Named | None:
    return await _refused(ctx, "401 Unauthorized", "WWW-Authenticate: Bearer")


async def _rate_429(ctx: Context) -> None:
    source = ctx.subject.new_address()
    for _ in range(4):
        await ctx.agent(source=source)


async def _unavailable_503(ctx: Context) -> Named | None:
    answer = http_answer("503 Service Unavailable", "", "Retry-After: 5", kind="text/plain")
    server = await ctx.enter(Responder(lambda _: answer))
    return await ctx.doctor(f"ws://127.0.0.1:{server.port}{PATH}")


async def _handshake_slow(ctx: Context) -> None:
    agent = ctx.new_agent()
    place = ctx.target.place()
    await agent.wire.open(place, source=ctx.subject.new_address())
    request = agent.wire.request(place)
    with contextlib.suppress(ConnectionError):
        for at in range(int(ctx.timeouts.handshake_s) + 2):
            await agent.wire.send_bytes(request[at : at + 1])
            await asyncio.sleep(1)


async def _forbidden_403(ctx: Context) -> Named | None:
    """A policy of the gateway's own side refuses: its answer is machine-readable, unlike a filter's page."""
    body = '{"code": "WS-FORBIDDEN-403", "title": "this origin may not connect"}'
    answer = http_answer("403 Forbidden", body, "Holdfast-Code: WS-FORBIDDEN-403", kind="application/problem+json")
    server = await ctx.enter(Responder(lambda _: answer))
    return await ctx.doctor(f"ws://127.0.0.1:{server.port}{PATH}")


FAULTS: Final = (
    Injection(code="WS-WRONG-PATH", how="an upgrade of /ws", inject=_wrong_path),
    Injection(
        code="WS-WRONG-SCHEME", how="an http:// URL for the agent", inject=_wrong_scheme, sees=Viewpoint.DOCTOR
    ),
    Injection(code="WS-PLAIN-HTTP", how="a GET without any upgrade", inject=_plain_http),
    Injection(code="WS-METHOD", how="a POST to the WebSocket path", inject=_method),
    Injection(code="WS-BAD-VERSION", how="Sec-WebSocket-Version: 8", inject=_bad_version),
    Injection(code="WS-KEY-BAD", how="a second Sec-WebSocket-Key", inject=_key_bad),
    Injection(
        code="WS-BAD-ACCEPT", how="a relay that rewrites Sec-WebSocket-Accept", inject=_bad_accept,
        sees=Viewpoint.DOCTOR, beside=("WS-BAD-ACCEPT",),
    ),
    Injection(
        code="WS-SUBPROTOCOL", how="a 101 that agrees to a subprotocol nobody asked for", inject=_subprotocol,
        sees=Viewpoint.DOCTOR,
    ),
    Injection(code="WS-EXTENSION", how="a frame with a reserved bit set", inject=_extension),
    Injection(
        code="WS-AUTH-401", how="a server that answers the upgrade with 401", inject=_auth_401, sees=Viewpoint.DOCTOR
    ),
    Injection(
        code="WS-FORBIDDEN-403", how="a gateway that refuses the upgrade by policy", inject=_forbidden_403,
        sees=Viewpoint.DOCTOR,
    ),
    Injection(
        code="WS-RATE-429", how="four unregistered connections from one address, two allowed", inject=_rate_429,
        plane=CROWDED, beside=("LIFE-SILENT",),
    ),
    Injection(
        code="WS-UNAVAILABLE-503", how="a server that answers the upgrade with 503 and Retry-After",
        inject=_unavailable_503, sees=Viewpoint.DOCTOR,
    ),
    Injection(
        code="WS-HANDSHAKE-SLOW", how="a request that comes one byte a second", inject=_handshake_slow, is_long=True
    ),
)  # fmt: skip
