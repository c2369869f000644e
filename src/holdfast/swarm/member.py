"""One agent of the swarm: it connects, registers or resumes, beats, and comes back with full jitter."""

import asyncio
import random
import socket
import time
from collections.abc import Callable
from enum import Enum
from typing import Final, cast

from holdfast.agent.backoff import Backoff, comes_back
from holdfast.protocol.closes import CloseCode
from holdfast.protocol.envelope import Envelope, NotAnEnvelope, decode_envelope
from holdfast.protocol.limits import HEARTBEAT_INTERVAL_S
from holdfast.swarm import stream
from holdfast.swarm.answers import Refusal, read_challenge, read_refusal, read_standing
from holdfast.swarm.host import VERSION, Host
from holdfast.swarm.options import Destination
from holdfast.swarm.tally import Tally

DIAL_S: Final = 15.0
ANSWER_S: Final = 15.0
STABLE_S: Final = 30.0
ACK_S: Final = 5.0  # an acknowledgement later than this is missing
UNANSWERED_BEATS: Final = 3
OP_TEXT: Final = 0x81
OP_CLOSE: Final = 0x88
OP_PING: Final = 0x89
OP_PONG: Final = 0x8A


class State(Enum):
    """Where a member stands."""

    DOWN = "down"
    UPGRADING = "upgrading"
    ASKING = "asking"  # `auth`, init or complete is out
    READY = "ready"
    GONE = "gone"  # refused for good, or sent home


