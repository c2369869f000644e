"""Round trips: fifty pings on a WebSocket, and what the kernel had to send twice meanwhile."""

import asyncio
import socket
import statistics
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from holdfast.doctor.case import Case
from holdfast.doctor.report import Check, Fact, passed, skipped, warned
from holdfast.doctor.upgrade import open_frames
from holdfast.doctor.wire import words
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem

PINGS: Final = 50
MAX_S: Final = 3.0
LOSS_RATIO: Final = 0.02  # the fault catalogue's limit: retransmitted over sent segments
_TOTAL_RETRANS: Final = struct.Struct("=100xI")  # linux/tcp.h, struct tcp_info
_SEGS_OUT: Final = struct.Struct("=136xI")


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """Segments of one connection, by the kernel's count."""

    sent: int
    resent: int


async def measure(case: Case) -> list[Check]:
    """The line `round-trips`."""
    title = "round trips"
    try:
        async with open_frames(case) as frames:
            trips = await _ping(frames.ping, min(case.timeout_s, MAX_S))
            traffic = traffic_of(frames.socket)
    except OSError as error:
        because = f"a connection could not be opened: {words(error, limit_s=case.timeout_s)}"
        return [skipped("round-trips", because, title=title)]
    if not trips:
        return [skipped("round-trips", "no ping was answered; the line `sizes` tells more", title=title)]
    evidence: dict[str, Fact] = {
        "answered": len(trips),
        "median_ms": round(statistics.median(trips), 2),
        "slowest_ms": round(max(trips), 2),
        "segments_sent": traffic.sent if traffic else None,
        "segments_resent": traffic.resent if traffic else None,
    }
    found = loss_problem(trips, traffic)
    if found is not None:
        return [warned("round-trips", found, evidence, title=title)]
    lost = "" if traffic is not None else "; this kernel does not count what is lost"
    because = f"{len(trips)} pings, median {evidence['median_ms']} ms, slowest {evidence['slowest_ms']} ms{lost}"
    return [passed("round-trips", because, evidence, title=title)]


async def _ping(ping: Callable[[], Awaitable[bool]], limit_s: float) -> list[float]:
    """Milliseconds of each round trip; one after the other, as many as fit into `limit_s`."""
    trips: list[float] = []
    until = time.monotonic() + limit_s
    while len(trips) < PINGS and (left_s := until - time.monotonic()) > 0:
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(left_s):
                if not await ping():
                    break
        except TimeoutError:
            break
        trips.append((time.perf_counter() - begun) * 1000)
    return trips


def traffic_of(sock: socket.socket | None) -> Traffic | None:
    """The kernel's counts of a connection; None where the platform has none."""
    if sock is None or not hasattr(socket, "TCP_INFO"):
        return None
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return Traffic(sent=_SEGS_OUT.unpack_from(raw)[0], resent=_TOTAL_RETRANS.unpack_from(raw)[0])
    except (OSError, ValueError, struct.error):
        return None


def loss_problem(trips: Sequence[float], traffic: Traffic | None) -> Problem | None:
    """NET-PACKET-LOSS where the kernel had to repeat more than one segment in fifty."""
    if traffic is None or traffic.sent == 0 or traffic.resent / traffic.sent <= LOSS_RATIO:
        return None
    share = 100 * traffic.resent / traffic.sent
    why = (
        f"{traffic.resent} of {traffic.sent} segments ({share:.0f} %) had to be sent again; "
        f"round trips took {statistics.median(trips):.0f} to {max(trips):.0f} ms"
    )
    return problem("NET-PACKET-LOSS", why=why)
