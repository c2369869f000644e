"""How a connection ended, and what a breach of RFC 6455 was: pure readings of the library's state."""

from websockets.frames import Close as WsClose
from websockets.protocol import Protocol

from holdfast.faults import Problem, printable, problem
from holdfast.gateway.watch import Watch
from holdfast.model.events import Fact
from holdfast.protocol.closes import CloseCode

NO_CLOSE_FRAME = 1006  # never on the wire: it says that no close frame came (RFC 6455, 7.4.1)


def violation(code: int, reason: str) -> Problem | None:
    """The fault behind the close frame with which the library answered bad bytes; None where it was no such fault."""
    if code == CloseCode.PROTOCOL_ERROR:
        return problem("WS-EXTENSION" if "reserved bits" in reason else "LIFE-PROTOCOL-1002", why=reason)
    if code == CloseCode.INVALID_DATA:
        return problem("MSG-BAD-UTF8", why=reason)
    if code == CloseCode.TOO_BIG:
        return problem("MSG-TOO-BIG", why=f"{reason}; base64 makes a payload a third larger")
    return None


def ending(ws: Protocol, *, how: str, by_gateway: bool) -> dict[str, Fact]:
    """The facts of the end: `how` the TCP connection went, the close code and reason, and who closed first."""
    close: WsClose | None = ws.close_rcvd or ws.close_sent
    if by_gateway and ws.close_sent is not None:
        close = ws.close_sent
    closed_by = "gateway" if by_gateway else "agent" if ws.close_rcvd is not None else "nobody"
    return {
        "how": how,
        "close_code": int(close.code) if close is not None else NO_CLOSE_FRAME,
        "close_reason": printable(close.reason, 123) if close is not None else "",
        "closed_by": closed_by,
    }


def last_moments(watch: Watch, *, opened_at: float, mono: float) -> dict[str, Fact]:
    """How old the connection was and how long ago each side last spoke, in seconds; None where it never did.

    `heard_s` counts any frame, `quiet_s` messages alone. Computed once, at the end: a living connection pays nothing.
    """
    began = watch.opened_at
    return {
        "age_s": round(mono - opened_at, 3),
        "heard_s": round(mono - watch.heard_at, 3),
        "quiet_s": round(mono - watch.spoke_at, 3) if watch.spoke_at else None,
        "pinged_s": round(mono - watch.pinged_at, 3) if watch.pinged_at > began else None,
        "ponged_s": round(mono - watch.ponged_at, 3) if watch.ponged_at > began else None,
        "pings": watch.pings_seen,
    }
