"""The shell of one connection: bytes to events, effects to bytes. It decides nothing.

`websockets`' sans-I/O `Protocol` does RFC 6455; TLS, when on, is a layer of our own in front of it. One object
per connection, no task and no timer of its own. What frames say is read in `frames`; what is left is one class because
all of it turns on the same few things: the transport, whether a close was sent, and what waits for an answer.
"""

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING, Final, cast

from websockets.frames import Opcode
from websockets.protocol import Protocol
from websockets.protocol import State as WsState

from holdfast.faults import Problem, problem
from holdfast.gateway.arrival import Arrival
from holdfast.gateway.connection import Connection
from holdfast.gateway.effects import ASKING, Close, Effect, Ping, Record, Send
from holdfast.gateway.endings import ending, last_moments, violation
from holdfast.gateway.frames import Frames, last_words, new_protocol, ping_stamp
from holdfast.gateway.tcpinfo import tcp_info
from holdfast.gateway.tls import HandshakeFailed, TlsLayer
from holdfast.model.events import EventKind, Fact
from holdfast.protocol.closes import CloseCode

if TYPE_CHECKING:
    from holdfast.gateway.server import Gateway

CLOSE_GRACE_S: Final = 3.0
MAX_BACKLOG: Final = 32
SLICE_BYTES: Final = 16 * 1024


