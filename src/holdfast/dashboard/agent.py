"""One agent: who it is, how it stands and why, what its connections came to, and what can be done about it."""

from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from holdfast.api.agent_history import agent_history_body
from holdfast.api.agents import AgentChange, changed_agent, found_agent
from holdfast.api.bodies import AttemptBody
from holdfast.api.documents import agent_body, attempts_body
from holdfast.api.findings import agent_findings_body
from holdfast.api.fleet import HOUR_S
from holdfast.dashboard.charts import agent_charts
from holdfast.dashboard.labels import labels_text, read_labels
from holdfast.dashboard.rendering import View, see_other, visitor_name
from holdfast.dashboard.stories import Story, story, verdict
from holdfast.dashboard.texts import unix
from holdfast.dashboard.visitors import AnyRequest, Visitor
from holdfast.faults import printable
from holdfast.model import AttemptQuery, Role
from holdfast.registry import Registry

SHOWN_ATTEMPTS: Final = 20
SHOWN_FINDINGS: Final = 20
STRIP_S: Final = 86_400.0
RANGES: Final = {"1": "1 hour", "6": "6 hours", "24": "1 day"}
USUAL_RANGE: Final = "6"
MAX_REASON: Final = 200
_VERSION_DIGITS: Final = 18


class Bar(msgspec.Struct, frozen=True):
    """A time of connection inside the last day: where it begins and how long it is, in hundredths of the day."""

    x: float
    width: float


@get("/ui/agents/{uid:str}", opt={"role": None, "sees": Role.VIEWER}, include_in_schema=False)
async def agent_page(
    request: AnyRequest,
    *,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    uid: FromPath[str],
    hours: Annotated[str, QueryParameter(max_length=8)] = USUAL_RANGE,
) -> Response[str]:
    """The page of one agent, by its uid or host_id. `hours` is one of `RANGES`."""
    chosen, now = hours if hours in RANGES else USUAL_RANGE, view.now()
    found = await found_agent(registry, uid)
    agent = agent_body(found)
    own = await registry.list_attempts(AttemptQuery(agent_uid=agent.agent_uid, limit=SHOWN_ATTEMPTS))
    claimed = await registry.list_attempts(AttemptQuery(host_id=agent.host_id, failed=True, limit=5))
    stories = [story(body) for body in attempts_body(own).attempts]
    others = [story(body) for body in attempts_body(claimed).attempts if body.agent_uid != agent.agent_uid]
    known = await agent_findings_body(registry, found, now=now, limit=SHOWN_FINDINGS)
    history = await agent_history_body(registry, agent.agent_uid, now=now, hours=float(chosen))
    return view.page(
        request, "agent.html", title=agent.host_id, agent=agent, stories=stories, others=others,
        verdict=_worth_telling(agent.status.value, stories, others),
        absence=known.absence,
        open_findings=[finding for finding in known.findings if finding.resolved_at is None],
        past_findings=[finding for finding in known.findings if finding.resolved_at is not None],
        charts=agent_charts(
            history, heartbeat_s=agent.heartbeat_interval, since=now - float(chosen) * HOUR_S, until=now
        ),
        ranges=RANGES, hours=chosen,
        labels_text=labels_text(agent.labels),
        bars=bars([told.attempt for told in stories], now=now),
        verdicts={code: verdict(code) for told in stories for code in told.attempt.codes},
    )  # fmt: skip


@post("/ui/agents/{uid:str}/edit", opt={"role": None, "sees": Role.OPERATOR}, include_in_schema=False)
async def edit_agent(
    request: AnyRequest,
    *,
    registry: NamedDependency[Registry],
    visitor: NamedDependency[Visitor],
    form: NamedDependency[FormMultiDict],
    uid: FromPath[str],
) -> Response[None]:
    """Set labels and note to what was typed, unless somebody else was faster."""
    agent = await found_agent(registry, uid)
    wanted = read_labels(str(form.get("labels", "")))
    gone: dict[str, str | None] = {key: None for key in agent.labels if key not in wanted}
    change = AgentChange(labels={**gone, **wanted}, note=str(form.get("note", "")).replace("\r\n", "\n"))
    await changed_agent(registry, uid, change, version=_version(form), actor=visitor_name(visitor))
    return see_other(request, f"/ui/agents/{agent.agent_uid}", notice="Labels and note are saved.")


@post("/ui/agents/{uid:str}/forget", opt={"role": None, "sees": Role.OPERATOR}, include_in_schema=False)
async def forget_agent(
    request: AnyRequest,
    *,
    registry: NamedDependency[Registry],
    visitor: NamedDependency[Visitor],
    form: NamedDependency[FormMultiDict],  # noqa: ARG001 - checks the form
    uid: FromPath[str],
) -> Response[None]:
    """Remove the agent from the list."""
    agent = await found_agent(registry, uid)
    await registry.delete_agent(agent.agent_uid, actor=visitor_name(visitor))
    return see_other(request, "/ui/agents", notice=f"{printable(agent.host_id)} is forgotten.")


@post("/ui/agents/{uid:str}/disconnect", opt={"role": None, "sees": Role.OPERATOR}, include_in_schema=False)
async def disconnect_agent(
    request: AnyRequest,
    *,
    registry: NamedDependency[Registry],
    visitor: NamedDependency[Visitor],
    form: NamedDependency[FormMultiDict],
    uid: FromPath[str],
) -> Response[None]:
    """End the agent's connection; it may come back."""
    agent = await found_agent(registry, uid)
    reason = str(form.get("reason", ""))[:MAX_REASON]
    await registry.request_disconnect(agent.agent_uid, reason=reason, actor=visitor_name(visitor))
    return see_other(request, f"/ui/agents/{agent.agent_uid}", notice="The gateway was asked to end the connection.")


def bars(attempts: list[AttemptBody], *, now: float) -> list[Bar]:
    """When an agent was connected within the last day."""
    found = []
    for attempt in attempts:
        begun = max(unix(attempt.started_at), now - STRIP_S)
        ended = unix(attempt.ended_at) if attempt.ended_at else now
        if ended > begun:
            found.append(Bar((begun - now + STRIP_S) / STRIP_S * 100, max((ended - begun) / STRIP_S * 100, 0.2)))
    return found


def _worth_telling(status: str, stories: list[Story], others: list[Story]) -> object:
    """What is wrong now: nothing while the agent is well, else the newest attempt that says something."""
    if status == "online":
        return None
    return next((told.verdict for told in (*others[:1], *stories) if told.verdict is not None), None)


def _version(form: FormMultiDict) -> int | None:
    """The version that the form was filled from; without it nobody's change is in the way."""
    text = str(form.get("version", ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _VERSION_DIGITS else None


ROUTES = [agent_page, edit_agent, forget_agent, disconnect_agent]
