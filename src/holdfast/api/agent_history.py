"""The route of one agent's numbers over the last day."""

from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from holdfast.api.about import About
from holdfast.api.agents import found_agent
from holdfast.api.fleet import HOUR_S, step_for
from holdfast.model import Role
from holdfast.protocol.times import rfc3339_millis
from holdfast.registry import Registry

MAX_HOURS: Final = 24

Hours = Annotated[float, QueryParameter(gt=0, le=MAX_HOURS, description="How far back, in hours")]


class AgentPointBody(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured in the step that began at `at`; `span_s` is how much of it the agent was connected.

    `rtt_ms` is the longest time the agent took to answer a ping, null where none was asked.
    """

    at: str
    span_s: int
    rtt_ms: float | None
    heartbeats: int


class AgentHistoryBody(msgspec.Struct, frozen=True, kw_only=True):
    """Points in the order of time; `step_s` is their distance. Times without a connection are left out.

    Whole minutes count: a connection that was not there for all of one leaves no point.
    """

    step_s: int
    points: list[AgentPointBody]


@get("/agents/{uid:str}/history", opt={"role": Role.VIEWER}, tags=["agents"])
async def show_agent_history(
    registry: NamedDependency[Registry], about: NamedDependency[About], *, uid: FromPath[str], hours: Hours = 6
) -> AgentHistoryBody:
    """An agent's latency and heartbeats over time, in at most 120 points."""
    agent = await found_agent(registry, uid)
    return await agent_history_body(registry, agent.agent_uid, now=about.clock(), hours=hours)


async def agent_history_body(registry: Registry, agent_uid: str, *, now: float, hours: float) -> AgentHistoryBody:
    """The document of the last `hours`."""
    step_s = step_for(hours)
    since = int(now - hours * HOUR_S)
    measured = await registry.agent_minutes.between(agent_uid, since - since % step_s, int(now) + 1, step_s)
    points = [
        AgentPointBody(at=rfc3339_millis(one.at), span_s=one.span_s, rtt_ms=one.rtt_ms, heartbeats=one.heartbeats)
        for one in measured
    ]
    return AgentHistoryBody(step_s=step_s, points=points)


ROUTES = [show_agent_history]
