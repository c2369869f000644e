"""Frames in: the messages they make, and the ones that carry nothing, counted. RFC 6455 is `websockets`' `Protocol`."""

import struct
import uuid
from typing import TYPE_CHECKING, Final, cast

from websockets.frames import Close as WsClose
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side
from websockets.protocol import State as WsState

from holdfast.faults import problem
from holdfast.gateway.arrival import SILENT_LOG
from holdfast.gateway.effects import Close, Effect, Send
from holdfast.gateway.watch import Due
from holdfast.model.events import EventKind, Fact
from holdfast.protocol.closes import CloseCode

if TYPE_CHECKING:
    from holdfast.gateway.connection import Connection
    from holdfast.gateway.server import Gateway
    from holdfast.gateway.socket import AgentSocket

LATE_PONG_S: Final = 2.0
# Frames that carry (nearly) nothing cost their sender six bytes, and us much more than that.
LIGHT_BYTES: Final = 16
LIGHT_BURST: Final = 2048
LIGHT_WITHIN_S: Final = 40.0
NAMELESS: Final = uuid.UUID(int=0)  # the library numbers connections for its log, which is off
_STAMP: Final = struct.Struct("!d")


def new_protocol(max_size: int) -> Protocol:
    """The library's half of a connection that was upgraded; messages of up to `max_size` bytes."""
    ws = Protocol(Side.SERVER, max_size=max_size, logger=SILENT_LOG)
    ws.id = NAMELESS
    return ws


def ping_stamp(mono: float) -> bytes:
    """The payload of a ping sent at `mono`: its pong brings it back."""
    return _STAMP.pack(mono)


class Frames:
    """Reads the frames of one connection. Whole messages go to the socket, floods and late pongs to the record."""

    __slots__ = ("_core", "_gateway", "_light", "_light_since", "_opcode", "_partial", "_sock", "_ws", "rtt_s")

    def __init__(self, gateway: "Gateway", sock: "AgentSocket", core: "Connection", ws: Protocol) -> None:
        self._gateway = gateway
        self._sock = sock
        self._core = core
        self._ws = ws
        self._partial: bytearray | None = None
        self._opcode = Opcode.TEXT
        self._light, self._light_since = 0, 0.0
        self.rtt_s = 0.0  # 0: no pong came yet

    @property
    def has_begun(self) -> bool:
        """Whether a message has begun and is not whole yet."""
        return self._partial is not None or bool(self._ws.reader.buffer)

    def read(self, data: bytes) -> None:
        """Take bytes from the connection."""
        ws = self._ws
        if ws.state is WsState.CLOSED:
            return
        ws.receive_data(data)
        for event in ws.events_received():
            self._frame(cast("Frame", event))

    def _frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if frame.fin:
                self._sock.message(opcode, cast("bytes", frame.data))
            else:
                self._opcode, self._partial = opcode, bytearray(frame.data)
                self._begun()
        elif opcode is Opcode.CONT:
            assert self._partial is not None
            self._partial += frame.data
            if len(frame.data) < LIGHT_BYTES:
                self._count_light()
            if frame.fin:
                whole, self._partial = self._partial, None
                self._sock.message(self._opcode, whole)
        elif opcode is Opcode.PONG:
            self._count_light()
            self._pong(cast("bytes", frame.data))
        elif opcode is Opcode.PING:
            self._pinged()
        elif opcode is Opcode.CLOSE:
            self._sock.ended_how = "close-frame"

    def _begun(self) -> None:
        """The first fragment of a message: the rest has to come in time."""
        mono = self._gateway.mono()
        self._core.watch.unfinished(mono, self._core.messages)
        due = mono + self._gateway.settings.message_s
        if due < self._sock.scheduled and not self._sock.is_leaving():
            self._gateway.wheel.schedule(self._sock, due)

    def _pinged(self) -> None:
        watch = self._core.watch
        watch.pings_seen += 1
        self._count_light()
        if watch.pings_seen == 1 and Due.SILENT in watch.told and not watch.spoke_at:
            facts: dict[str, Fact] = {"pings": 1, "messages": 0}
            self._gateway.note(self._sock, EventKind.SILENT, facts, code="LIFE-PING-ONLY")

    def _pong(self, data: bytes) -> None:
        mono = self._gateway.mono()
        self._core.watch.ponged_at = mono
        if len(data) == _STAMP.size:
            self.rtt_s = mono - _STAMP.unpack(data)[0]
            if self.rtt_s > LATE_PONG_S:
                facts: dict[str, Fact] = {"late_s": round(self.rtt_s, 3), **self._sock.tcp()}
                self._gateway.note(self._sock, EventKind.LATE_PONG, facts)

    def _count_light(self) -> None:
        self._light += 1
        if self._light >= LIGHT_BURST:
            self._flooded()

    def _flooded(self) -> None:
        """Light frames in number: neither memory nor a message limit would ever stop them."""
        mono = self._gateway.mono()
        since, self._light, self._light_since = self._light_since, 0, mono
        if mono - max(since, self._sock.opened_at) >= LIGHT_WITHIN_S or self._sock.is_leaving():
            return
        limited = problem(
            "RATE-LIMITED",
            what="the connection is flooded with frames that carry nothing",
            why=f"{LIGHT_BURST} pings, pongs or tiny fragments came within {mono - self._core.watch.opened_at:.0f} s",
            fix="Ping every few seconds at most, and send each message in one frame",
        )
        self._sock.dismiss(limited, CloseCode.TOO_FAST)
        self._sock.turn_deaf()


def last_words(ws: Protocol, close: Close, effects: list[Effect]) -> list[bytes]:
    """What is said to a peer whose bytes broke RFC 6455: what was to be sent anyway, the messages among `effects`, and
    `close` in place of the library's own close frame, which says less.
    """
    *sent, _, _ = ws.data_to_send()
    sent += [Frame(Opcode.TEXT, effect.frame).serialize(mask=False) for effect in effects if isinstance(effect, Send)]
    words = WsClose(close.code, close.reason).serialize()
    return [*sent, Frame(Opcode.CLOSE, words).serialize(mask=False)]
