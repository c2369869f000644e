"""The HTTP side of the gateway's port: pages, refusals that explain themselves, and the upgrade."""

import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import msgspec
from websockets.http11 import Request, Response
from websockets.streams import StreamReader

from holdfast.faults import Problem, printable
from holdfast.gateway import metrics, pages
from holdfast.gateway.compat import choose_profile
from holdfast.gateway.connection import Connection
from holdfast.gateway.proofs import RANDOM_BYTES, new_challenge
from holdfast.model import Step
from holdfast.model.events import EventKind, Fact
from holdfast.protocol.limits import ATTEMPT_HEADER, CHALLENGE_HEADER, PATH
from holdfast.protocol.times import rfc3339_seconds

PROXY_MARKS: Final = ("Via", "X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Ray")

if TYPE_CHECKING:
    from holdfast.gateway.server import Gateway
    from holdfast.gateway.socket import AgentSocket


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """GET /health. `uptime` in seconds; `active_connections` counts the WebSockets that are open."""

    status: str
    service: str
    active_connections: int
    registered_agents: int
    timestamp: str
    uptime: float
    version: str


def answer(gateway: "Gateway", sock: "AgentSocket", head: bytes) -> Response | bytes:
    """The answer to the request that `sock` began with: a page, a refusal, or the bytes that accept an upgrade."""
    method, path = _request_line(head)
    parsed = _parsed(head)
    if path == PATH:
        if isinstance(parsed, Exception):
            return _refuse(gateway, sock, pages.unparsed(method, parsed))
        return _upgrade(gateway, sock, parsed)
    # The library does not parse everything, a POST with a body for example.
    request = parsed if isinstance(parsed, Request) else None
    if path in ("/health", "/metrics") and method in ("GET", "HEAD"):
        body, kind = _page(gateway, path)
        return pages.respond(200, body, kind, head_only=method == "HEAD")
    upgrade = request is not None and bool(request.headers.get_all("Sec-WebSocket-Key"))
    return _refuse(gateway, sock, pages.wrong_path(path, upgrade=upgrade), request)


def _parsed(head: bytes) -> Request | Exception:
    reader = StreamReader()
    reader.feed_data(head)
    reader.feed_eof()
    try:
        next(Request.parse(reader.read_line))
    except StopIteration as parsed:
        request: Request = parsed.value
        return request
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is wrong with the request
        return error
    raise AssertionError("unreachable: there is no more to read")


def _request_line(head: bytes) -> tuple[str, str]:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    path = words[1].partition("?")[0] if len(words) > 1 else ""
    if path.startswith(
        ("http://", "https://")
    ):  # the form for proxies, which every server has to take (RFC 9112, 3.2.2)
        path = "/" + path.partition("//")[2].partition("/")[2]
    return words[0], path


def _page(gateway: "Gateway", path: str) -> tuple[bytes, str]:
    if path == "/metrics":
        return metrics.exposition(gateway), "text/plain; version=0.0.4; charset=utf-8"
    _, wall = gateway.now()
    health = Health(
        status="draining" if gateway.draining else "healthy",
        service="websocket-gateway",
        active_connections=gateway.websockets_open(),
        registered_agents=len(gateway.live),
        timestamp=rfc3339_seconds(int(wall)),
        uptime=round(gateway.uptime_s(), 3),
        version=version("holdfast"),
    )
    return msgspec.json.encode(health) + b"\n", "application/json"


def _upgrade(gateway: "Gateway", sock: "AgentSocket", request: Request) -> Response | bytes:
    gateway.entrance.identify_origin(sock, request.headers)
    wrong = pages.upgrade_problem(request.method, request.protocol, request.headers) or gateway.entrance.refusal(sock)
    if wrong is not None:
        return _refuse(gateway, sock, wrong, request)
    accepted = pages.accept_value(request.headers)
    if accepted is None:
        return _refuse(gateway, sock, pages.key_problem(request.headers), request)
    nonce = new_challenge(os.urandom(RANDOM_BYTES))
    user_agent = _user_agent(request)
    claimed = (request.headers.get_all("X-Agent-ID") or [""])[0][:255]
    core = Connection(
        attempt=sock.attempt,
        peer=sock.peer,
        nonce=nonce,
        profile=choose_profile(user_agent, gateway.settings.compatibility),
        settings=gateway.settings,
        challenges=gateway.challenges,
        mono=gateway.mono(),
        claimed_host=claimed or None,
    )
    sock.upgraded(core)
    profile = core.session.answers.profile.name
    facts: dict[str, Fact] = {"user_agent": user_agent, "profile": profile, **_marks_of_proxies(request, sock.proxy)}
    gateway.note(sock, EventKind.UPGRADED, facts, step=Step.UPGRADE)
    gateway.wheel.schedule(sock, core.watch.wake_at)
    own = {ATTEMPT_HEADER: sock.attempt, CHALLENGE_HEADER: nonce}
    return pages.switching_protocols(accepted, own, second=int(gateway.wall()))


def _refuse(gateway: "Gateway", sock: "AgentSocket", wrong: Problem, request: Request | None = None) -> Response:
    user_agent = _user_agent(request) if request is not None else None
    facts: dict[str, Fact] = {
        "what": wrong.what, "why": wrong.why, "fix": wrong.fix, "user_agent": user_agent,
        "retry_after_s": wrong.retry_after_s, **wrong.evidence,
    }  # fmt: skip
    gateway.note(sock, EventKind.HANDSHAKE_FAILED, facts, code=wrong.code, step=Step.TCP)
    return pages.refusal(wrong, sock.attempt, head_only=request is not None and request.method == "HEAD")


def _user_agent(request: Request) -> str:
    return "".join(request.headers.get_all("User-Agent")[:1])[:256]


def _marks_of_proxies(request: Request, proxy: str | None) -> dict[str, Fact]:
    """What proxies add to a request. Anybody can: it says whom we may be talking to, and decides nothing."""
    headers = request.headers
    marks: dict[str, Fact] = {"via_proxy": proxy} if proxy else {}
    if found := [name for name in PROXY_MARKS if name in headers]:
        via = ", ".join(f"{name}: {headers.get_all(name)[0][:60]}" for name in found)
        marks["via"] = printable(via, 200)
    return marks
