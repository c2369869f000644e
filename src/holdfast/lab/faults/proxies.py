"""Proxies, balancers and filters on the way, played by relays and by servers that answer in their stead."""

import asyncio
from typing import Final

from holdfast.lab.context import Context
from holdfast.lab.injections import Injection
from holdfast.lab.rawwire import Place
from holdfast.lab.relays import Conduct, Relay
from holdfast.lab.responders import Responder, http_answer
from holdfast.lab.specs import PATIENT
from holdfast.lab.verdicts import Named, Viewpoint
from holdfast.protocol.limits import ATTEMPT_HEADER, CHALLENGE_HEADER, PATH

VIA: Final = b"\r\nVia: 1.1 laboratory\r\n"
PAGE: Final = "<html><title>Sign in to the network</title><body>Sign in</body></html>"


def without_upgrade(head: bytes) -> bytes:
    """A request as nginx passes it on without further configuration: hop-by-hop headers gone, HTTP/1.0."""
    lines = head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"upgrade:", b"connection:"))]
    kept[0] = kept[0].replace(b"HTTP/1.1", b"HTTP/1.0")
    return b"\r\n".join([kept[0], b"Connection: close", *kept[1:]])


def with_via(head: bytes) -> bytes:
    """A request that bears a proxy's mark."""
    return head.replace(b"\r\n", VIA, 1)


async def behind(ctx: Context, conduct: Conduct) -> tuple[Relay, Place]:
    """A relay in front of the gateway, which the gateway sees at an address of this injection's own."""
    place = ctx.target.place()
    relay = await ctx.enter(Relay(place.host, place.port, conduct, source=ctx.subject.new_address()))
    return relay, Place(host="127.0.0.1", port=relay.port)


async def _upgrade_stripped(ctx: Context) -> None:
    _, place = await behind(ctx, Conduct(request=without_upgrade))
    await ctx.agent(place=place, source="")


async def _answered(ctx: Context, answer: bytes) -> Named | None:
    server = await ctx.enter(Responder(lambda _: answer))
    return await ctx.doctor(f"ws://127.0.0.1:{server.port}{PATH}")


async def _redirect(ctx: Context) -> Named | None:
    return await _answered(ctx, http_answer("301 Moved Permanently", "", "Location: https://gateway.example/ws/agent"))


async def _bad_gateway(ctx: Context) -> Named | None:
    page = "<html><title>502 Bad Gateway</title></html>"
    return await _answered(ctx, http_answer("502 Bad Gateway", page, "Server: nginx/1.22.1"))


async def _html_200(ctx: Context) -> Named | None:
    return await _answered(ctx, http_answer("200 OK", PAGE))


async def _waf_403(ctx: Context) -> Named | None:
    def filtered(head: bytes) -> bytes:
        if b"firefox" in head.lower():
            return http_answer("404 Not Found", "<html>no such page</html>", "Server: cloudflare")
        return http_answer("403 Forbidden", "<html><title>Attention Required!</title></html>", "Server: cloudflare")

    server = await ctx.enter(Responder(filtered))
    return await ctx.doctor(f"ws://127.0.0.1:{server.port}{PATH}")


async def _h2_only(ctx: Context) -> None:
    agent = ctx.new_agent()
    await agent.wire.open(ctx.target.place(), source=ctx.subject.new_address())
    await agent.wire.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


async def _buffering(ctx: Context) -> Named | None:
    relay, _ = await behind(ctx, Conduct(hold_bytes=1024, hold_s=3.0))
    return await ctx.doctor(f"ws://127.0.0.1:{relay.port}{PATH}", timeout_s=9.0)


async def _env_proxy(ctx: Context) -> Named | None:
    return await ctx.doctor(ctx.target.url, environ={"HTTP_PROXY": "http://127.0.0.1:1"})


async def _auth_407(ctx: Context) -> Named | None:
    answer = http_answer("407 Proxy Authentication Required", "", 'Proxy-Authenticate: Basic realm="office"')
    proxy = await ctx.enter(Responder(lambda _: answer))
    return await ctx.doctor(ctx.target.url, environ={"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}"})


