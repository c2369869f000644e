"""A WebSocket on the doctor's own connection: the agent's library without its I/O, so that every byte and the manner
of the ending are seen."""

import asyncio
import secrets
import socket
import time
from enum import StrEnum

import msgspec
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from holdfast.doctor.wire import Wire


class Ending(StrEnum):
    """How a connection ended."""

    CLOSE_FRAME = "close frame"
    FIN = "end of stream without a close frame"
    RESET = "reset"
    BROKEN = "bytes that are no WebSocket frames"


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """`code` and `reason` are those of the close frame, or what the library said of broken bytes."""

    how: Ending
    code: int = 1006
    reason: str = ""


class Frames:
    """One open WebSocket. `pings` counts the other side's, `heard_at` is when its last frame came (monotonic)."""

    def __init__(self, wire: Wire, protocol: ClientProtocol) -> None:
        self._wire = wire
        self._protocol = protocol
        self._messages: list[bytes] = []
        self._partial: bytearray | None = None
        self.pings = 0
        self.pongs = 0
        self.heard_at = time.monotonic()
        self.ended: Ended | None = None

    @property
    def socket(self) -> socket.socket | None:
        """The socket beneath, to read the kernel's counts from."""
        found: socket.socket | None = self._wire.writer.get_extra_info("socket")
        return found

    async def send(self, text: bytes) -> None:
        """One text message.

        Raises:
            OSError: the connection is broken.
        """
        self._protocol.send_text(text)
        await self._flush()

    async def ping(self) -> bool:
        """One ping; returns when its pong has come, False where the connection ended before.

        Raises:
            OSError: the connection is broken.
        """
        pongs = self.pongs
        self._protocol.send_ping(secrets.token_bytes(8))
        await self._flush()
        while self.pongs == pongs and self.ended is None:
            await self._read()
        return self.pongs > pongs

    async def receive(self, limit_s: float) -> bytes | Ended | None:
        """The next message, the ending, or None where nothing came in time."""
        try:
            async with asyncio.timeout(limit_s):
                while not self._messages and self.ended is None:
                    await self._read()
        except TimeoutError:
            return None
        return self._messages.pop(0) if self._messages else self.ended

    async def _read(self) -> None:
        try:
            data = await self._wire.reader.read(65_536)
        except OSError as error:
            self.ended = Ended(how=Ending.RESET, reason=str(error))
            return
        if data:
            self.heard_at = time.monotonic()
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
        await self._settle(eof=not data)

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING:
            self.pings += 1
        elif frame.opcode is Opcode.PONG:
            self.pongs += 1
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._partial = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._partial is not None:
            self._partial += frame.data
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) and frame.fin and self._partial is not None:
            self._messages.append(bytes(self._partial))
            self._partial = None

    async def _settle(self, *, eof: bool) -> None:
        protocol = self._protocol
        if protocol.close_rcvd is not None:
            self.ended = Ended(how=Ending.CLOSE_FRAME, code=protocol.close_rcvd.code, reason=protocol.close_rcvd.reason)
        elif protocol.parser_exc is not None and not eof:
            self.ended = Ended(how=Ending.BROKEN, reason=str(protocol.parser_exc))
        elif eof:
            self.ended = Ended(how=Ending.FIN)
        try:
            await self._flush()
        except OSError as error:
            self.ended = self.ended or Ended(how=Ending.RESET, reason=str(error))

    async def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if piece:
                self._wire.writer.write(piece)
        await self._wire.writer.drain()

    async def goodbye(self) -> None:
        """A close frame, so that the gateway sees an orderly end; not waited for."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000, "examined")
            try:
                await self._flush()
            except OSError:
                return
