"""The Actions API, where it can be reached from here."""

from urllib.parse import urlsplit

import msgspec

from holdfast.doctor.case import Case
from holdfast.doctor.httpanswer import NotHttpError
from holdfast.doctor.neighbours import fetch
from holdfast.doctor.report import Check, Fact, failed, passed, skipped, warned
from holdfast.doctor.target import join
from holdfast.doctor.wire import words
from holdfast.faults.catalogue import problem


class _Page(msgspec.Struct, frozen=True):
    agents: list[msgspec.Raw] = []


async def ask_agents(case: Case) -> list[Check]:
    """The line `agents`: `GET /agents`. An agent needs none of it, so only an API that was named can fail."""
    given = case.options.api
    host, port, scheme = case.target.host, case.surroundings.api_port, "http"
    if given is not None:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        scheme, host = parts.scheme, parts.hostname or ""
        port = parts.port or (443 if scheme == "https" else 80)
    title = f"GET /agents at {join(host, port)}"
    if scheme != "http":
        return [skipped("agents", "the doctor asks the API over plain HTTP only", title=title)]
    try:
        answer = await fetch(host, port, "/agents?limit=1", limit_s=case.timeout_s)
    except (OSError, NotHttpError) as error:
        said = words(error, limit_s=case.timeout_s)
        if given is None:
            return [
                skipped("agents", f"the API is not on {join(host, port)} ({said}); name it with --api", title=title)
            ]
        why = f"{join(host, port)}: {said}"
        return [failed("agents", problem("SRV-ACTIONS-API-DOWN", why=why), title=title)]
    evidence: dict[str, Fact] = {"status": answer.status}
    if answer.status in (401, 403):
        return [
            passed(
                "agents", f"the API answers, and wants a token for the list ({answer.status})", evidence, title=title
            )
        ]
    if answer.status != 200:
        why = f"GET /agents was answered with HTTP {answer.status}"
        return [warned("agents", problem("SRV-ACTIONS-API-DOWN", why=why), evidence, title=title)]
    return [passed("agents", "the API answers", evidence, title=title)]
