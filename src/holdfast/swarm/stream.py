"""The client's end of RFC 6455 as bytes: the upgrade, and whole frames out of what arrived."""

import secrets
from collections.abc import Iterator
from typing import Final

from websockets.frames import Frame, Opcode

from holdfast.protocol.envelope import encode_base64
from holdfast.protocol.limits import CHALLENGE_HEADER, MAX_MESSAGE_BYTES_REGISTERED

FIN_TEXT: Final = 0x81
MAX_HEAD: Final = 16 * 1024


class NotFrames(ValueError):
    """The server sent what this reader does not take: no HTTP answer, or a frame no gateway sends."""


def upgrade_request(host: str, port: int, path: str, *, agent: str) -> bytes:
    """The request that begins a connection; `agent` is its User-Agent."""
    at = f"[{host}]" if ":" in host else host
    key = encode_base64(secrets.token_bytes(16))
    return (
        f"GET {path} HTTP/1.1\r\nHost: {at}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nUser-Agent: {agent}\r\n\r\n"
    ).encode()


def read_answer(data: bytes | bytearray) -> tuple[int, str | None, int] | None:
    """Status, `Holdfast-Challenge` and where the frames begin; None while the head is incomplete.

    Raises:
        NotFrames: it is no HTTP answer.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > MAX_HEAD:
            raise NotFrames("an answer whose head does not end")
        return None
    lines = bytes(data[:end]).decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        raise NotFrames(f"no HTTP answer: {lines[0][:60]!r}")
    headers = (line.partition(":") for line in lines[1:])
    challenge = next((value.strip() for name, _, value in headers if name.lower() == CHALLENGE_HEADER.lower()), None)
    return int(words[1]), challenge, end + 4


def take_frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Each whole frame in `buffer` as first byte and payload; what is left of it stays there.

    Raises:
        NotFrames: a frame is masked, or larger than any message of a gateway.
    """
    at, size = 0, len(buffer)
    try:
        while size - at >= 2:
            length, head = buffer[at + 1], 2
            if length == 126:
                head = 4
            elif length == 127:
                head = 10
            elif length > 127:
                raise NotFrames("a masked frame from a server")
            if size - at < head:
                break
            if head > 2:
                length = int.from_bytes(buffer[at + 2 : at + head])
            if length > MAX_MESSAGE_BYTES_REGISTERED:
                raise NotFrames(f"a frame of {length} bytes")
            if size - at < head + length:
                break
            start, at = at, at + head + length
            yield buffer[start], bytes(buffer[start + head : at])
    finally:
        del buffer[:at]


def pong(data: bytes) -> bytes:
    """The answer to a ping."""
    return Frame(Opcode.PONG, data).serialize(mask=True)


def close(code: int, reason: str = "") -> bytes:
    """A close frame."""
    return Frame(Opcode.CLOSE, code.to_bytes(2, "big") + reason.encode()).serialize(mask=True)
