"""A WebSocket client byte by byte (RFC 6455), for what libraries never do and networks sometimes do."""

import base64
import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
CONTINUATION: Final = 0x0

FIN: Final = 0x80
TIMEOUT_S: Final = 15.0


def frame(
    data: bytes, *, opcode: int = TEXT, fin: bool = True, mask: bytes | None = None, masked: bool = True
) -> bytes:
    """One frame of a client. `mask` is random where it is not given; `masked=False` breaks the protocol."""
    head = bytes([(FIN if fin else 0) | opcode])
    bit = 0x80 if masked else 0
    if len(data) < 126:
        head += bytes([bit | len(data)])
    elif len(data) < 65_536:
        head += bytes([bit | 126]) + struct.pack(">H", len(data))
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", len(data))
    if not masked:
        return head + data
    key = os.urandom(4) if mask is None else mask
    return head + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(data))


def fragments(data: bytes, sizes: int, *, between: bytes = b"") -> bytes:
    """`data` as a text message in fragments of `sizes` bytes, with the frames `between` after each but the last."""
    parts = [data[place : place + sizes] for place in range(0, len(data), sizes)]
    last = len(parts) - 1
    return b"".join(
        frame(part, opcode=TEXT if place == 0 else CONTINUATION, fin=place == last)
        + (between if place != last else b"")
        for place, part in enumerate(parts)
    )


def upgrade(port: int, lines: Sequence[str] | None = None, *, target: str = "/ws/agent") -> bytes:
    """The request of the handshake; `lines` replace the headers that ask for the upgrade, `KEY` in them is a key."""
    key = base64.b64encode(os.urandom(16)).decode()
    asked = lines or [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: KEY",
        "Sec-WebSocket-Version: 13",
    ]
    head = [f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(line.replace("KEY", key) for line in asked)]
    return "\r\n".join([*head, "", ""]).encode()


class RawSocket:
    """A connection that sends the bytes it is given and reads whole frames."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self.bytes_sent = self.bytes_received = 0

    def send(self, data: bytes, *, piece: int = 0) -> None:
        """Send `data`, in TCP segments of `piece` bytes where that is not 0."""
        self.bytes_sent += len(data)
        if not piece:
            self._socket.sendall(data)
            return
        for place in range(0, len(data), piece):
            self._socket.sendall(data[place : place + piece])
            time.sleep(0)  # noqa: TID251 - lets the other side read each piece by itself

    def head(self) -> str:
        """The response's status line and headers."""
        while b"\r\n\r\n" not in self._received:
            self._read()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def rest(self) -> bytes:
        """Everything until the other side closes."""
        try:
            while True:
                self._read()
        except ConnectionError:
            return self._received

    def open(self, request: bytes, *, piece: int = 0) -> str:
        """Perform the handshake; returns the head of the 101."""
        self.send(request, piece=piece)
        head = self.head()
        assert head.startswith("HTTP/1.1 101 "), head + self.rest().decode("utf-8", "replace")
        return head

    def next_frame(self) -> tuple[int, bytes]:
        """Opcode and data of the next frame; a server's frames are not masked."""
        self._need(2)
        size, start = self._received[1], 2
        assert size & 0x80 == 0, "a server must not mask"
        if size == 126:
            self._need(4)
            size, start = struct.unpack(">H", self._received[2:4])[0], 4
        elif size == 127:
            self._need(10)
            size, start = struct.unpack(">Q", self._received[2:10])[0], 10
        self._need(start + size)
        opcode, data = self._received[0] & 0x0F, self._received[start : start + size]
        self._received = self._received[start + size :]
        return opcode, data

    def next_text(self) -> str:
        """The next text message; pings are answered on the way, a close fails."""
        while True:
            opcode, data = self.next_frame()
            if opcode == PING:
                self.send(frame(data, opcode=PONG))
            elif opcode == TEXT:
                return data.decode()
            else:
                assert opcode == PONG, f"opcode {opcode}: {data!r}"

    def next_close(self) -> tuple[int, str]:
        """Code and reason of the close that has to come; messages before it are passed over."""
        while True:
            opcode, data = self.next_frame()
            if opcode == CLOSE:
                return struct.unpack(">H", data[:2])[0], data[2:].decode()

    def close(self) -> None:
        self._socket.close()

    def _need(self, size: int) -> None:
        while len(self._received) < size:
            self._read()

    def _read(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError("the other side closed the connection")
        self._received += data
        self.bytes_received += len(data)


@contextmanager
def raw_socket(port: int) -> Iterator[RawSocket]:
    """A raw socket that is closed at the end."""
    opened = RawSocket(port)
    try:
        yield opened
    finally:
        opened.close()