class Member(asyncio.Protocol):
    """The protocol of this agent's connection, one connection after another. `gone` is done after the last one."""

    def __init__(self, host: Host, to: Destination, tally: Tally, backoff: Backoff) -> None:
        self._host = host
        self._to = to
        self._tally = tally
        self._backoff = backoff
        self._loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._state = State.DOWN
        self._uid: str | None = None
        self._failures = 0
        self._ready_at = 0.0
        self._interval_s = HEARTBEAT_INTERVAL_S
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._beaten_at: float | None = None  # when the heartbeat was sent that waits for its ack
        self._unanswered = 0
        self._announced: Refusal | None = None
        self._ending = ""

    # ---- coming and going

    def dial(self) -> None:
        """Connect, now."""
        if self._state is State.DOWN:
            self._dialling = self._loop.create_task(self._dial())

    def leave(self) -> None:
        """Say goodbye (1001), and do not come back."""
        was, self._state = self._state, State.GONE
        self._cancel_timer()
        if self._dialling is not None:
            self._dialling.cancel()
        if self._transport is not None and was in (State.ASKING, State.READY):
            self._transport.write(stream.close(CloseCode.GOING_AWAY, "the swarm was stopped"))
        elif self._transport is not None:
            self._transport.abort()
        elif not self.gone.done():
            self.gone.set_result(None)

    async def _dial(self) -> None:
        to = self._to
        source = None if self._host.address is None else (self._host.address, 0)
        try:
            async with asyncio.timeout(DIAL_S):
                await self._loop.create_connection(lambda: self, to.host, to.port, ssl=to.tls, local_addr=source)
        except OSError as error:  # TimeoutError is one
            if self._state is State.DOWN:
                self._tally.endings[f"not connected: {error.strerror or type(error).__name__}"] += 1
                self._back_off()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._buffer.clear()
        self._beaten_at, self._unanswered, self._announced, self._ending = None, 0, None, ""
        if self._state is State.GONE:
            self._transport.abort()
            return
        sock = cast("socket.socket | None", transport.get_extra_info("socket"))
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._state = State.UPGRADING
        self._transport.write(
            stream.upgrade_request(self._to.host, self._to.port, self._to.path, agent=f"holdfast-swarm/{VERSION}")
        )
        self._wake_in(ANSWER_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        tally = self._tally
        self._transport = None
        tally.connected -= self._state in (State.ASKING, State.READY)
        tally.registered -= self._state is State.READY
        if self._state is State.GONE:
            if not self.gone.done():
                self.gone.set_result(None)
            return
        if self._beaten_at is not None and time.perf_counter() - self._beaten_at > ACK_S:
            tally.acks_missing += 1
        tally.endings[self._ending or f"lost: {type(exc).__name__ if exc else 'no close frame'}"] += 1
        if self._state is State.READY and self._loop.time() - self._ready_at >= STABLE_S:
            self._failures = 0
        self._state = State.DOWN
        self._back_off()

    def _back_off(self) -> None:
        self._failures += 1
        announced = self._announced.retry_after if self._announced is not None else None
        delay_s = self._backoff.delay_s(failures=self._failures, draw=random.random(), retry_after_s=announced)  # noqa: S311 jitter
        self._tally.reconnects += 1
        self._wake_in(delay_s, self.dial)

    def _refused_for_good(self) -> None:
        self._tally.refused += 1
        self._tally.connected -= self._state in (State.ASKING, State.READY)
        self._tally.registered -= self._state is State.READY
        self._state = State.GONE
        self._cancel_timer()

    def _give_up(self) -> None:
        """An answer or three acknowledgements did not come."""
        self._ending = f"given up: {self._state.value} without an answer"
        if self._transport is not None:
            self._transport.abort()

    def _wake_in(self, delay_s: float, call: Callable[[], None]) -> None:
        self._cancel_timer()
        self._timer = self._loop.call_later(delay_s, call)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ---- hearing

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            if self._state is State.UPGRADING and not self._upgraded():
                return
            for first, payload in stream.take_frames(self._buffer):
                self._on_frame(first, payload)
        except stream.NotFrames as error:
            self._ending = f"not a gateway: {error}"
            if self._transport is not None:
                self._transport.abort()

    def _upgraded(self) -> bool:
        answer = stream.read_answer(self._buffer)
        if answer is None:
            return False
        status, challenge, end = answer
        if status != 101:
            raise stream.NotFrames(f"HTTP {status}")
        del self._buffer[:end]
        self._state = State.ASKING
        self._tally.connected += 1
        if self._uid is not None and challenge is not None:
            self._ask(self._host.auth(self._uid, challenge, time.time()))
        else:
            self._ask(self._host.init(time.time()))
        return True

    def _on_frame(self, first: int, payload: bytes) -> None:
        if first == OP_TEXT:
            self._on_text(payload)
        elif first == OP_PING:
            self._write(stream.pong(payload))
        elif first == OP_CLOSE:
            self._on_close(payload)
        elif first != OP_PONG:
            raise stream.NotFrames(f"an unexpected frame, first byte {first:#x}")

    def _on_close(self, payload: bytes) -> None:
        code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
        named = payload[2:].decode("utf-8", "replace").partition(":")[0]
        self._ending = f"closed {code} {named[:40]}".strip()
        if self._transport is None:
            return
        self._transport.write(stream.close(code if code != 1005 else 1000))
        self._transport.close()
        if self._state is not State.GONE and not comes_back(close_code=code, fault_code=named):
            self._refused_for_good()

    def _on_text(self, payload: bytes) -> None:
        try:
            message = decode_envelope(payload)
        except NotAnEnvelope as error:
            raise stream.NotFrames("text that is no envelope") from error
        if message.type == "ack":
            self._on_ack()
        elif message.type == "error":
            self._on_error(message)
        elif message.type == "response" and self._state is State.ASKING:
            self._on_response(message)

    def _on_ack(self) -> None:
        if self._beaten_at is not None:
            self._tally.acks += 1
            self._tally.latencies_s.append(time.perf_counter() - self._beaten_at)
        self._beaten_at, self._unanswered = None, 0

    def _on_error(self, message: Envelope) -> None:
        refusal = read_refusal(message)
        self._announced = refusal
        self._tally.errors[refusal.code] += 1
        if self._state is not State.ASKING or self._transport is None:
            return
        self._ending = f"refused: {refusal.code}"
        self._write(stream.close(CloseCode.GOING_AWAY))
        self._transport.close()
        if not comes_back(close_code=None, fault_code=refusal.code):
            self._refused_for_good()

    def _on_response(self, message: Envelope) -> None:
        if message.channel == "agent.registration":
            self._ask(self._host.complete(read_challenge(message), time.time()))
            return
        standing = read_standing(message)
        if not standing.success:
            self._uid = None
            self._ask(self._host.init(time.time()))
            return
        tally = self._tally
        if message.channel == "auth":
            tally.resumptions += 1
        else:
            tally.registrations += 1
            tally.registered_once += self._uid is None
        tally.registered += 1
        self._uid = standing.agent_uid
        self._state, self._ready_at = State.READY, self._loop.time()
        self._interval_s = max(standing.heartbeat_interval, 0.1)
        self._wake_in(self._interval_s * random.random(), self._beat)  # noqa: S311 jitter

    # ---- speaking

    def _ask(self, request: bytes) -> None:
        self._write(request)
        self._wake_in(ANSWER_S, self._give_up)

    def _beat(self) -> None:
        if self._beaten_at is not None:
            self._tally.acks_missing += 1
            self._unanswered += 1
            if self._unanswered >= UNANSWERED_BEATS:
                self._give_up()
                return
        self._tally.heartbeats += 1
        self._beaten_at = time.perf_counter()  # the loop's own clock counts whole milliseconds
        self._write(self._host.heartbeat(time.time()))
        # Slightly early, each time by another amount, so that agents which started together drift apart.
        self._wake_in(self._interval_s * (0.9 + 0.1 * random.random()), self._beat)  # noqa: S311 jitter

    def _write(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)
