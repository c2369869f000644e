"""Reading one HTTP/1.x answer off a stream, with its bytes at hand when it is none."""

import asyncio
import re
import time
from typing import Final

import msgspec

from holdfast.faults.problem import printable

MAX_BODY_BYTES: Final = 64 * 1024
_BODY_S: Final = 2.0
_STATUS_LINE: Final = re.compile(rb"HTTP/(\d(?:\.\d)?) (\d{3})(?: ([^\r\n]*))?\r?\n")
_TITLE: Final = re.compile(rb"<title[^>]*>([^<]{1,200})", re.IGNORECASE)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Header names in lower case, repeated ones joined with a comma. `first_byte_ms` from asking to the head's end."""

    status: int
    headers: dict[str, str]
    body: bytes
    version: str = "1.1"
    first_byte_ms: float = 0.0

    @property
    def title(self) -> str:
        """The title of an HTML page, else nothing."""
        found = _TITLE.search(self.body)
        return printable(found[1].decode("utf-8", "replace").strip(), 80) if found else ""

    @property
    def is_html(self) -> bool:
        return "html" in self.headers.get("content-type", "") or self.body.lstrip()[:5].lower() in (b"<html", b"<!doc")

    @property
    def server(self) -> str:
        """Who says it answered."""
        return printable(self.headers.get("server", ""), 60)


class NotHttpError(ConnectionError):
    """The other side ended the connection without an HTTP answer; `first` is what it sent, perhaps nothing."""

    def __init__(self, first: bytes) -> None:
        said = printable(first[:24].decode("latin-1"), 60)
        super().__init__(f"instead of an HTTP answer came {said!r}" if first else "the connection ended unanswered")
        self.first = first


async def read_answer(reader: asyncio.StreamReader, method: str) -> Answer:
    """The answer to a request of `method`. The caller sets the time limit.

    Raises:
        NotHttpError: what came is none; OSError where the connection broke.
    """
    begun = time.perf_counter()
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise NotHttpError(error.partial) from error
    except asyncio.LimitOverrunError as error:
        raise NotHttpError(await reader.read(64)) from error
    first_byte_ms = (time.perf_counter() - begun) * 1000
    line = _STATUS_LINE.match(head)
    if line is None:
        raise NotHttpError(head)
    status, headers = int(line[2]), _headers(head[line.end() :])
    bodiless = method in ("HEAD", "CONNECT") or status in (101, 204, 304)
    body = b"" if bodiless and not (method == "CONNECT" and status >= 300) else await _body(reader, headers)
    return Answer(
        status=status, headers=headers, body=body, version=line[1].decode(), first_byte_ms=round(first_byte_ms, 1)
    )


def _headers(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in block.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            found[key] = f"{found[key]}, {value.strip()}" if key in found else value.strip()
    return found


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """As much of the body as comes soon; a body that stays away is no reason to lose the head."""
    length = headers.get("content-length", "")
    wanted = min(int(length), MAX_BODY_BYTES) if length.isascii() and length.isdigit() else MAX_BODY_BYTES
    body = b""
    try:
        async with asyncio.timeout(_BODY_S):
            while len(body) < wanted and (piece := await reader.read(wanted - len(body))):
                body += piece
    except (OSError, TimeoutError):
        pass
    return body
