"""One TCP connection to a gateway, byte for byte: nothing is checked, everything can be overridden."""

import asyncio
import base64
import contextlib
import os
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from holdfast.lab.frames import BINARY, CLOSE, PING, PONG, TEXT, close_frame, frame, take_frames
from holdfast.protocol.envelope import Envelope, decode_envelope, payload_json
from holdfast.protocol.limits import PATH

ANSWER_S: Final = 10.0
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s: the close is a reset


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect. `sockets` makes the socket, where it has to be one of another network."""

    host: str
    port: int
    path: str = PATH
    tls: ssl.SSLContext | None = None
    sockets: Callable[[], socket.socket] | None = None


class ErrorSaid(msgspec.Struct, frozen=True):
    """An `error`, as it came."""

    code: str
    title: str = ""
    detail: str = ""
    fix: str = ""
    retry_after: float | None = None


class Closed(msgspec.Struct, frozen=True):
    """The gateway's close frame."""

    code: int
    reason: str


class Wire:
    """A connection whose every byte can be chosen. A task of its own reads; `pongs` answers pings.

    `status` is that of the HTTP answer, 0 where there was none. `errors` are the gateway's complaints so far, `closed`
    its close frame, and `ended` is set when the stream is over.
    """

    def __init__(self) -> None:
        self.pongs = True
        self.status = 0
        self.head = ""
        self.errors: list[ErrorSaid] = []
        self.closed: Closed | None = None
        self.ended = asyncio.Event()
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self._messages: deque[Envelope] = deque()
        self._heard = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    # ---- the way in

    async def open(self, place: Place, *, source: str | None = None) -> None:
        """TCP and TLS alone."""
        if place.sockets is None:
            local = None if source is None else (source, 0)
            opened = await asyncio.open_connection(place.host, place.port, ssl=place.tls, local_addr=local)
        else:
            sock = place.sockets()
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (place.host, place.port))
            opened = await asyncio.open_connection(sock=sock)
        self.reader, self.writer = opened

    async def connect(
        self, place: Place, *, source: str | None = None, headers: Sequence[str] = (), drop: Sequence[str] = (),
        path: str | None = None, method: str = "GET", read: bool = True,
    ) -> "Wire":  # fmt: skip
        """Connect and ask for the upgrade; `status` tells the answer. `drop` leaves headers out, `headers` adds lines.

        Raises:
            OSError: no connection.
        """
        await self.open(place, source=source)
        await self.send_bytes(self.request(place, headers=headers, drop=drop, path=path, method=method))
        await self.read_head()
        if self.status == 101 and read:
            self.listen()
        return self

    def request(
        self, place: Place, *, headers: Sequence[str] = (), drop: Sequence[str] = (), path: str | None = None,
        method: str = "GET",
    ) -> bytes:  # fmt: skip
        """The request for the upgrade."""
        standard = {
            "Host": f"{place.host}:{place.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "User-Agent": "holdfast-lab/1.0",
        }
        lines = [f"{name}: {value}" for name, value in standard.items() if name not in drop]
        return "\r\n".join([f"{method} {path or place.path} HTTP/1.1", *lines, *headers, "", ""]).encode()

    async def read_head(self) -> None:
        """Take the HTTP answer; status 0 where there was none."""
        assert self.reader is not None
        try:
            async with asyncio.timeout(ANSWER_S):
                head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            return
        self.head = head.decode("latin-1")
        words = self.head.split(" ")
        self.status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    def header(self, name: str) -> str:
        """A header of the HTTP answer, empty where it has none."""
        lines = (line.partition(":") for line in self.head.split("\r\n"))
        return next((value.strip() for key, _, value in lines if key.lower() == name.lower()), "")

    # ---- hearing

    def listen(self) -> None:
        """Read from now on."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    def stop_reading(self) -> None:
        """Read no more: what arrives fills the kernel's buffer."""
        self._stop_listening()
        if self.writer is not None:
            transport = self.writer.transport
            assert isinstance(transport, asyncio.ReadTransport)
            transport.pause_reading()

    def read_on(self) -> None:
        """Read again."""
        if self.writer is not None:
            transport = self.writer.transport
            assert isinstance(transport, asyncio.ReadTransport)
            transport.resume_reading()
        self.listen()

    async def _listen(self) -> None:
        assert self.reader is not None
        buffer = bytearray()
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(65_536):
                buffer += data
                for opcode, payload in take_frames(buffer):
                    await self._take(opcode, payload)
        self.ended.set()
        self._heard.set()

    async def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING and self.pongs:
            await self.send_frame(payload, PONG)
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.closed = Closed(code, payload[2:].decode("utf-8", "replace"))
            with contextlib.suppress(ConnectionError):
                await self.send_frame(payload[:2], CLOSE)
            self._heard.set()
        elif opcode in (TEXT, BINARY):
            message = decode_envelope(payload)
            if message.type == "error":
                self.errors.append(msgspec.json.decode(payload_json(message.payload), type=ErrorSaid))
            self._messages.append(message)
            self._heard.set()

    async def answer(self, within_s: float = ANSWER_S) -> Envelope | None:
        """The next message that is no ack; None where the connection ends or nothing comes."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    while self._messages:
                        message = self._messages.popleft()
                        if message.type != "ack":
                            return message
                    if self.closed is not None or self.ended.is_set():
                        return None
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            return None

    async def wait_closed(self, within_s: float = ANSWER_S) -> None:
        """Until the other side has closed, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.ended.wait()

    # ---- speaking

    async def send_bytes(self, data: bytes) -> None:
        """These bytes, as they are."""
        assert self.writer is not None
        self.writer.write(data)
        await self.writer.drain()

    async def send_frame(
        self, data: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, mask: bool = True
    ) -> None:
        """One frame of any kind."""
        await self.send_bytes(frame(data, opcode, fin=fin, rsv=rsv, mask=mask))

    async def send_text(self, text: str | bytes) -> None:
        """One text message."""
        await self.send_frame(text if isinstance(text, bytes) else text.encode())

    # ---- leaving

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """A close frame, and the end of the stream when the other side has answered."""
        with contextlib.suppress(ConnectionError):
            await self.send_bytes(close_frame(code, reason))
        await self.wait_closed(3.0)
        await self.drop()

    async def drop(self) -> None:
        """End the TCP connection (FIN) without a word."""
        self._stop_listening()
        if self.writer is not None:
            self.writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self.writer.wait_closed()

    async def reset(self) -> None:
        """End the TCP connection by RST."""
        self._stop_listening()
        if self.writer is not None:
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.writer.transport.abort()

    def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
