"""What it means when the upgrade was answered with anything but 101, or by somebody else than the gateway."""

from collections.abc import Mapping
from typing import Final

import msgspec

from holdfast.faults.catalogue import CATALOGUE, problem
from holdfast.faults.problem import Problem, printable

BY_STATUS: Final[Mapping[int, str]] = {
    200: "PXY-HTML-200",
    400: "PXY-UPGRADE-STRIPPED",
    401: "WS-AUTH-401",
    403: "PXY-WAF-403",
    404: "WS-WRONG-PATH",
    405: "WS-METHOD",
    407: "PXY-AUTH-407",
    421: "TLS-SNI-MISSING",
    426: "PXY-UPGRADE-STRIPPED",
    429: "WS-RATE-429",
    502: "PXY-BAD-GATEWAY",
    503: "WS-UNAVAILABLE-503",
    504: "PXY-BAD-GATEWAY",
}
REDIRECTS: Final = frozenset({300, 301, 302, 303, 307, 308})
PLAIN_TO_TLS: Final = b"plain HTTP request was sent to HTTPS port"  # nginx's words for TLS-PLAIN-TO-TLS
MAX_BODY_BYTES: Final = 64 * 1024


class GatewayAnswer(msgspec.Struct, frozen=True):
    """The body with which a Holdfast gateway refuses an upgrade; RFC 9457 or its older sibling, only `code` certain."""

    code: str
    title: str = ""
    detail: str = ""
    fix: str = ""
    retry_after: float | None = None


def http_problem(status: int, headers: Mapping[str, str], body: bytes, *, target: str) -> Problem:
    """The fault behind an HTTP answer to the upgrade. `headers` has lower-case names, `target` is `host:port`."""
    retry_after_s = _seconds(headers.get("retry-after", ""))
    evidence: dict[str, str | int] = {"status": status, "server": printable(headers.get("server", ""), 60)}
    own = _own_answer(body)
    if own is not None:
        return problem(
            own.code,
            what=printable(own.title, 200) or None,
            why=printable(own.detail, 300) or None,
            fix=printable(own.fix, 200) or None,
            retry_after_s=own.retry_after if own.retry_after is not None else retry_after_s,
            evidence=evidence,
        )
    why = f"{target} answered the upgrade with HTTP {status}" + _from(headers)
    if status in REDIRECTS:
        place = printable(headers.get("location", "nowhere"), 120)
        return problem("PXY-REDIRECT-HTTPS", why=f"{why}, pointing to {place}", evidence=evidence)
    if PLAIN_TO_TLS in body[:MAX_BODY_BYTES]:
        return problem("TLS-PLAIN-TO-TLS", why=f"{why}: it wants TLS", evidence=evidence)
    return problem(_code(status), why=why, retry_after_s=retry_after_s, evidence=evidence)


def proxy_problem(status: int, headers: Mapping[str, str], *, target: str) -> Problem:
    """The fault behind a forward proxy's refusal of CONNECT to `target`."""
    code = {407: "PXY-AUTH-407", 502: "PXY-ENV-PROXY", 503: "PXY-ENV-PROXY", 504: "PXY-ENV-PROXY"}
    why = f"the forward proxy answered CONNECT {target} with HTTP {status}" + _from(headers)
    return problem(code.get(status, "PXY-CONNECT-DENIED"), why=why, evidence={"status": status})


def _code(status: int) -> str:
    if status in BY_STATUS:
        return BY_STATUS[status]
    return "PXY-BAD-GATEWAY" if status >= 500 else "PXY-WAF-403" if status >= 400 else "PXY-HTML-200"


def _own_answer(body: bytes) -> GatewayAnswer | None:
    try:
        answer = msgspec.json.decode(body[:MAX_BODY_BYTES], type=GatewayAnswer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return answer if answer.code in CATALOGUE else None


def _from(headers: Mapping[str, str]) -> str:
    server = printable(headers.get("server", ""), 60)
    return f" (server: {server})" if server else ""


def _seconds(text: str) -> float | None:
    """The seconds of a Retry-After header; its other form, a date, is read as none: a host's clock may be wrong."""
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None
