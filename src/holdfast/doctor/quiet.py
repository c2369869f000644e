"""What only time and size show: payloads of growing size, and a connection that is held."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Final

import msgspec

from holdfast.agent.failures import close_problem
from holdfast.doctor.case import Case
from holdfast.doctor.frames import Ended, Ending, Frames
from holdfast.doctor.httpanswer import NotHttpError
from holdfast.doctor.report import Check, Fact, failed, passed, skipped, warned
from holdfast.doctor.upgrade import open_frames
from holdfast.doctor.wire import ask, words
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem
from holdfast.protocol.envelope import Envelope, encode_envelope

SIZES: Final = (200, 1000, 1400, 1500, 4000, 16_000)
ECHO_CHANNEL: Final = "agent.doctor.echo"  # no agent's own: the gateway answers with a named refusal, which is the echo
_SLOW_MS: Final = 1500.0
_NEAR_S: Final = 2.0


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """One message of `size` bytes there, and its answer back; `ms` None where none came."""

    size: int
    ms: float | None


def sized_message(size: int) -> bytes:
    """An envelope of exactly `size` bytes that every gateway answers."""

    def made(pad: int) -> bytes:
        return encode_envelope(
            Envelope(
                f"doctor-{secrets.token_hex(4)}", "request", ECHO_CHANNEL, int(time.time()), "", {"pad": "x" * pad}
            )
        )

    return made(size - len(made(0)))


async def trip(frames: Frames, size: int, *, limit_s: float) -> Trip:
    """Send `size` bytes and wait for any answer."""
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(limit_s):
            await frames.send(sized_message(size))
            answer = await frames.receive(limit_s)
    except OSError:
        answer = None
    ms = round((time.perf_counter() - begun) * 1000, 1)
    return Trip(size=size, ms=ms if isinstance(answer, bytes) else None)


async def try_sizes(case: Case) -> list[Check]:
    """The line `sizes`."""
    try:
        trips = await _trips(case)
    except OSError as error:
        return [skipped("sizes", f"a second connection could not be opened: {words(error, limit_s=case.timeout_s)}")]
    evidence: dict[str, Fact] = {
        f"{one.size}_bytes": f"{one.ms:g} ms" if one.ms is not None else "no answer" for one in trips
    }
    found = size_problem(trips, waited_s=case.timeout_s)
    if found is not None:
        return [failed("sizes", found, evidence)]
    return [passed("sizes", f"{trips[0].size} to {trips[-1].size} bytes pass", evidence)]


async def _trips(case: Case) -> list[Trip]:
    """Rising sizes on one connection; what stays unanswered ends it, since the rest would queue behind."""
    trips: list[Trip] = []
    async with open_frames(case) as frames:
        for size in SIZES:
            trips.append(await trip(frames, size, limit_s=case.timeout_s))
            if trips[-1].ms is None:
                break
    if len(trips) == 1 and trips[0].ms is None:
        async with open_frames(case) as frames:
            trips.append(await trip(frames, SIZES[-1], limit_s=case.timeout_s))
    return trips


def size_problem(trips: list[Trip], *, waited_s: float) -> Problem | None:
    """NET-MTU-BLACKHOLE where small messages pass and a large one does not, PXY-BUFFERING the other way round."""
    lost = next((one for one in trips if one.ms is None), None)
    done = [one for one in trips if one.ms is not None]
    times = {one.size: one.ms for one in done if one.ms is not None}
    if lost is not None and not done:
        why = f"no message of {lost.size} bytes or more was answered within {waited_s:g} s"
        return problem("SRV-LOOP-LAG", what="the gateway does not answer messages", why=why)
    if lost is not None and min(times) < lost.size:
        why = f"messages of up to {max(times)} bytes are answered, one of {lost.size} is not within {waited_s:g} s"
        return problem("NET-MTU-BLACKHOLE", why=why, evidence={"largest_that_passed": max(times)})
    small, large = trips[0].ms, times[max(times)]
    if (small is None or small > _SLOW_MS) and large < (small or waited_s * 1000) / 4:
        slow = "stays without an answer" if small is None else f"takes {small / 1000:.1f} s"
        why = f"a message of {trips[0].size} bytes {slow}, one of {max(times)} bytes {large:.0f} ms: data is held back"
        return problem("PXY-BUFFERING", why=why)
    return None


async def hold(case: Case) -> list[Check]:
    """The line `idle`: a connection held without a word of ours for `idle_s` seconds."""
    wanted_s = case.options.idle_s
    if wanted_s <= 0:
        return [skipped("idle", "no --idle was given")]
    begun = time.monotonic()
    try:
        async with open_frames(case) as frames:
            first = await trip(frames, SIZES[0], limit_s=case.timeout_s)  # a silent connection would be a finding there
            held = await _watch(frames, wanted_s)
            age_s = time.monotonic() - begun
            evidence: dict[str, Fact] = {
                "held_s": round(age_s, 1), "longest_quiet_s": round(held.longest_quiet_s, 1), "pings": frames.pings
            }  # fmt: skip
            if held.ended is None:
                return [await _still_there(case, frames, evidence, answered=first.ms is not None)]
    except OSError as error:
        return [skipped("idle", f"the connection could not be opened: {words(error, limit_s=case.timeout_s)}")]
    restarted = await _restarted(case, age_s)
    found = restarted or idle_problem(held, age_s=age_s, headers=case.upgrade_headers)
    return [(warned if found.code.startswith("LIFE-") else failed)("idle", found, evidence)]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How the holding went. `quiet_s` is the silence right before the end, in either direction."""

    ended: Ended | None
    quiet_s: float
    longest_quiet_s: float