async def _connect_denied(ctx: Context) -> Named | None:
    def deny(head: bytes) -> bytes:
        if b":443 " in head.split(b"\r\n", 1)[0]:
            return b"HTTP/1.1 200 Connection established\r\n\r\n"
        return http_answer("403 Forbidden", "<html>this port is not allowed</html>", "Server: squid/5.7")

    proxy = await ctx.enter(Responder(deny, ends=False))
    return await ctx.doctor(ctx.target.url, environ={"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}"})


def _dropping_headers(head: bytes) -> bytes:
    mine = (ATTEMPT_HEADER.lower().encode(), CHALLENGE_HEADER.lower().encode())
    return b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(mine))


async def _header_dropped(ctx: Context) -> Named | None:
    relay, _ = await behind(ctx, Conduct(answer=_dropping_headers))
    return await ctx.doctor(f"ws://127.0.0.1:{relay.port}{PATH}")


async def _client_ip_hidden(ctx: Context) -> None:
    _, place = await behind(ctx, Conduct(request=with_via))
    await asyncio.gather(*(ctx.registered(place=place, source="") for _ in range(45)))
    for _ in range(12):
        await ctx.registered(place=place, source="")
        await asyncio.sleep(0.2)  # ten registrations a second are let through from one address


async def _reload(ctx: Context) -> None:
    relay, place = await behind(ctx, Conduct(request=with_via))
    agents = await asyncio.gather(*(ctx.registered(place=place, source="") for _ in range(6)))
    for agent in agents:
        agent.keep_beating(ctx.timeouts.heartbeat_interval_s)
    await ctx.sleep(1.0)
    relay.cut_all()


FAULTS: Final = (
    Injection(
        code="PXY-UPGRADE-STRIPPED", how="a relay that passes requests on as a bare proxy_pass does",
        inject=_upgrade_stripped,
    ),
    Injection(
        code="PXY-REDIRECT-HTTPS", how="a server that redirects to https", inject=_redirect, sees=Viewpoint.DOCTOR
    ),
    Injection(code="PXY-BAD-GATEWAY", how="a proxy's 502 page", inject=_bad_gateway, sees=Viewpoint.DOCTOR),
    Injection(code="PXY-H2-ONLY", how="the HTTP/2 preface on the gateway's port", inject=_h2_only),
    Injection(
        code="PXY-BUFFERING", how="a relay that passes on 1 kB, or nothing for three seconds", inject=_buffering,
        sees=Viewpoint.DOCTOR, is_long=True, plane=PATIENT,
    ),
    Injection(
        code="PXY-ENV-PROXY", how="HTTP_PROXY of a port where nobody listens", inject=_env_proxy, sees=Viewpoint.DOCTOR
    ),
    Injection(code="PXY-AUTH-407", how="a forward proxy that answers 407", inject=_auth_407, sees=Viewpoint.DOCTOR),
    Injection(
        code="PXY-CONNECT-DENIED", how="a forward proxy that allows port 443 alone", inject=_connect_denied,
        sees=Viewpoint.DOCTOR,
    ),
    Injection(code="PXY-HTML-200", how="a sign-in page with status 200", inject=_html_200, sees=Viewpoint.DOCTOR),
    Injection(
        code="PXY-WAF-403", how="a filter that refuses what is no browser", inject=_waf_403, sees=Viewpoint.DOCTOR
    ),
    Injection(
        code="PXY-HEADER-DROPPED", how="a relay that drops Holdfast's headers from the 101", inject=_header_dropped,
        sees=Viewpoint.DOCTOR,
    ),
    Injection(
        code="PXY-CLIENT-IP-HIDDEN", how="57 agents behind one proxy", inject=_client_ip_hidden, is_long=True,
        within_s=15, beside=("LIFE-NO-HEARTBEAT",),
    ),
    Injection(
        code="PXY-RELOAD", how="a proxy that cuts its six connections at once", inject=_reload,
    ),
)  # fmt: skip
