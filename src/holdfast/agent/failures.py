"""From an exception or a close to the named problem behind it: one table for the agent and for `holdfast doctor`.

Pure: nothing is looked up, resolved or dialled. What a probe could tell more exactly is the doctor's business.
"""

import errno
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHeader,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    PayloadTooBig,
    ProxyError,
    SecurityError,
)

from holdfast.agent.http_answers import http_problem, proxy_problem
from holdfast.agent.tls_failures import tls_problem
from holdfast.faults.catalogue import CATALOGUE, problem
from holdfast.faults.problem import HoldfastError, Problem, printable
from holdfast.protocol.closes import CloseCode
from holdfast.protocol.limits import PATH


class Stage(StrEnum):
    """How far an attempt had come when it failed, as far as the caller knows."""

    RESOLVING = "resolving the name"
    CONNECTING = "connecting"
    SECURING = "the TLS handshake"
    UPGRADING = "the upgrade to WebSocket"


WRAPPED: Final = re.compile(r"""^[\s"'<>`]+|[\s"'<>`]+$""")
BY_ERRNO: Final[Mapping[int, str]] = {
    errno.ECONNREFUSED: "NET-CONN-REFUSED",
    errno.ETIMEDOUT: "NET-CONN-TIMEOUT",
    errno.ENETUNREACH: "NET-UNREACHABLE",
    errno.EHOSTUNREACH: "NET-UNREACHABLE",
    errno.ENETDOWN: "NET-UNREACHABLE",
    errno.EADDRNOTAVAIL: "NET-UNREACHABLE",
    errno.EPERM: "NET-UNREACHABLE",  # the host's own firewall
    errno.EACCES: "NET-UNREACHABLE",
    errno.ECONNRESET: "NET-FW-RST",
    errno.ECONNABORTED: "NET-FW-RST",
    errno.EPIPE: "NET-FW-RST",
}
BY_GAI: Final[Mapping[int, str]] = {socket.EAI_AGAIN: "NET-DNS-TIMEOUT", socket.EAI_FAIL: "NET-DNS-TIMEOUT"}
BY_STAGE: Final[Mapping[Stage, str]] = {
    Stage.RESOLVING: "NET-DNS-TIMEOUT",
    Stage.CONNECTING: "NET-CONN-TIMEOUT",
    Stage.SECURING: "TLS-TLS-TO-PLAIN",
    Stage.UPGRADING: "WS-HANDSHAKE-SLOW",
}
BY_CLOSE: Final[Mapping[int, str]] = {
    CloseCode.NORMAL: "LIFE-CLOSED-1000",
    CloseCode.GOING_AWAY: "LIFE-GOING-AWAY-1001",
    CloseCode.PROTOCOL_ERROR: "LIFE-PROTOCOL-1002",
    1003: "LIFE-UNSUPPORTED-1003",
    CloseCode.INVALID_DATA: "MSG-BAD-UTF8",
    1008: "LIFE-POLICY-1008",
    CloseCode.TOO_BIG: "MSG-TOO-BIG",
    CloseCode.INTERNAL: "LIFE-INTERNAL-1011",
    CloseCode.RESTART: "LIFE-RESTART-1012",
    CloseCode.TRY_LATER: "LIFE-OVERLOAD-1013",
    CloseCode.BAD_MESSAGES: "MSG-NOT-JSON",
    CloseCode.REGISTER_FIRST: "REG-INIT-MISSING",
    CloseCode.TIMEOUT: "LIFE-NO-HEARTBEAT",
    CloseCode.TOO_FAST: "RATE-LIMITED",
    CloseCode.DENIED: "ID-REVOKED",
    CloseCode.REPLACED: "LIFE-DUPLICATE-SESSION",
}


