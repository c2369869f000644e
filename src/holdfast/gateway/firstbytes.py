"""What somebody speaks who has just connected, from the first bytes: HTTP, TLS, HTTP/2, or something else."""

import re
from enum import Enum
from typing import Final

from holdfast.faults import Problem, printable, problem

MAX_HEAD_BYTES: Final = 16 * 1024
HTTP_START: Final = re.compile(rb"[A-Z]{3,10} [^ \r\n]+")
H2_PREFACE: Final = b"PRI * HTTP/2.0"


class Speech(Enum):
    """The verdict on a connection's first bytes."""

    INCOMPLETE = "incomplete"
    HTTP = "http"
    FOREIGN = "foreign"


def judge(head: bytes | bytearray) -> tuple[Speech, Problem | None]:
    """What `head` (everything received so far) is; the problem names foreign speech. At most 16 KiB are ever held."""
    if head[:1] == b"\x16" and (len(head) < 2 or head[1] == 3):
        if len(head) < 6:
            return Speech.INCOMPLETE, None
        name = server_name(bytes(head))
        asked = f" for {printable(name)!r}" if name else ""
        return Speech.FOREIGN, problem(
            "TLS-TLS-TO-PLAIN",
            why=f"the first bytes are a TLS ClientHello{asked}, and this port speaks plain WebSocket",
            evidence={"server_name": printable(name) if name else None},
        )
    if head.startswith(H2_PREFACE):
        return Speech.FOREIGN, problem("PXY-H2-ONLY", why="the first bytes are the HTTP/2 preface")
    if b"\r\n\r\n" in head:
        return (Speech.HTTP, None) if HTTP_START.match(head) else _not_http(head)
    if len(head) > MAX_HEAD_BYTES:
        return Speech.FOREIGN, problem(
            "WS-PLAIN-HTTP", what="the request is too large", why=f"its headers exceed {MAX_HEAD_BYTES} bytes"
        )
    if len(head) >= 16 and not HTTP_START.match(head):
        return _not_http(head)
    return Speech.INCOMPLETE, None


def _not_http(head: bytes | bytearray) -> tuple[Speech, Problem]:
    start = printable(bytes(head[:24]).decode("latin-1"), 60)
    return Speech.FOREIGN, problem(
        "WS-PLAIN-HTTP", what="this is no HTTP request", why=f"the connection starts with {start!r}"
    )


def server_name(hello: bytes) -> str | None:
    """The server name (SNI) in a TLS ClientHello, RFC 8446 §4.1.2 and RFC 6066 §3; None where there is none."""
    try:
        at = 5 + 4 + 2 + 32  # record header, handshake header, version, random
        at += 1 + hello[at]  # session id
        at += 2 + int.from_bytes(hello[at : at + 2])  # cipher suites
        at += 1 + hello[at]  # compression methods
        end = at + 2 + int.from_bytes(hello[at : at + 2])
        at += 2
        while at + 4 <= min(end, len(hello)):
            kind, size = int.from_bytes(hello[at : at + 2]), int.from_bytes(hello[at + 2 : at + 4])
            if kind == 0:
                length = int.from_bytes(hello[at + 7 : at + 9])
                return hello[at + 9 : at + 9 + length].decode("ascii")
            at += 4 + size
    except (IndexError, UnicodeDecodeError):
        return None
    return None
