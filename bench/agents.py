"""One agent of the load generator: a bare `asyncio.Protocol` that registers and beats, with no task of its own."""

import asyncio
import re
import time
from array import array
from collections import deque
from typing import Final, cast

from bench.wire import FIN, OP_CLOSE, OP_PING, OP_PONG, OP_TEXT, Heartbeat, Identity, frame, upgrade

CHALLENGE: Final = re.compile(rb"\r\nHoldfast-Challenge: ([^\r]+)\r\n", re.IGNORECASE)


class Tally:
    """What all agents together have seen since it was made."""

    def __init__(self) -> None:
        self.sent = 0
        self.acked = 0
        self.errors = 0
        self.first_error = ""
        self.latencies_s = array("d")
        self.beat_until = 0.0  # perf_counter; while it lies ahead, each ack is answered by the next heartbeat

    def fail(self, text: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or text


class Agent(asyncio.Protocol):
    """Upgrade, registration in two steps, heartbeats. `registered` ends True, or False when any step failed.

    With `greeting` it comes back instead: it resumes where the server offers that, and greets with that heartbeat.
    """

    __slots__ = (
        "_beat",
        "_greeting",
        "_number",
        "_port",
        "_rest",
        "_sent_at",
        "_transport",
        "_upgraded",
        "_waits",
        "identity",
        "registered",
        "tally",
    )

    def __init__(self, identity: Identity, port: int, tally: Tally, greeting: Heartbeat | None = None) -> None:
        self.identity = identity
        self.tally = tally
        self.registered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._port = port
        self._rest = b""
        self._upgraded = False
        self._waits = ""  # the channel whose response is awaited
        self._transport: asyncio.Transport | None = None
        self._beat: Heartbeat | None = greeting
        self._greeting = greeting is not None
        self._number = 0
        self._sent_at: deque[float] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(upgrade(self._port))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._fail(f"connection lost: {exc!r}")
        self._transport = None

    def is_connected(self) -> bool:
        return self._transport is not None

    def leave(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.write(frame((1000).to_bytes(2, "big"), OP_CLOSE))
            transport.close()

    def prepare_heartbeats(self, beat: Heartbeat, tally: Tally) -> None:
        self._beat = beat
        self.tally = tally
        self._sent_at.clear()

    def beat(self) -> None:
        """One heartbeat whose acknowledgement is timed."""
        self._sent_at.append(time.perf_counter())
        self.beat_many(1)

    def beat_many(self, count: int) -> None:
        """`count` heartbeats in one write."""
        if self._transport is None or self._beat is None:
            return
        first = self._number + 1
        self._number += count
        self.tally.sent += count
        numbered = self._beat.numbered
        self._transport.write(b"".join([numbered(n) for n in range(first, first + count)]))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0 if self._upgraded else self._after_upgrade(data)
        if at < 0:
            self._rest = data
            return
        acked_before = self.tally.acked
        self._rest = data[self._frames(data, at) :]
        fresh = self.tally.acked - acked_before
        if fresh and time.perf_counter() < self.tally.beat_until:
            self.beat_many(fresh)

    def _frames(self, data: bytes, at: int) -> int:
        """Take every whole frame from `at` on; returns where the first unfinished one begins."""
        size = len(data)
        while size - at >= 2:
            length, head = data[at + 1], 2
            if length == 126:
                if size - at < 4:
                    break
                length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
            elif length == 127:
                self._fail("a frame of more than 64 KiB")
                return size
            start, end = at + head, at + head + length
            if end > size:
                break
            self._frame(data[at], data, start, end)
            at = end
        return at

    def _after_upgrade(self, data: bytes) -> int:
        """Where the frames begin, or -1 while the answer to the upgrade is incomplete or was a refusal."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return -1
        if not data.startswith(b"HTTP/1.1 101"):
            self._fail(data[:300].decode("latin-1"))
            return -1
        self._upgraded = True
        challenge = CHALLENGE.search(data, 0, end + 2) if self._greeting else None
        self._waits = "auth" if challenge is not None else "agent.registration"
        if self._transport is not None:
            resumed = self.identity.resumption(challenge[1].decode()) if challenge is not None else None
            self._transport.write(resumed or self.identity.registration())
        return end + 4

    def _frame(self, first: int, data: bytes, start: int, end: int) -> None:
        if first == FIN | OP_TEXT:
            if data.find(b'"ack"', start, end) >= 0:
                self.tally.acked += 1
                if self._sent_at:
                    self.tally.latencies_s.append(time.perf_counter() - self._sent_at.popleft())
            else:
                self._answered(data[start:end])
        elif first == FIN | OP_PING and self._transport is not None:
            self._transport.write(frame(data[start:end], OP_PONG))
        elif first == FIN | OP_CLOSE:
            code = int.from_bytes(data[start : start + 2], "big")
            self._fail(f"closed by the server: {code} {data[start + 2 : end].decode()}")
        elif first != FIN | OP_PONG:
            self._fail(f"unexpected frame, first byte {first:#x}")

    def _answered(self, text: bytes) -> None:
        if b'"response"' not in text:
            self._fail(text.decode())
        elif self._waits == "agent.registration" and self._transport is not None:
            self._waits = "agent.registration.complete"
            self._transport.write(self.identity.completion(text))
        elif self._waits in ("agent.registration.complete", "auth"):
            self._waits = ""
            if self._greeting:
                self.beat()
            self._settle(succeeded=True)
        else:
            self._fail(f"a response nobody asked for: {text.decode()}")

    def _fail(self, text: str) -> None:
        self.tally.fail(text)
        self._settle(succeeded=False)

    def _settle(self, *, succeeded: bool) -> None:
        if not self.registered.done():
            self.registered.set_result(succeeded)