def target_of(url: str) -> str:
    """`host:port` of an agent's URL, for sentences; never its user, password or query."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme in ("wss", "https") else 80)
        return printable(f"{parts.hostname or '?'}:{port}", 120)
    except ValueError:
        return "the configured URL"


def _seen(url: str, bare: str) -> str:
    """The characters around a URL, as they can be shown."""
    at = url.index(bare) if bare else 0
    return " and ".join(dict.fromkeys(repr(mark) for mark in (url[:at], url[at + len(bare) :]) if mark))


def url_problem(url: str) -> Problem | None:
    """WS-WRONG-SCHEME where `url` is not one an agent can dial. The URL itself is not repeated: it may hold secrets."""
    if (bare := WRAPPED.sub("", url)) != url:
        why = "the URL has quotes or white space around it, which a shell or a settings file left there"
        fix = f"Take {_seen(url, bare)} away from around the URL"
        return problem("WS-WRONG-SCHEME", what="the agent's URL cannot be read", why=why, fix=fix)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError as error:
        return problem("WS-WRONG-SCHEME", what="the agent's URL cannot be read", why=printable(str(error)))
    if usable:
        return None
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme)
    if scheme is not None:
        why = f"the URL begins with {parts.scheme}://, which is for web pages and APIs"
        return problem("WS-WRONG-SCHEME", why=why, fix=f"Use {scheme}://{target_of(url)}{PATH}")
    why = f"expected ws:// or wss:// with a host and no fragment, got scheme {printable(parts.scheme, 20)!r}"
    fix = f"Use a URL such as wss://gateway.example{PATH}"
    return problem("WS-WRONG-SCHEME", what="the agent's URL is not one of a gateway", why=why, fix=fix)


def dial_problem(error: BaseException, *, url: str, stage: Stage = Stage.CONNECTING) -> Problem:
    """Why no connection came about. `stage` decides what a timeout means; other errors say it themselves.

    Total: an error that nobody foresaw becomes LIFE-INTERNAL-1011 with its text.
    """
    target = target_of(url)
    match error:
        case HoldfastError():
            return error.problem
        case ssl.SSLError():
            return tls_problem(error, target=target)
        case socket.gaierror():
            return _name_problem(error, target)
        case TimeoutError() if error.errno is None:
            return _timeout_problem(stage, target)
        case OSError():
            return _network_problem(error, target, tls=url.startswith("wss:"))
        case _:
            return _handshake_problem(error, url, target)


def loss_problem(error: ConnectionClosed) -> Problem:
    """Why an open connection ended: from the gateway's close frame, or from there being none."""
    received, sent = error.rcvd, error.sent
    if received is not None:
        return close_problem(received.code, received.reason)
    for cause in _causes(error):
        if isinstance(cause, PayloadTooBig):
            return problem(
                "MSG-TOO-BIG", what="the gateway sent a message larger than this agent takes", why=str(cause)
            )
    if sent is not None and "keepalive" in sent.reason:
        why = "a ping stayed without its pong: the path is cut without notice, or the gateway hangs"
        return problem("LIFE-HALF-OPEN", what="the gateway stopped answering", why=why)
    if sent is not None:
        return problem(BY_CLOSE.get(sent.code, "LIFE-PROTOCOL-1002"), why=f"we closed with {sent.code}: {sent.reason}")
    why = "the connection ended without a close frame: the gateway or something between was stopped or cut"
    fix = "Nothing on this host: the agent comes back by itself. The gateway's log tells why it ended"
    return problem("LIFE-NO-CLOSE-FRAME", what="the connection ended without goodbye", why=why, fix=fix)


def close_problem(code: int, reason: str) -> Problem:
    """What a close frame says. A reason `FAULT-CODE: fix`, as Holdfast gives it, says it exactly."""
    named, _, fix = reason.partition(": ")
    why = f"the gateway closed with {code}: {printable(reason, 130) or 'no reason given'}"
    if named in CATALOGUE:
        return problem(named, why=why, fix=printable(fix, 130) or None, evidence={"close_code": code})
    found = BY_CLOSE.get(code, "LIFE-POLICY-1008")
    return problem(found, why=why, evidence={"close_code": code})


