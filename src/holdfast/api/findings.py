"""The routes of findings: what is wrong, for whom, why, and what to do."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from holdfast.api.about import About
from holdfast.api.agents import CursorParameter, LimitParameter, actor, found_agent
from holdfast.api.authorisation import AskingRequest
from holdfast.faults import Severity
from holdfast.model import Agent, AttemptQuery, Role
from holdfast.model.finding_documents import FindingDocument, finding_document
from holdfast.model.findings import Finding, FindingQuery, Rival
from holdfast.protocol.times import rfc3339_millis
from holdfast.registry import Registry
from holdfast.registry.absence import Absence, absence_of

LOOK_S: Final = 1.0
BEAT_S: Final = 15.0
OVERLAP_S: Final = 5.0
RECENT: Final = 50

ReasonText = Annotated[str, msgspec.Meta(max_length=1000)]


class FindingsBody(msgspec.Struct, frozen=True, kw_only=True):
    """One page of findings, the newest first."""

    findings: list[FindingDocument]
    next_cursor: str | None


class AbsenceBody(msgspec.Struct, frozen=True, kw_only=True):
    """Since when nothing of an agent has arrived here, and how far its last attempt came.

    Told of agents that are away. It is no finding: `suspects` are the faults that leave just this trace.
    """

    since: str
    has_ever_come: bool
    sentence: str
    fix: str
    last_attempt: str | None
    step: str | None
    code: str | None
    suspects: list[Rival]


class AgentFindingsBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is known to be wrong with one agent, with what was found about claims of its host_id."""

    agent_uid: str
    host_id: str
    findings: list[FindingDocument]
    absence: AbsenceBody | None


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody has seen it."""

    reason: ReasonText = ""


class Mute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send no word of it, nor of its return, for so many seconds; for good where `for_s` is absent."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    for_s: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)] | None = None


@get("/findings", opt={"role": Role.VIEWER}, tags=["findings"])
async def list_findings(
    registry: NamedDependency[Registry],
    *,
    is_open: Annotated[bool | None, QueryParameter(name="open", description="Open (true) or resolved (false)")] = None,
    code: Annotated[str | None, QueryParameter(description="Exactly this fault")] = None,
    agent: Annotated[str | None, QueryParameter(description="About this uid or host_id")] = None,
    severity: Annotated[Severity | None, QueryParameter(description="Exactly this severity")] = None,
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> FindingsBody:
    """What diagnosis found, the newest first, resolved findings included unless `open` says otherwise."""
    query = FindingQuery(open=is_open, code=code, agent=agent, severity=severity, cursor=cursor, limit=limit)
    page = await registry.findings.list(query)
    return FindingsBody(findings=[finding_document(found) for found in page.findings], next_cursor=page.next_cursor)


@get("/findings/{finding:str}", opt={"role": Role.VIEWER}, tags=["findings"])
async def show_finding(registry: NamedDependency[Registry], finding: FromPath[str]) -> FindingDocument:
    """One finding with its evidence."""
    return finding_document(await registry.findings.get(finding))


@get("/agents/{uid:str}/findings", opt={"role": Role.VIEWER}, tags=["findings"])
async def agent_findings(
    registry: NamedDependency[Registry],
    about: NamedDependency[About],
    *,
    uid: FromPath[str],
    is_open: Annotated[bool | None, QueryParameter(name="open", description="Open (true) or resolved (false)")] = None,
    limit: LimitParameter = 50,
) -> AgentFindingsBody:
    """What is wrong with one agent. For one that is away: since when nothing came, and how far it got."""
    agent = await found_agent(registry, uid)
    return await agent_findings_body(registry, agent, now=about.clock(), is_open=is_open, limit=limit)


async def agent_findings_body(
    registry: Registry, agent: Agent, *, now: float, is_open: bool | None = None, limit: int = 50
) -> AgentFindingsBody:
    """The document of what is wrong with `agent`."""
    found = await registry.findings.of_agent(agent.agent_uid, agent.host_id, is_open=is_open, limit=limit)
    mine = await registry.list_attempts(AttemptQuery(agent_uid=agent.agent_uid, limit=RECENT))
    claimed = await registry.list_attempts(AttemptQuery(host_id=agent.host_id, limit=RECENT))
    about_it = [a for a in (*mine.attempts, *claimed.attempts) if a.agent_uid in (None, agent.agent_uid)]
    absence = absence_of(agent, about_it, now=now)
    return AgentFindingsBody(
        agent_uid=agent.agent_uid,
        host_id=agent.host_id,
        findings=[finding_document(finding) for finding in found],
        absence=None if absence is None else _absence_body(absence),
    )


@post("/findings/{finding:str}/acknowledge", opt={"role": Role.OPERATOR}, status_code=200, tags=["findings"])
async def acknowledge_finding(
    registry: NamedDependency[Registry],
    request: AskingRequest,
    finding: FromPath[str],
    data: JSONBody[Acknowledgement | None] = None,
) -> FindingDocument:
    """Note that somebody has seen it."""
    reason = (data or Acknowledgement()).reason
    return finding_document(await registry.findings.acknowledge(finding, actor=actor(request), reason=reason))


@post("/findings/{finding:str}/mute", opt={"role": Role.OPERATOR}, status_code=200, tags=["findings"])
async def mute_finding(
    registry: NamedDependency[Registry],
    about: NamedDependency[About],
    request: AskingRequest,
    finding: FromPath[str],
    data: JSONBody[Mute],
) -> FindingDocument:
    """Send no word of it. It stays listed and counted."""
    until = None if data.for_s is None else about.clock() + data.for_s
    found = await registry.findings.mute(finding, actor=actor(request), reason=data.reason, until=until)
    return finding_document(found)


@post("/findings/{finding:str}/unmute", opt={"role": Role.OPERATOR}, status_code=200, tags=["findings"])
async def unmute_finding(
    registry: NamedDependency[Registry], request: AskingRequest, finding: FromPath[str]
) -> FindingDocument:
    """Send word of it again."""
    return finding_document(await registry.findings.unmute(finding, actor=actor(request)))


@get("/findings/stream", opt={"role": Role.VIEWER, "uncompressed": True}, tags=["findings"])
async def stream_findings(
    registry: NamedDependency[Registry],
    about: NamedDependency[About],
    *,
    since: Annotated[float | None, QueryParameter(description="Unix seconds to begin at, instead of now")] = None,
) -> ServerSentEvent:
    """Each finding as it opens or changes (`open`) and when it is over (`resolved`); the data is its document.

    The event's id is the time to give as `since` after a break. A finding may come twice, never not at all.
    """

    async def messages() -> AsyncIterator[ServerSentEventMessage]:
        async for at, finding in _follow(registry, about.clock() if since is None else since):
            if finding is None:
                yield ServerSentEventMessage(comment="beat")
                continue
            kind = "open" if finding.resolved_at is None else "resolved"
            data = msgspec.json.encode(finding_document(finding)).decode()
            yield ServerSentEventMessage(data=data, event=kind, id=f"{at:.3f}")

    return ServerSentEvent(messages(), headers={"X-Accel-Buffering": "no"})


async def _follow(registry: Registry, since: float) -> AsyncIterator[tuple[float, Finding | None]]:
    """Looks at the rows and not at this process's own events: the gateway may run elsewhere. None is a sign of life."""
    told: dict[tuple[str, float], None] = {}
    newest, quiet_s = since, 0.0
    while True:
        fresh = await registry.findings.changed_since(max(since, newest - OVERLAP_S))
        for at, finding in fresh:
            if (finding.id, at) not in told:
                told[finding.id, at] = None
                newest, quiet_s = max(newest, at), 0.0
                yield at, finding
        told = {name: None for name in told if name[1] >= newest - 2 * OVERLAP_S}
        if quiet_s >= BEAT_S:
            quiet_s = 0.0
            yield newest, None
        await asyncio.sleep(LOOK_S)
        quiet_s += LOOK_S


def _absence_body(absence: Absence) -> AbsenceBody:
    return AbsenceBody(
        since=rfc3339_millis(absence.since),
        has_ever_come=absence.has_ever_come,
        sentence=absence.sentence,
        fix=absence.fix,
        last_attempt=absence.last_attempt,
        step=absence.step,
        code=absence.code,
        suspects=list(absence.suspects),
    )


ROUTES = [
    list_findings,
    stream_findings,
    show_finding,
    agent_findings,
    acknowledge_finding,
    mute_finding,
    unmute_finding,
]
