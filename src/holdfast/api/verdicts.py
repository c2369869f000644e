"""The routes that join the doctor's report with the gateway's half into one verdict. They change nothing.

The rules are diagnosis's; they come in as a function, because the API and diagnosis know nothing of each other.
"""

import asyncio
from typing import Annotated, Final, Literal

from litestar import Router, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter

from holdfast.api.about import About
from holdfast.api.authorisation import AskingRequest
from holdfast.api.documents import attempt_body
from holdfast.api.joined_bodies import AgentSideBody, GatewaySideBody, JoinedBody, VerdictBody
from holdfast.faults import CATALOGUE, Problem, doc_path, printable
from holdfast.model import Attempt, AttemptQuery, Role
from holdfast.model.joined import DoctorCheck, DoctorReport, GatewayHalf, Join, Joined
from holdfast.registry import Registry

# An attempt is in the store up to a second after its end; the doctor asks at once.
WRITTEN_WITHIN_S: Final = 1.5
POLL_S: Final = 0.1
SETTLE_S: Final = 1.0
THEIRS: Final = 50
LATEST: Final = 100
MAX_CHARS: Final = 1000
DOCTOR_NAME: Final = "doctor-"  # how a doctor without the agent's key begins its host_id
OPTIONS: Final = {"role": Role.VIEWER, "changes_nothing": True}

HostId = Annotated[
    str | None, QueryParameter(description="Whose attempts to look at; else the report's", max_length=255)
]
Address = Annotated[str | None, QueryParameter(description="The host's address; else that of who asks", max_length=64)]


@post("/attempts/{attempt:str}/verdict", opt=OPTIONS, status_code=200, tags=["attempts"])
async def join_attempt(
    registry: NamedDependency[Registry],
    about: NamedDependency[About],
    join: NamedDependency[Join],
    *,
    request: AskingRequest,
    attempt: FromPath[str],
    data: JSONBody[DoctorReport],
    host_id: HostId = None,
    address: Address = None,
) -> JoinedBody:
    """Join a report of `holdfast doctor --json` with this attempt, the doctor's own or one of the agent's."""
    named = await _written(registry, attempt)
    theirs = await _theirs(registry, host_id or _host_of(data), address or _asker(request))
    return joined_body(data, join(data, await _half(registry, named, theirs, now=about.clock())), named=named)


@post("/verdict", opt=OPTIONS, status_code=200, tags=["attempts"])
async def join_report(
    registry: NamedDependency[Registry],
    about: NamedDependency[About],
    join: NamedDependency[Join],
    *,
    request: AskingRequest,
    data: JSONBody[DoctorReport],
    host_id: HostId = None,
    address: Address = None,
) -> JoinedBody:
    """Join a report with the attempt that it names. Where it names none, nothing may have reached the gateway."""
    named = None
    if data.attempt:
        named = await _written(registry, data.attempt)
    else:
        await asyncio.sleep(SETTLE_S)  # what did come, under a name that the doctor never heard, is to be in the store
    theirs = await _theirs(registry, host_id or _host_of(data), address or _asker(request))
    return joined_body(data, join(data, await _half(registry, named, theirs, now=about.clock())), named=named)


def _asker(request: AskingRequest) -> str | None:
    return request.client.host if request.client is not None else None


async def _written(registry: Registry, attempt: str) -> Attempt | None:
    """The attempt once it is stored, and its end if that comes soon."""
    found = None
    for _ in range(round(WRITTEN_WITHIN_S / POLL_S)):
        found = await registry.get_attempt(attempt)
        if found is not None and found.ended_at is not None:
            return found
        await asyncio.sleep(POLL_S)
    return found


async def _theirs(registry: Registry, host_id: str | None, address: str | None) -> tuple[Attempt, ...]:
    """The latest attempts of this host and of this address, the newest first."""
    queries = [AttemptQuery(address=address, limit=THEIRS)] if address else []
    if host_id:
        names = dict.fromkeys((host_id, host_id.removeprefix(DOCTOR_NAME)))
        queries += [AttemptQuery(host_id=name, limit=THEIRS) for name in names]
    found: dict[str, Attempt] = {}
    for query in queries:
        page = await registry.list_attempts(query)
        found |= {attempt.attempt: attempt for attempt in page.attempts}
    return tuple(sorted(found.values(), key=lambda attempt: attempt.started_at, reverse=True))


async def _half(registry: Registry, named: Attempt | None, theirs: tuple[Attempt, ...], *, now: float) -> GatewayHalf:
    latest = await registry.list_attempts(AttemptQuery(limit=LATEST))
    return GatewayHalf(attempt=named, theirs=theirs, latest=latest.attempts, now=now)


def _host_of(report: DoctorReport) -> str | None:
    """The host_id that the doctor spoke for."""
    key = next((check for check in report.checks if check.name == "key"), None)
    host_id = key.evidence.get("host_id") if key is not None else None
    return host_id if isinstance(host_id, str) else None


def joined_body(report: DoctorReport, joined: Joined, *, named: Attempt | None) -> JoinedBody:
    """The document for a joined verdict."""
    attempt = joined.attempt
    found_by: Literal["id", "time", "nothing"] = "nothing" if attempt is None else "id" if named else "time"
    return JoinedBody(
        attempt=attempt.attempt if attempt is not None else None,
        verdict=_verdict_body(joined.verdict, joined) if joined.verdict is not None else None,
        agrees=joined.agrees,
        rivals=list(joined.rivals),
        notes=[printable(note, MAX_CHARS) for note in joined.notes],
        agent_side=[_check_body(check) for check in report.checks],
        gateway_side=GatewaySideBody(found_by=found_by, attempt=attempt_body(attempt) if attempt is not None else None),
    )


def _verdict_body(found: Problem, joined: Joined) -> VerdictBody:
    """A report may name codes that only a newer catalogue has: those come without blame and page."""
    entry = CATALOGUE.get(found.code)
    return VerdictBody(
        code=printable(found.code, 64),
        title=entry.title if entry is not None else printable(found.what, MAX_CHARS),
        severity=entry.severity if entry is not None else None,
        blame=entry.blame if entry is not None else None,
        confidence=joined.confidence,
        basis=joined.basis,
        what=printable(found.what, MAX_CHARS),
        why=printable(found.why, MAX_CHARS),
        fix=printable(found.fix, MAX_CHARS),
        doc=doc_path(entry.code) if entry is not None else None,
        evidence=dict(found.evidence),
    )


def _check_body(check: DoctorCheck) -> AgentSideBody:
    return AgentSideBody(
        name=printable(check.name),
        title=printable(check.title, 200),
        status=check.status.value,
        because=printable(check.because, MAX_CHARS),
        code=printable(check.problem.code, 64) if check.problem is not None else None,
    )


def verdict_routes(join: Join) -> Router:
    """The routes, with the rules that they apply."""
    return Router(
        path="/",
        route_handlers=[join_attempt, join_report],
        dependencies={"join": Provide(lambda: join, sync_to_thread=False)},
    )