def _name_problem(error: socket.gaierror, target: str) -> Problem:
    code = BY_GAI.get(error.errno or 0, "NET-DNS-NXDOMAIN")
    why = f"looking up the host of {target} failed: {printable(error.strerror or str(error), 120)}"
    return problem(code, why=why, evidence={"target": target, "errno": error.errno})


def _timeout_problem(stage: Stage, target: str) -> Problem:
    why = f"{stage} ({target}) took longer than the agent waits"
    return problem(BY_STAGE[stage], why=why, evidence={"target": target, "stage": stage.value})


def _network_problem(error: OSError, target: str, *, tls: bool) -> Problem:
    said = printable(error.strerror or str(error) or type(error).__name__, 200)
    numbers = {error.errno} if error.errno is not None else {int(n) for n in re.findall(r"\[Errno (\d+)\]", str(error))}
    # Of several addresses the one that was reached says most: a refusal beats a missing IPv6 route.
    codes = [code for number, code in BY_ERRNO.items() if number in numbers]
    if codes in (["NET-FW-RST"], []) and isinstance(error, ConnectionError) and tls:
        why = f"{target} hung up during the TLS handshake: it speaks no TLS, or shares no TLS version with us ({said})"
        return problem("TLS-TLS-TO-PLAIN", why=why, evidence={"target": target})
    code = codes[0] if codes else "NET-FW-RST" if isinstance(error, ConnectionError) else "NET-UNREACHABLE"
    return problem(code, why=f"connecting to {target} failed: {said}", evidence={"target": target})


def _handshake_problem(error: BaseException, url: str, target: str) -> Problem:
    match error:
        case InvalidStatus():
            answer = error.response
            return http_problem(answer.status_code, _lower(answer.headers), bytes(answer.body or b""), target=target)
        case InvalidProxyStatus():
            return proxy_problem(error.response.status_code, _lower(error.response.headers), target=target)
        case InvalidURI():
            # A redirect that the library refused to follow, since the URL that was configured had been checked.
            place = printable(error.uri, 120)
            return url_problem(url) or problem("PXY-REDIRECT-HTTPS", why=f"{target} redirects to {place}")
        case SecurityError():
            return problem("PXY-REDIRECT-HTTPS", why=f"{target}: {printable(str(error), 120)}")
        case ProxyError() | InvalidProxy():
            return problem("PXY-ENV-PROXY", why=f"the proxy from the environment failed: {printable(str(error), 120)}")
        case InvalidUpgrade():
            return problem("PXY-UPGRADE-STRIPPED", why=f"the 101 answer of {target} is incomplete: {error}")
        case InvalidHeader() if error.name.lower() == "sec-websocket-protocol":
            return problem("WS-SUBPROTOCOL", why=str(error))
        case InvalidHeader():
            return problem("WS-BAD-ACCEPT", why=f"{target}: {printable(str(error), 120)}")
        case NegotiationError():
            return problem("WS-EXTENSION", why=f"{target}: {printable(str(error), 120)}")
        case InvalidMessage():
            return _no_http_problem(error, url, target)
        case _:
            said = printable(f"{type(error).__name__}: {error}", 200)
            return problem("LIFE-INTERNAL-1011", what="the agent met an error it does not know", why=said)


def _no_http_problem(error: InvalidMessage, url: str, target: str) -> Problem:
    causes = list(_causes(error))
    said = " ".join(str(cause) for cause in causes)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return tls_problem(next(cause for cause in causes if isinstance(cause, ssl.SSLError)), target=target)
    # A TLS listener answers a plain request with an alert: 7 bytes without a line end, and hangs up.
    if url.startswith("ws:") and "ends after 7 bytes" in said:
        return problem("TLS-PLAIN-TO-TLS", why=f"{target} answered with 7 bytes, as long as a TLS alert, and hung up")
    if url.startswith("wss:"):
        why = f"{target} ended the connection after the TLS handshake, before any HTTP answer"
        return problem("TLS-CLIENT-CERT", why=why)
    why = f"{target} ended the connection before any HTTP answer"
    return problem("NET-FW-RST", why=f"{why}: {printable(said, 120)}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(8):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__


def _lower(headers: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.raw_items()}
