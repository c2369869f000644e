"""Frames of a client, made by hand (RFC 6455, 5.2)."""

import os
import struct
from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA


def head(size: int, *, opcode: int = TEXT, fin: bool = True) -> bytes:
    """The start of a masked frame of `size` bytes, up to its mask."""
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        return struct.pack("!BB", first, 0x80 | size)
    if size < 65_536:
        return struct.pack("!BBH", first, 0x80 | 126, size)
    return struct.pack("!BBQ", first, 0x80 | 127, size)


def frame(data: bytes, *, opcode: int = TEXT, fin: bool = True) -> bytes:
    """A whole frame with a mask of its own."""
    mask = os.urandom(4)
    key = mask * (len(data) // 4 + 1)
    masked = bytes(a ^ b for a, b in zip(data, key, strict=False))
    return head(len(data), opcode=opcode, fin=fin) + mask + masked
