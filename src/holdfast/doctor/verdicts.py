"""What an HTTP answer means that is not the one hoped for, with a second question where one settles it."""

from typing import Final

import msgspec

from holdfast.agent.http_answers import REDIRECTS, http_problem
from holdfast.doctor.case import Case
from holdfast.doctor.httpanswer import Answer, NotHttpError
from holdfast.doctor.neighbours import service_of
from holdfast.doctor.wire import ask
from holdfast.faults.catalogue import CATALOGUE, problem
from holdfast.faults.problem import Problem, printable
from holdfast.protocol.limits import PATH

BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class _OwnBody(msgspec.Struct, frozen=True):
    code: str = ""


def own_code(answer: Answer) -> str:
    """The fault that a Holdfast service itself names in this answer; nothing in a proxy's page."""
    try:
        code = msgspec.json.decode(answer.body, type=_OwnBody).code
    except (msgspec.MsgspecError, UnicodeDecodeError):
        code = answer.headers.get("holdfast-code", "")  # all that is left of it in an answer to HEAD
    return code if code in CATALOGUE else ""


def is_ours(answer: Answer) -> bool:
    """Whether a Holdfast service wrote this answer itself, which no proxy's page does."""
    return own_code(answer) != ""


async def judge(case: Case, answer: Answer, *, path: str, what: str) -> Problem:
    """The fault behind `answer` to a request (`what`) for `path`."""
    found = http_problem(answer.status, answer.headers, answer.body, target=case.target.authority)
    code = own_code(answer)
    if code and answer.body:
        return msgspec.structs.replace(found, fix=found.fix.replace("://HOST:", f"://{case.target.url_host}:"))
    why = f"{what} at {case.target.authority} was answered with HTTP {answer.status}"
    if answer.server:
        why += f" by {answer.server}"
    if answer.title:
        why += f", a page titled {answer.title!r}"
    if code:
        return problem(code, why=why, retry_after_s=found.retry_after_s, evidence=found.evidence)
    if answer.status == 421 and not case.target.secure:
        # Without TLS there is no server name to send: who answers is not the service of this host and port.
        return problem("NET-WRONG-PORT", why=why, evidence=found.evidence)
    if answer.status in REDIRECTS:
        return _redirect(case, answer, why)
    if found.code == "TLS-PLAIN-TO-TLS":
        return problem(found.code, why=f"{why}: it wants TLS", fix=f"Use wss://{case.target.authority}{PATH}")
    if answer.status == 403:
        return await _forbidden(case, found, path, why)
    if answer.status == 404:
        return await _not_found(case, found, path, why)
    if answer.status == 503 and answer.is_html:
        return problem("PXY-BAD-GATEWAY", why=f"{why}: a proxy without a gateway behind it", evidence=found.evidence)
    return problem(found.code, why=why, retry_after_s=found.retry_after_s, evidence=found.evidence)


def _redirect(case: Case, answer: Answer, why: str) -> Problem:
    place = answer.headers.get("location", "")
    shown = printable(place.partition("?")[0], 120) or "nowhere"
    if place.startswith("https://") and not case.target.secure:
        host = shown.removeprefix("https://").partition("/")[0]
        return problem("PXY-REDIRECT-HTTPS", why=f"{why}, pointing to {shown}", fix=f"Use wss://{host}{PATH}")
    return problem("PXY-HTML-200", why=f"{why}, pointing to {shown}: a login or another site", evidence={"to": shown})


async def _forbidden(case: Case, found: Problem, path: str, why: str) -> Problem:
    """Whether another User-Agent passes, which only a filter in front cares for."""
    try:
        browser = await ask(case, "GET", path, tls=case.agent_tls(), user_agent=BROWSER)
    except (OSError, NotHttpError):
        return problem(found.code, why=why, evidence=found.evidence)
    differs = browser.status != 403
    why += f"; a browser's User-Agent gets {browser.status}" if differs else "; a browser's User-Agent gets it too"
    return problem(found.code, why=why, evidence={**found.evidence, "as_browser": browser.status})


async def _not_found(case: Case, found: Problem, path: str, why: str) -> Problem:
    """Whether the right path is known here, or the other service lives here."""
    try:
        right = await ask(case, "GET", PATH, tls=case.agent_tls()) if path.partition("?")[0] != PATH else None
        other = await ask(case, "GET", "/healthz", tls=case.agent_tls())
    except (OSError, NotHttpError):
        return problem(found.code, why=why, evidence=found.evidence)
    if right is not None and is_ours(right):
        return problem("WS-WRONG-PATH", why=f"{why}; {PATH} is there", evidence=found.evidence)
    if service_of(other) == "actions-api":
        return await wrong_port(case)
    return problem(found.code, why=why, evidence=found.evidence)


async def wrong_port(case: Case) -> Problem:
    """The Actions API answers where the gateway should: it knows the gateway's port, else the usual one is named."""
    try:
        answer = await ask(case, "GET", PATH, tls=case.agent_tls())
    except (OSError, NotHttpError):
        answer = None
    if answer is not None and own_code(answer) == "NET-WRONG-PORT":
        return await judge(case, answer, path=PATH, what=f"GET {PATH}")
    scheme = "wss" if case.target.secure else "ws"
    why = f"{case.target.authority} is the Actions API; agents belong on the gateway's port"
    fix = f"Use {scheme}://{case.target.url_host}:{case.surroundings.gateway_port}{PATH}"
    return problem("NET-WRONG-PORT", why=why, fix=fix)
