"""The routes of agents."""

import re
from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from holdfast.api.authorisation import AskingRequest
from holdfast.api.bodies import AgentBody, AgentsBody
from holdfast.api.codes import refuse
from holdfast.api.documents import agent_body, agents_body
from holdfast.faults import printable
from holdfast.model import Agent, AgentQuery, Role, Status
from holdfast.registry import Conflict, Registry

_ETAG = re.compile(r'"(\d{1,18})"')
_LABEL_CHARS = 256
MERGE_TRIES = 5

LimitParameter = Annotated[int, QueryParameter(ge=1, le=500, description="Rows of one page")]
CursorParameter = Annotated[str | None, QueryParameter(description="`next_cursor` of the page before", max_length=1024)]
IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", description="ETag of the version you have read")]
LabelText = Annotated[str, msgspec.Meta(max_length=_LABEL_CHARS)]
NoteText = Annotated[str, msgspec.Meta(max_length=4096)]
ReasonText = Annotated[str, msgspec.Meta(max_length=200)]


class AgentChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may change. `labels` are merged: null removes one (RFC 7386). Absent fields stay as they are."""

    labels: dict[LabelText, LabelText | None] | None = None
    note: NoteText | None = None


class ExpectedHost(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host that will register."""

    host_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    org_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] = "default-org"
    labels: dict[LabelText, LabelText] = {}
    note: NoteText = ""


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why; kept in the audit log and told to the agent."""

    reason: ReasonText = ""


@get("/agents", opt={"role": Role.VIEWER}, tags=["agents"])
async def list_agents(
    registry: NamedDependency[Registry],
    *,
    status: Annotated[list[Status] | None, QueryParameter(description="Any of these")] = None,
    label: Annotated[list[str] | None, QueryParameter(description="`key` or `key=value`; every one must hold")] = None,
    org: Annotated[str | None, QueryParameter(description="Exactly this org_id")] = None,
    host_id: Annotated[str | None, QueryParameter(description="Exactly this host_id")] = None,
    version: Annotated[str | None, QueryParameter(description="Exactly this agent_version")] = None,
    platform: Annotated[str | None, QueryParameter(description="Name of the operating system")] = None,
    q: Annotated[str | None, QueryParameter(description="Text found anywhere in the agent", max_length=255)] = None,
    sort: Annotated[
        str, QueryParameter(description="registered_at, host_id, last_seen, status or version; `-` in front reverses")
    ] = "registered_at",
    limit: LimitParameter = 50,
    cursor: CursorParameter = None,
) -> AgentsBody:
    """Agents, a page at a time. Filters narrow; `total` counts all that match."""
    page = await registry.list_agents(
        AgentQuery(
            status=tuple(status or ()),
            labels=dict(label_filter(text) for text in label or ()),
            org_id=org,
            host_id=host_id,
            version=version,
            platform=platform,
            q=q,
            sort=sort,
            cursor=cursor,
            limit=limit,
        )
    )
    return agents_body(page)


def label_filter(text: str) -> tuple[str, str | None]:
    """`key` or `key=value` as a filter; None stands for any value."""
    key, equals, value = text.partition("=")
    return key, value if equals else None


@get("/agents/{uid:str}", opt={"role": Role.VIEWER}, tags=["agents"])
async def show_agent(registry: NamedDependency[Registry], uid: FromPath[str]) -> Response[AgentBody]:
    """One agent, by its uid or by its host_id; where several claim the host_id, the one that is online."""
    return _answered(await found_agent(registry, uid))


@post("/agents", opt={"role": Role.OPERATOR}, tags=["agents"])
async def expect_agent(
    registry: NamedDependency[Registry], request: AskingRequest, data: JSONBody[ExpectedHost]
) -> Response[AgentBody]:
    """Announce a host, so that Holdfast can tell when nothing of it ever arrives."""
    agent = await registry.expect_host(
        data.org_id, data.host_id, labels=data.labels, note=data.note, actor=actor(request)
    )
    return _answered(agent, status=201)


@patch("/agents/{uid:str}", opt={"role": Role.OPERATOR}, tags=["agents"])
async def change_agent(
    registry: NamedDependency[Registry],
    request: AskingRequest,
    uid: FromPath[str],
    data: JSONBody[AgentChange],
    if_match: IfMatch = None,
) -> Response[AgentBody]:
    """Change labels and note. With If-Match nothing is changed if somebody else was faster (412)."""
    agent = await changed_agent(registry, uid, data, version=_version(if_match), actor=actor(request))
    return _answered(agent)


@delete("/agents/{uid:str}", opt={"role": Role.OPERATOR}, tags=["agents"])
async def delete_agent(registry: NamedDependency[Registry], request: AskingRequest, uid: FromPath[str]) -> None:
    """Forget the agent. If it still runs it has to register again; to keep it out, revoke it."""
    await registry.delete_agent(uid, actor=actor(request))


@post("/agents/{uid:str}/approve", opt={"role": Role.OPERATOR}, status_code=200, tags=["agents"])
async def approve_agent(
    registry: NamedDependency[Registry], request: AskingRequest, uid: FromPath[str]
) -> Response[AgentBody]:
    """Let the agent take part."""
    return _answered(await registry.approve(uid, actor=actor(request)))


@post("/agents/{uid:str}/revoke", opt={"role": Role.OPERATOR}, status_code=200, tags=["agents"])
async def revoke_agent(
    registry: NamedDependency[Registry],
    request: AskingRequest,
    uid: FromPath[str],
    data: JSONBody[Reason | None] = None,
) -> Response[AgentBody]:
    """End the agent's connection and refuse it from now on."""
    return _answered(await registry.revoke(uid, reason=(data or Reason()).reason, actor=actor(request)))


