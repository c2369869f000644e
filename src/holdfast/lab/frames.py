"""Frames as bytes, right or wrong: nothing here is checked, everything can be chosen."""

import os
from collections.abc import Iterator
from typing import Final

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def frame(data: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, mask: bool = True) -> bytes:
    """One frame (RFC 6455, 5.2). `rsv` is 0 to 7: the three reserved bits."""
    size, masked = len(data), 0x80 if mask else 0
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if size < 126:
        head += bytes([masked | size])
    elif size < 65_536:
        head += bytes([masked | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([masked | 127]) + size.to_bytes(8, "big")
    if not mask:
        return head + data
    key = os.urandom(4)
    pad = int.from_bytes((key * (size // 4 + 1))[:size], "big")
    return head + key + (int.from_bytes(data, "big") ^ pad).to_bytes(size, "big")


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame with any code, also one that must not be sent."""
    return frame(code.to_bytes(2, "big") + reason.encode(), CLOSE)


def take_frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Each whole frame of a server in `buffer` as opcode and payload; what is left of it stays there."""
    while len(buffer) >= 2:
        size, head = buffer[1] & 0x7F, 2
        if size == 126:
            head = 4
        elif size == 127:
            head = 10
        if len(buffer) < head:
            return
        if head > 2:
            size = int.from_bytes(buffer[2:head], "big")
        if len(buffer) < head + size:
            return
        opcode, payload = buffer[0] & 0x0F, bytes(buffer[head : head + size])
        del buffer[: head + size]
        yield opcode, payload