class AgentSocket(asyncio.Protocol):
    """One TCP connection to the gateway's port, whatever it turns out to speak."""

    __slots__ = (
        "_arrival", "_asking", "_backlog", "_closing", "_deaf", "_gateway", "_tls", "_transport", "address", "attempt",
        "bytes_in", "bytes_out", "core", "ended_how", "frames", "opened_at", "peer", "proxy", "refused_with",
        "registered_uid", "scheduled", "ws",
    )  # fmt: skip

    def __init__(self, gateway: "Gateway", attempt: str) -> None:
        self._gateway = gateway
        self.attempt = attempt
        self.core: Connection | None = None
        self.ws: Protocol | None = None
        self.frames: Frames | None = None
        self.registered_uid: str | None = None
        self.refused_with: Problem | None = None  # set before the upgrade: the answer will be this refusal
        self.address = self.peer = ""
        self.proxy: str | None = None  # the trusted proxy between us, whose word `address` and `peer` are
        self.opened_at = self.scheduled = 0.0
        self.bytes_in = self.bytes_out = 0
        self.ended_how: str | None = None
        self._transport = cast("asyncio.Transport", None)
        self._tls: TlsLayer | None = None
        self._arrival: Arrival | None = None
        self._asking = False
        self._backlog: deque[tuple[Opcode, bytes | bytearray]] | None = None
        self._closing: Close | None = None
        self._deaf = False  # nothing that still comes is read

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self.address, self.peer = peer[0], f"{peer[0]}:{peer[1]}" if ":" not in peer[0] else f"[{peer[0]}]:{peer[1]}"
        self._transport.set_write_buffer_limits(high=self._gateway.settings.limits.write_buffer_bytes)
        if self._gateway.tls is not None:
            self._tls = TlsLayer(self._gateway.tls)
        self._arrival = Arrival(self._gateway, self)
        self._gateway.opened(self)

    def data_received(self, data: bytes) -> None:
        self.bytes_in += len(data)
        arrival = self._arrival
        if arrival is not None:
            data = arrival.unwrap(data)
        if self._deaf:
            return
        if self._tls is not None:
            data = self._decrypted(self._tls, data)
        if arrival is not None:
            data = arrival.read(data) if data else data
            if self.core is None:
                return
            self._arrival = None
        if not data:
            return
        if len(data) <= SLICE_BYTES:
            self._frames(data)
            return
        for start in range(0, len(data), SLICE_BYTES):  # so that a flood is stopped before it has cost much
            if not self._deaf:
                self._frames(data[start : start + SLICE_BYTES])

    def _decrypted(self, tls: TlsLayer, data: bytes) -> bytes:
        try:
            data = tls.feed(data)
        except HandshakeFailed as failure:
            self._write(tls.outgoing())
            (self._arrival or Arrival(self._gateway, self)).tls_failed(failure)
            return b""
        if sealed := tls.outgoing():
            self._write(sealed)
        return data

    def eof_received(self) -> bool | None:
        if self.ended_how is None:
            self.ended_how = "fin"
        if self.core is not None and not self._transport.is_closing():
            self._gateway.sample(self)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.ended_how is None:
            self.ended_how = "aborted" if exc is None else "reset" if isinstance(exc, ConnectionError) else "timeout"
        if self._arrival is not None:
            self._arrival.left()
        self._gateway.closed(self)
        self.frames = None  # it refers to us: without it nobody has to collect the two as garbage

    def pause_writing(self) -> None:
        slow = problem("LIFE-SLOW-CONSUMER", why=f"{self._transport.get_write_buffer_size()} bytes wait to be read")
        self._gateway.note(self, EventKind.REFUSED, {"why": slow.why}, code=slow.code)
        self.abort("slow-consumer")

    # ---- before the upgrade

    @property
    def has_spoken(self) -> bool:
        """Whether a message came."""
        return self.core is not None and self.core.messages > 0

    @property
    def awaits_tls(self) -> bool:
        """Whether nothing can be said in the clear, and nothing yet in secret."""
        return self._tls is not None and not self._tls.ready

    def say_goodbye(self, words: bytes) -> None:
        """End a connection that is no WebSocket, after these bytes."""
        self._deaf = True
        self.ended_how = "refused"
        if words:
            self._write(self._tls.seal(words) if self._tls and self._tls.ready else words)
        self._linger()

    def upgraded(self, core: Connection) -> None:
        """The gateway accepted the upgrade: frames follow."""
        self.core = core
        self.ws = new_protocol(self._gateway.settings.limits.message_bytes_unregistered)
        self.frames = Frames(self._gateway, self, core, self.ws)

    # ---- frames in

    def _frames(self, data: bytes) -> None:
        ws, core, frames = self.ws, self.core, self.frames
        assert ws is not None
        assert core is not None
        assert frames is not None
        core.watch.heard_at = self._gateway.mono()
        if self.registered_uid is not None:
            self._gateway.registry.presence.seen(self.registered_uid, self._gateway.wall())
        frames.read(data)
        if ws.parser_exc is not None and self._closing is None:
            self._broken(ws)
        self._flush()

    def message(self, opcode: Opcode, data: bytes | bytearray) -> None:
        """A whole message came."""
        if self._closing is not None:
            return
        if self._asking:
            backlog = self._backlog = self._backlog or deque()
            backlog.append((opcode, data))
            if len(backlog) >= MAX_BACKLOG or len(data) > SLICE_BYTES:
                self._transport.pause_reading()
            return
        core = self.core
        assert core is not None
        mono, wall = self._gateway.now()
        if opcode is Opcode.TEXT:
            self.perform(core.on_text(data, mono=mono, wall=wall))
        else:
            self.perform(core.on_binary(bytes(data), mono=mono, wall=wall))

    def _broken(self, ws: Protocol) -> None:
        """The bytes broke RFC 6455: the library has answered with a close frame; say what it was."""
        close = ws.close_sent
        wrong = violation(close.code, close.reason) if close is not None else None
        if close is None or wrong is None:
            return  # the end of the stream, or our own bug: the ending tells it
        core = self.core
        assert core is not None
        _, wall = self._gateway.now()
        self._closing = Close(int(close.code), wrong.close_reason())
        self.ended_how = "closed-by-gateway"
        effects = core.on_violation(wrong, wall=wall)
        for effect in effects:
            if isinstance(effect, Record):
                self._gateway.journal.record(effect.event)
        self._send(last_words(ws, self._closing, effects))
        self._linger()

    def turn_deaf(self) -> None:
        """Read nothing that still comes, and end when what was said is taken."""
        self._deaf = True
        self._linger()

    def _linger(self) -> None:
        """Close our side only: with unread bytes a full close would be a reset, and the peer would not read why."""
        if not self._transport.is_closing():
            self._transport.write_eof()
            self._gateway.wheel.schedule(self, self._gateway.mono() + CLOSE_GRACE_S)

    # ---- effects out

    def perform(self, effects: list[Effect]) -> None:
        """Perform what the core asked for, in order; the caller flushes."""
        ws = self.ws
        assert ws is not None
        for effect in effects:
            kind = type(effect)
            if kind is Send:
                if ws.state is WsState.OPEN:
                    ws.send_text(cast("Send", effect).frame)
            elif kind is Record:
                event = cast("Record", effect).event
                if event.kind is EventKind.NO_PONG:
                    self._gateway.sample(self)  # what the kernel knows tells who is silent
                self._gateway.journal.record(event)
            elif kind is Ping:
                if ws.state is WsState.OPEN:
                    ws.send_ping(ping_stamp(self._gateway.mono()))
            elif kind is Close:
                self._begin_close(cast("Close", effect))
            else:
                assert isinstance(effect, ASKING)
                self._asking = True
                self._gateway.answering.ask(self, effect)

    def answered(self, effects: list[Effect]) -> None:
        """The answer to an asking effect: perform it, then take up what arrived meanwhile."""
        self._asking = False
        if self._transport.is_closing():
            return
        self.perform(effects)
        backlog = self._backlog
        if backlog is not None:
            while backlog and not self._asking:
                self.message(*backlog.popleft())
            if not backlog:
                self._backlog = None
                self._transport.resume_reading()
        self._flush()

    def deliver(self, effects: list[Effect]) -> None:
        """Perform effects that no message caused, and send at once."""
        if not self._transport.is_closing():
            self.perform(effects)
            self._flush()

    def dismiss(self, why: Problem, code: CloseCode) -> None:
        """Say why this connection ends, where it can be said, and end it."""
        if self.core is None:
            self.abort()
        else:
            self.deliver(self.core.on_dismissed(why, code, wall=self._gateway.wall()))

    def registered(self, uid: str, *, admitted: bool) -> None:
        """From here on this connection is that agent's; one that was let in may send larger messages."""
        self.registered_uid = uid
        if self.ws is not None and admitted:
            self.ws.max_message_size = self._gateway.settings.limits.message_bytes_registered

    def _begin_close(self, close: Close) -> None:
        ws = self.ws
        assert ws is not None
        if self._closing is not None or ws.state is not WsState.OPEN:
            return
        self._gateway.sample(self)
        self._closing = close
        self.ended_how = "closed-by-gateway"
        ws.send_close(close.code, close.reason)
        self._gateway.wheel.schedule(self, self._gateway.mono() + CLOSE_GRACE_S)

    def _flush(self) -> None:
        ws = self.ws
        assert ws is not None
        pieces = ws.data_to_send()
        if not pieces or self._transport.is_closing():
            return
        self._send(pieces)
        if not pieces[-1]:  # the library's mark for "close the TCP connection after this"
            self.hang_up()

    def _send(self, pieces: list[bytes]) -> None:
        # One write for everything that one read caused: most of a heartbeat's cost is the system call.
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if data:
            self._write(self._tls.seal(data) if self._tls is not None else data)

    def _write(self, data: bytes) -> None:
        self.bytes_out += len(data)
        self._transport.write(data)

    # ---- time

    def on_time(self, mono: float) -> float | None:
        """The wheel's call: the upgrade took too long, a close was not answered, or the core's time has come."""
        core = self.core
        if self.is_leaving() or self._transport.is_closing():
            self._transport.abort()  # closing, and its last bytes are not taken: they must not be held for ever
            return None
        if core is None:
            assert self._arrival is not None
            self._arrival.expired(mono)
            return None
        self._notice_unfinished(core, mono)
        _, wall = self._gateway.now()
        self.deliver(core.on_wake(mono=mono, wall=wall))
        return self.scheduled if self.is_leaving() else core.watch.wake_at

    def _notice_unfinished(self, core: Connection, mono: float) -> None:
        assert self.frames is not None
        if self.frames.has_begun:
            core.watch.unfinished(mono, core.messages)
        else:
            core.watch.finished()

    def abort(self, how: str = "aborted-by-gateway") -> None:
        """End the TCP connection at once."""
        self.ended_how = self.ended_how or how
        self._transport.abort()

    def send_raw(self, data: bytes) -> None:
        """Send past the core: the answer to the upgrade, and whatever a test stand wants to say."""
        if not self._transport.is_closing():
            self._send([data])

    def hang_up(self) -> None:
        """End the TCP connection as soon as what was said is sent, or cannot be sent for too long."""
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._gateway.wheel.schedule(self, self._gateway.mono() + CLOSE_GRACE_S)

    def is_leaving(self) -> bool:
        """Whether the last word was said, and only the end is awaited."""
        return self._closing is not None or self._deaf

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport.is_closing()

    # ---- facts

    @property
    def rtt_s(self) -> float:
        """Seconds from the last ping to its pong; 0 before the first."""
        return self.frames.rtt_s if self.frames is not None else 0.0

    def tcp(self) -> dict[str, int]:
        """TCP_INFO of this connection, while the socket is open."""
        return tcp_info(cast("socket.socket | None", self._transport.get_extra_info("socket")))

    def ending(self) -> dict[str, Fact]:
        """How it ended, as the event of the end tells it; for connections that were upgraded."""
        ws, core = self.ws, self.core
        assert ws is not None
        assert core is not None
        return {
            **ending(ws, how=self.ended_how or "aborted", by_gateway=self._closing is not None),
            **last_moments(core.watch, opened_at=self.opened_at, mono=self._gateway.mono()),
            "messages": core.messages,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "rtt_s": round(self.rtt_s, 4) or None,
        }
