"""The upgrade to WebSocket, byte by byte: what came back, whether it is right, and what was changed on the way."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec

from holdfast.doctor.case import Case
from holdfast.doctor.frames import Frames
from holdfast.doctor.httpanswer import Answer, NotHttpError, read_answer
from holdfast.doctor.pages import note_clock, silence_problem
from holdfast.doctor.report import Check, Fact, failed, passed, warned
from holdfast.doctor.verdicts import judge
from holdfast.doctor.wire import Wire, new_protocol, open_wire, upgrade_request, words
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, printable
from holdfast.protocol.limits import ATTEMPT_HEADER, CHALLENGE_HEADER

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
# What a Holdfast gateway itself puts into a 101, and what HTTP needs. Everything else was added on the way.
_EXPECTED: Final = frozenset(
    {"upgrade", "connection", "sec-websocket-accept", "date", "server", "holdfast-attempt", "holdfast-challenge"}
)


async def try_upgrade(case: Case) -> list[Check]:
    """The line `upgrade`; stores the attempt's id, by which the gateway's half of the story is found."""
    try:
        async with asyncio.timeout(case.timeout_s), open_wire(case, case.agent_tls()) as wire:
            answer, key = await _shake(case, wire)
    except TimeoutError:
        why = f"the upgrade stayed without an answer for {case.timeout_s:g} s"
        more = " while a plain request was answered: something holds it back" if case.answers_http else ""
        return [failed("upgrade", problem("WS-HANDSHAKE-SLOW", why=why + more))]
    except (OSError, NotHttpError) as error:
        return [failed("upgrade", await _broken(case, error))]
    evidence: dict[str, Fact] = {"status": answer.status, "server": answer.server or None}
    if answer.status != 101:
        return [failed("upgrade", await _refused(case, answer), evidence)]
    note_clock(case, answer)
    return [_accepted(case, answer, key, evidence)]


async def _shake(case: Case, wire: Wire) -> tuple[Answer, str]:
    protocol = new_protocol(case.target)
    wire.writer.write(upgrade_request(protocol))
    await wire.writer.drain()
    return await read_answer(wire.reader, "GET"), protocol.key


async def _broken(case: Case, error: OSError) -> Problem:
    if case.answers_http:
        said = words(error, limit_s=case.timeout_s)
        why = f"plain HTTP to {case.target.authority} works, and the same with an upgrade ends the connection: {said}"
        return problem("NET-FW-RST", why=why)
    return await silence_problem(case, error)


async def _refused(case: Case, answer: Answer) -> Problem:
    found = await judge(case, answer, path=case.target.path, what="the upgrade")
    if found.code == "PXY-UPGRADE-STRIPPED":
        who = answer.headers.get("via", "") or answer.headers.get("server", "")
        seen = f" (the answer names {printable(who, 60)})" if who else ""
        why = f"we sent Upgrade and Connection, and {found.why}{seen}"
        return msgspec.structs.replace(found, why=why)
    return found


def _accepted(case: Case, answer: Answer, key: str, evidence: dict[str, Fact]) -> Check:
    headers = answer.headers
    case.upgrade_headers = headers
    attempt = headers.get(ATTEMPT_HEADER.lower(), "")
    case.attempt = printable(attempt, 64) or None
    evidence["attempt"] = case.attempt
    evidence["added_on_the_way"] = printable(" ".join(sorted(set(headers) - _EXPECTED)), 200) or None
    wanted = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
    accept = headers.get("sec-websocket-accept", "")
    if accept != wanted:
        why = (
            f"101 came with Sec-WebSocket-Accept {printable(accept, 40)!r}; for the key that was sent it is {wanted!r}"
        )
        return failed("upgrade", problem("WS-BAD-ACCEPT", why=why), evidence)
    if "websocket" not in headers.get("upgrade", "").lower() or "upgrade" not in headers.get("connection", "").lower():
        why = "101 came without the Upgrade or Connection header: something in between removed it"
        return failed("upgrade", problem("PXY-UPGRADE-STRIPPED", why=why), evidence)
    for header, code in (("sec-websocket-extensions", "WS-EXTENSION"), ("sec-websocket-protocol", "WS-SUBPROTOCOL")):
        if header in headers:
            why = f"101 agrees to {header}: {printable(headers[header], 60)}, which was never asked for"
            return failed("upgrade", problem(code, why=why), evidence)
    missing = [name for name in (ATTEMPT_HEADER, CHALLENGE_HEADER) if not headers.get(name.lower())]
    if missing:
        why = f"101 came without {' and '.join(missing)}: removed on the way, or this is no Holdfast gateway"
        return warned("upgrade", problem("PXY-HEADER-DROPPED", why=why), evidence)
    added = evidence["added_on_the_way"]
    because = f"101 in {answer.first_byte_ms:.1f} ms" + (f"; added on the way: {added}" if added else "")
    return passed("upgrade", because, evidence)


@asynccontextmanager
async def open_frames(case: Case) -> AsyncIterator[Frames]:
    """An upgraded connection of the doctor's own.

    Raises:
        OSError: no connection, or no 101 in time.
    """
    async with AsyncExitStack() as opened:
        async with asyncio.timeout(case.timeout_s):
            wire = await opened.enter_async_context(open_wire(case, case.agent_tls()))
            protocol = new_protocol(case.target)
            wire.writer.write(upgrade_request(protocol))
            await wire.writer.drain()
            try:
                head = await wire.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                raise ConnectionError(f"no answer to the upgrade: {error}") from error
        protocol.receive_data(head)
        protocol.events_received()
        if protocol.handshake_exc is not None:
            raise ConnectionError(str(protocol.handshake_exc))
        frames = Frames(wire, protocol)
        try:
            yield frames
        finally:
            await frames.goodbye()
