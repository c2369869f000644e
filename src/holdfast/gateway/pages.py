"""What the gateway's port answers over HTTP, and how it refuses an upgrade: always with a body that explains."""

import base64
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import msgspec
from websockets.datastructures import Headers
from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders
from websockets.http11 import Response
from websockets.utils import accept_key

from holdfast.faults import Problem, doc_path, printable, problem
from holdfast.protocol import malformed
from holdfast.protocol.limits import PATH

API_PATHS: Final = ("/agents", "/healthz", "/readyz", "/attempts", "/findings", "/tokens", "/audit", "/openapi.json")
KEY_BYTES: Final = 16
LIBRARY_LIMITS: Final = (RequestLineTooLong, HeaderLineTooLong, TooManyHeaders)
STATUS_OF: Final[Mapping[str, int]] = {
    "WS-PLAIN-HTTP": 400,
    "PXY-UPGRADE-STRIPPED": 400,
    "WS-KEY-BAD": 400,
    "WS-METHOD": 405,
    "WS-BAD-VERSION": 426,
    "WS-WRONG-PATH": 404,
    "NET-WRONG-PORT": 404,
    "WS-RATE-429": 429,
    "WS-HANDSHAKE-SLOW": 408,
    "SRV-MAX-CONNECTIONS": 503,
    "SRV-FD-LIMIT": 503,
    "WS-UNAVAILABLE-503": 503,
    "LIFE-RESTART-1012": 503,
}


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457, with our code, the fix and the attempt."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    fix: str
    attempt: str | None = None
    retry_after: float | None = None


def respond(
    status: int, body: bytes, content_type: str, extra: Mapping[str, str] | None = None, *, head_only: bool = False
) -> Response:
    """An HTTP response that ends the connection; to HEAD it has the headers of `body` alone."""
    headers = Headers(
        {
            "Date": formatdate(usegmt=True),
            "Connection": "close",
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            **(extra or {}),
        }
    )
    return Response(status, HTTPStatus(status).phrase, headers, b"" if head_only else body)


def refusal(wrong: Problem, attempt: str | None = None, *, head_only: bool = False) -> Response:
    """A `Problem` as an HTTP answer."""
    status = STATUS_OF.get(wrong.code, 400)
    body = ProblemBody(
        type=doc_path(wrong.code), title=wrong.what, status=status, detail=wrong.why, code=wrong.code, fix=wrong.fix,
        attempt=attempt, retry_after=wrong.retry_after_s,
    )  # fmt: skip
    extra = {"Holdfast-Code": wrong.code}
    if wrong.retry_after_s is not None:
        extra["Retry-After"] = str(max(1, round(wrong.retry_after_s)))
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        extra["Allow"] = "GET, HEAD"
    if status == HTTPStatus.UPGRADE_REQUIRED:
        extra["Sec-WebSocket-Version"] = "13"
    text = msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n"
    return respond(status, text, "application/problem+json", extra, head_only=head_only)


def wrong_path(path: str, *, upgrade: bool) -> Problem:
    """What a request for a path that is not ours was probably meant to be."""
    shown = printable(path)
    if any(path == known or path.startswith(known + "/") for known in API_PATHS):
        return problem(
            "NET-WRONG-PORT",
            what="this is the WebSocket gateway; the Actions API listens on another port",
            why=f"{shown!r} is a path of the Actions API, by default on port 8083",
            evidence={"path": shown},
        )
    near = malformed.nearest(path, [PATH])
    why = f"{shown!r} is not known here" + ("; it is nearly right" if near else "")
    return problem("WS-WRONG-PATH", why=why, fix=f"Use {PATH} exactly", evidence={"path": shown, "upgrade": upgrade})


def unparsed(method: str, error: Exception | None) -> Problem:
    """What is wrong with a request for the WebSocket path that the library refused to parse with `error`."""
    cause = (error.__cause__ if error is not None else None) or error
    if method not in ("GET", "HEAD") or isinstance(cause, NotImplementedError) or "body" in str(cause):
        return problem("WS-METHOD", why=f"a WebSocket begins with GET without a body, this is {printable(method, 16)}")
    if isinstance(error, LIBRARY_LIMITS):
        return problem("WS-PLAIN-HTTP", what="the request is too large", why=printable(str(error), 200))
    return problem("WS-PLAIN-HTTP", what="this is no valid HTTP request", why=printable(str(cause), 200))


def upgrade_problem(method: str, protocol: str, headers: Headers) -> Problem | None:
    """Why this request for the WebSocket path cannot be upgraded; None where the handshake may go on."""
    keys, versions = headers.get_all("Sec-WebSocket-Key"), headers.get_all("Sec-WebSocket-Version")
    if method not in ("GET", "HEAD"):
        return problem("WS-METHOD", why=f"a WebSocket begins with GET, this is {printable(method, 16)}")
    if not _has_upgrade(headers) or protocol == "HTTP/1.0":
        if keys or versions:
            via = headers.get_all("Via") or headers.get_all("X-Forwarded-For")
            why = "Sec-WebSocket-Key is there, Upgrade or Connection is not: something in between removed them"
            return problem("PXY-UPGRADE-STRIPPED", why=f"{why} ({protocol})", evidence={"via": _shown(via)})
        why = f"the endpoint is alive, and this {method} asked for no upgrade: a WebSocket client is needed"
        return problem("WS-PLAIN-HTTP", what="this is a WebSocket endpoint", why=why)
    if method == "HEAD":
        return problem("WS-METHOD", why="a WebSocket begins with GET, this is HEAD")
    if versions != ["13"]:
        return problem("WS-BAD-VERSION", why=f"Sec-WebSocket-Version is {_shown(versions) or 'missing'}, not 13")
    return None


def accept_value(headers: Headers) -> str | None:
    """What proves that we understood the upgrade (RFC 6455, 4.2.2); None where the request has not one good key."""
    keys = headers.get_all("Sec-WebSocket-Key")
    try:
        good = len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == KEY_BYTES
    except ValueError:
        good = False
    return accept_key(keys[0]) if good else None


def key_problem(headers: Headers) -> Problem:
    """WS-KEY-BAD, in the words of what was found."""
    keys = headers.get_all("Sec-WebSocket-Key")
    found = {0: "it is missing", 1: "it is not base64 of 16 bytes"}.get(len(keys), f"it came {len(keys)} times")
    return problem("WS-KEY-BAD", why=f"Sec-WebSocket-Key: {found}", evidence={"keys": _shown(keys)})


def switching_protocols(accepted: str, own: Mapping[str, str], *, second: int) -> bytes:
    """The answer that accepts an upgrade, with our own headers. `second` is Unix seconds.

    Written out here: the library's way, which checks the request a second time, takes eight times as long, and a storm
    of agents is made of this. Neither extensions nor subprotocols are ever accepted.
    """
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        f"Date: {_date(second)}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accepted}",
        *(f"{name}: {value}" for name, value in own.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _has_upgrade(headers: Headers) -> bool:
    connection = ",".join(headers.get_all("Connection")).lower()
    upgrade = ",".join(headers.get_all("Upgrade")).lower()
    return "upgrade" in [part.strip() for part in connection.split(",")] and upgrade.strip() == "websocket"


def _shown(values: list[str]) -> str | None:
    return printable(", ".join(values)) or None