async def _watch(frames: Frames, wanted_s: float) -> Held:
    longest_s, quiet_since, until = 0.0, time.monotonic(), time.monotonic() + wanted_s
    heard = frames.heard_at
    while (left_s := until - time.monotonic()) > 0:
        got = await frames.receive(min(left_s, 0.25))
        now = time.monotonic()
        if isinstance(got, Ended):
            return Held(ended=got, quiet_s=now - quiet_since, longest_quiet_s=max(longest_s, now - quiet_since))
        if frames.heard_at != heard:
            longest_s, heard = max(longest_s, frames.heard_at - quiet_since), frames.heard_at
            quiet_since = heard
    quiet_s = time.monotonic() - quiet_since
    return Held(ended=None, quiet_s=quiet_s, longest_quiet_s=max(longest_s, quiet_s))


async def _still_there(case: Case, frames: Frames, evidence: dict[str, Fact], *, answered: bool) -> Check:
    if not answered:
        return skipped("idle", "the gateway answered no message before the hold, so its silence after it says nothing")
    after = await trip(frames, SIZES[0], limit_s=case.timeout_s)
    quiet = evidence["longest_quiet_s"]
    if after.ms is None and isinstance(frames.ended, Ended) and frames.ended.how is Ending.RESET:
        why = f"after {quiet} s of quiet the next message was answered with a reset"
        code = "PXY-IDLE-350" if float(quiet or 0) >= 340 else "PXY-IDLE-OTHER"
        return failed("idle", problem(code, why=why), evidence)
    if after.ms is None:
        why = f"after {quiet} s of quiet the connection looks open and carries nothing any more"
        return failed("idle", problem("NET-NAT-IDLE", why=why), evidence)
    pinged = f"; {frames.pings} pings of the gateway kept it busy" if frames.pings else ""
    return passed("idle", f"held for {evidence['held_s']} s, at most {quiet} s quiet{pinged}", evidence)


async def _restarted(case: Case, age_s: float) -> Problem | None:
    """Whether the gateway itself began anew meanwhile, which explains the end."""
    try:
        answer = await ask(case, "GET", "/health", tls=case.agent_tls())
        uptime_s = msgspec.json.decode(answer.body, type=_Uptime).uptime
    except (OSError, NotHttpError, msgspec.MsgspecError):
        return None
    if uptime_s is None or uptime_s >= age_s:
        return None
    return problem("SRV-RESTART", why=f"the gateway has been up for {uptime_s:.0f} s only: it was started anew")


class _Uptime(msgspec.Struct, frozen=True):
    uptime: float | None = None


def idle_problem(held: Held, *, age_s: float, headers: Mapping[str, str]) -> Problem:
    """What ended a quiet connection, from how and when it ended. `headers` are those of the 101 answer."""
    ended, quiet_s = held.ended, held.quiet_s
    assert ended is not None
    if ended.how is Ending.CLOSE_FRAME:
        return close_problem(ended.code, ended.reason)
    if ended.how is Ending.BROKEN:
        return problem("LIFE-PROTOCOL-1002", why=ended.reason)
    when = f"{ended.how.value} after {age_s:.1f} s, {quiet_s:.1f} s of them quiet"
    evidence: dict[str, Fact] = {"age_s": round(age_s, 1), "quiet_s": round(quiet_s, 1)}
    if ended.how is Ending.RESET:
        code = "PXY-IDLE-350" if abs(quiet_s - 350) <= 10 else "NET-FW-RST"
    elif "cf-ray" in headers or headers.get("server", "").lower() == "cloudflare":
        code = "PXY-IDLE-100"
    elif abs(quiet_s - 60) <= _NEAR_S:
        code = "PXY-IDLE-60"
    else:
        code = "PXY-IDLE-OTHER" if quiet_s > age_s / 2 else "PXY-MAX-DURATION"
    return problem(code, why=when, evidence=evidence)