@post("/agents/{uid:str}/disconnect", opt={"role": Role.OPERATOR}, status_code=202, tags=["agents"])
async def disconnect_agent(
    registry: NamedDependency[Registry],
    request: AskingRequest,
    uid: FromPath[str],
    data: JSONBody[Reason | None] = None,
) -> Response[AgentBody]:
    """Ask the gateway that holds the agent's connection to end it. The agent may come back at once."""
    await registry.request_disconnect(uid, reason=(data or Reason()).reason, actor=actor(request))
    return _answered(await found_agent(registry, uid), status=202)


async def found_agent(registry: Registry, name: str) -> Agent:
    """The agent of this uid or host_id. Raises `Refused` (API-NOT-FOUND)."""
    agent = await registry.get_agent(name)
    if agent is None:
        raise refuse(
            "API-NOT-FOUND",
            what=f"there is no agent {printable(name)}",
            why="no agent has this uid or host_id",
            fix="List the agents with GET /agents",
        )
    return agent


async def changed_agent(registry: Registry, uid: str, change: AgentChange, *, version: int | None, actor: str) -> Agent:
    """Merge `change` into the agent. Without a version the change is made again when somebody else was faster."""
    for _ in range(MERGE_TRIES):
        labels, read_at = None, version
        if change.labels is not None:
            agent = await found_agent(registry, uid)
            labels = merged(agent.labels, change.labels)
            read_at = agent.version if version is None else version
        try:
            return await registry.update_agent(uid, labels=labels, note=change.note, version=read_at, actor=actor)
        except Conflict:
            if version is not None:
                raise
    raise refuse("API-CONFLICT", why=f"others changed the agent {MERGE_TRIES} times in a row", fix="Repeat the change")


def merged(labels: dict[str, str], change: dict[str, str | None]) -> dict[str, str]:
    """RFC 7386: what is null goes, what is there is set, the rest stays."""
    after: dict[str, str | None] = {**labels, **change}
    return {key: value for key, value in after.items() if value is not None}


def actor(request: AskingRequest) -> str:
    """Who stands in the audit log for what this request changes."""
    assert request.user is not None, "a write passed without a token"
    return request.user.name


def _answered(agent: Agent, *, status: int = 200) -> Response[AgentBody]:
    return Response(agent_body(agent), status_code=status, headers={"ETag": f'"{agent.version}"'})


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise refuse(
            "API-INVALID",
            what=f"If-Match cannot be {printable(if_match)}",
            why="the ETag of an agent is its version in double quotes",
            fix='Send back the ETag as it came, for example If-Match: "3"',
            field="If-Match",
        )
    return int(found[1])


ROUTES = [
    list_agents,
    show_agent,
    expect_agent,
    change_agent,
    delete_agent,
    approve_agent,
    revoke_agent,
    disconnect_agent,
]
