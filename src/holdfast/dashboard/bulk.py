"""Many agents at once: those ticked on a page, or all that the filters match."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Response, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from multidict import MultiDict

from holdfast.api.agents import AgentChange, changed_agent
from holdfast.api.codes import refuse
from holdfast.dashboard.agents import Choice, chosen
from holdfast.dashboard.labels import read_labels
from holdfast.dashboard.rendering import View, see_other, visitor_name
from holdfast.dashboard.visitors import AnyRequest, Visitor
from holdfast.faults import Refused
from holdfast.model import Agent, Role
from holdfast.registry import Registry

MAX_AGENTS: Final = 5_000
MAX_NAMED: Final = 500
AT_ONCE: Final = 50
DONE: Final = {"approve": "approved", "revoke": "revoked", "label": "labelled"}
MAX_REASON: Final = 200
_PAGE: Final = 500
Change = Callable[[Agent], Awaitable[object]]


@post("/ui/agents/bulk", opt={"role": None, "sees": Role.OPERATOR}, include_in_schema=False)
async def change_many(
    request: AnyRequest,
    *,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    visitor: NamedDependency[Visitor],
    form: NamedDependency[FormMultiDict],
) -> Response[str] | Response[None]:
    """Approve, revoke or label. Revoking is asked about first, since it ends connections."""
    verb, choice = str(form.get("do", "")), read_choice(str(form.get("choice", "")))
    if verb not in DONE:
        raise refuse("API-INVALID", what="nothing was chosen to be done", why="no button was pressed", field="do")
    agents = await _meant(registry, form, choice)
    back = str(form.get("back", "")) or choice.address()
    if verb == "revoke" and form.get("sure") != "yes":
        return view.page(
            request, "revoke.html", title="Revoke agents", agents=agents, choice=choice, back=_own(back),
            everywhere=form.get("everywhere") == "yes",
        )  # fmt: skip
    change = _change(verb, registry, form, actor=visitor_name(visitor))
    failures = await _each(agents, change)
    done = len(agents) - len(failures)
    told = f"{done} {'agent' if done == 1 else 'agents'} {DONE[verb]}."
    if failures:
        told += f" {len(failures)} not: {failures[0].problem.what}: {failures[0].problem.why}"
    return see_other(request, _own(back), notice=told)


def read_choice(query: str) -> Choice:
    """The choice that a list's address held."""
    return chosen(MultiDict(parse_qsl(query.partition("?")[2])))


async def _meant(registry: Registry, form: FormMultiDict, choice: Choice) -> list[Agent]:
    if form.get("everywhere") == "yes":
        found = await all_matching(registry, choice)
    else:
        named = dict.fromkeys(str(uid) for uid in form.getall("uid", []))
        found = [agent for uid in list(named)[:MAX_NAMED] if (agent := await registry.get_agent(uid)) is not None]
    if not found:
        raise refuse(
            "API-INVALID", what="no agent is selected", why="no row is ticked", fix="Tick the agents that you mean"
        )
    return found


async def all_matching(registry: Registry, choice: Choice) -> list[Agent]:
    """Every agent that the filters match.

    Raises:
        Refused: API-INVALID; there are more than one request should change.
    """
    query, found = msgspec.structs.replace(choice, cursor=None).query(limit=_PAGE), list[Agent]()
    while True:
        page = await registry.list_agents(query)
        found += page.agents
        if len(found) > MAX_AGENTS:
            raise refuse(
                "API-INVALID",
                what=f"more than {MAX_AGENTS} agents match",
                why="one request changes no more, so that a slip stays small",
                fix="Narrow the filters, or use the API page by page",
            )
        if page.next_cursor is None:
            return found
        query = msgspec.structs.replace(query, cursor=page.next_cursor)


def _change(verb: str, registry: Registry, form: FormMultiDict, *, actor: str) -> Change:
    if verb == "approve":
        return lambda agent: registry.approve(agent.agent_uid, actor=actor)
    if verb == "revoke":
        reason = str(form.get("reason", ""))[:MAX_REASON]
        return lambda agent: registry.revoke(agent.agent_uid, reason=reason, actor=actor)
    labels = read_labels(str(form.get("labels", "")))
    if not labels:
        raise refuse("API-INVALID", what="no label was given", why="the field is empty", fix="Write key=value")
    change = AgentChange(labels=dict(labels))
    return lambda agent: changed_agent(registry, agent.agent_uid, change, version=None, actor=actor)


async def _each(agents: Sequence[Agent], change: Change) -> list[Refused]:
    """Change every agent; one that is refused does not keep the others from it."""
    failures: list[Refused] = []
    for start in range(0, len(agents), AT_ONCE):
        part = agents[start : start + AT_ONCE]
        outcomes = await asyncio.gather(*(change(agent) for agent in part), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                failures.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
    return failures


def _own(back: str) -> str:
    return back if back.startswith("/ui/agents") else "/ui/agents"


ROUTES = [change_many]
