"""Plain HTTP to the gateway: its health page, and GET and HEAD of the WebSocket path."""

import asyncio
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from holdfast.doctor.case import Case
from holdfast.doctor.certificates import unverified
from holdfast.doctor.httpanswer import Answer, NotHttpError
from holdfast.doctor.neighbours import service_of
from holdfast.doctor.report import Check, Fact, failed, passed, warned
from holdfast.doctor.verdicts import is_ours, judge, wrong_port
from holdfast.doctor.wire import ask, open_wire, words
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem
from holdfast.protocol.limits import PATH

_TLS_S: Final = 2.0  # a TLS server answers a ClientHello at once
_H2_SETTINGS: Final = b"\x04\x00\x00\x00\x00\x00"  # type 4, no flags, stream 0: what an HTTP/2 server says first


async def ask_health(case: Case) -> list[Check]:
    """The line `health`. Only what holds for the upgrade as well is a failure: a proxy may pass the one path alone."""
    case.answers_http = False
    try:
        answer = await ask(case, "GET", "/health", tls=case.agent_tls())
    except TimeoutError:
        why = f"TCP is up and a plain request stays without an answer for {case.timeout_s:g} s"
        return [failed("health", problem("WS-HANDSHAKE-SLOW", why=why, fix=_slow_fix()))]
    except (OSError, NotHttpError) as error:
        return [failed("health", await silence_problem(case, error))]
    case.answers_http = True
    note_clock(case, answer)
    evidence: dict[str, Fact] = {
        "status": answer.status,
        "server": answer.server or None,
        "title": answer.title or None,
    }
    service = service_of(answer)
    if service == "websocket-gateway":
        return [passed("health", f"the gateway answers with {answer.status}", evidence | {"service": service})]
    if service == "actions-api" or (answer.status == 404 and await _is_api(case)):
        # A warning only: the API's own answer to the upgrade knows the right port, and that one fails.
        return [warned("health", await wrong_port(case), evidence)]
    found = await judge(case, answer, path="/health", what="GET /health")
    if answer.status == 200 and not answer.is_html:
        why = f"{case.target.authority} answers /health, but not as a Holdfast gateway"
        found = problem("PXY-HTML-200", why=why, what="somebody else answers")
    return [warned("health", found, evidence)]


def _slow_fix() -> str:
    return "Look whether the gateway hangs, and whether a box on the way lets large or unknown traffic vanish"


async def _is_api(case: Case) -> bool:
    try:
        return service_of(await ask(case, "GET", "/healthz", tls=case.agent_tls())) == "actions-api"
    except (OSError, NotHttpError):
        return False


async def silence_problem(case: Case, error: OSError) -> Problem:
    """The connection was taken and ended without an answer in HTTP."""
    target = case.target
    first = error.first if isinstance(error, NotHttpError) else b""
    said = words(error, limit_s=case.timeout_s)
    if not target.secure and case.speaks_tls is None:
        case.speaks_tls = await _speaks_tls(case)
    if case.speaks_tls:
        why = f"{target.authority} answers a TLS handshake and not a plain request"
        return problem("TLS-PLAIN-TO-TLS", why=why, fix=f"Use wss://{target.authority}{PATH}")
    if first[3:9] == _H2_SETTINGS:
        why = f"{target.authority} answers an ordinary request with a frame of HTTP/2"
        return problem("PXY-H2-ONLY", why=why)
    if first:
        return problem("PXY-HTML-200", what="somebody else answers", why=f"{target.authority} speaks no HTTP: {said}")
    return problem(
        "NET-FW-RST", why=f"{target.authority} takes the connection and ends it at the first request: {said}"
    )


async def _speaks_tls(case: Case) -> bool:
    try:
        async with asyncio.timeout(min(case.timeout_s, _TLS_S)), open_wire(case, unverified()):
            return True
    except ssl.SSLError as error:
        # An alert is an answer in TLS; HTTP or noise is not.
        return "ALERT" in str(error.reason).upper()
    except OSError:
        return False


def note_clock(case: Case, answer: Answer) -> None:
    """Remember how far this host's clock is from the answer's Date, which is in whole seconds."""
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return
    offset = time.time() - theirs
    # A whole second may have been cut off: an offset between nothing and one second is none.
    case.clock_offset_s = 0.0 if 0.0 <= offset <= 1.0 else offset - (1.0 if offset > 1.0 else 0.0)
    case.clock_source = "the Date of an HTTP answer"


async def ask_path(case: Case) -> list[Check]:
    """The lines `get` and `head`: the WebSocket path asked without an upgrade, which a living gateway explains."""
    get = await _ask_plainly(case, "GET")
    head = await _ask_plainly(case, "HEAD")
    same = get.problem is not None and get.evidence.get("status") == head.evidence.get("status") is not None
    if head.problem is None or not same:
        return [get, head]
    # An answer to HEAD has no body: where the status is the same, it means what the body of GET explained.
    because = f"HTTP {head.evidence['status']}, as GET"
    return [get, msgspec.structs.replace(head, problem=get.problem, because=because)]


async def _ask_plainly(case: Case, method: str) -> Check:
    name, title = method.lower(), f"{method} {case.target.path.partition('?')[0]}"
    begun = time.perf_counter()
    try:
        answer = await ask(case, method, case.target.path, tls=case.agent_tls())
    except TimeoutError:
        why = f"no answer within {case.timeout_s:g} s"
        return warned(name, problem("WS-HANDSHAKE-SLOW", why=why, fix=_slow_fix()), title=title)
    except (OSError, NotHttpError) as error:
        return warned(name, await silence_problem(case, error), title=title)
    evidence: dict[str, Fact] = {"status": answer.status, "ms": round((time.perf_counter() - begun) * 1000, 1)}
    alive = answer.status in (400, 426) and (method == "HEAD" or is_ours(answer))
    if alive:
        return passed(name, f"{answer.status}, as it should be: the endpoint is alive", evidence, title=title)
    found = await judge(case, answer, path=case.target.path, what=f"{method} of the path")
    return warned(name, found, evidence, title=title)
