"""The routes of the fleet as a whole: how many agents there are of each kind, and the numbers of the last days."""

from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from holdfast.api.about import About
from holdfast.model import Role, Status
from holdfast.model.aggregates import Minute
from holdfast.protocol.times import rfc3339_millis
from holdfast.registry import Registry
from holdfast.registry.aggregates import MINUTE_S

MAX_POINTS: Final = 120
MAX_HOURS: Final = 768
HOUR_S: Final = 3600

Hours = Annotated[float, QueryParameter(gt=0, le=MAX_HOURS, description="How far back, in hours")]


class VersionBody(msgspec.Struct, frozen=True, kw_only=True):
    """How many agents run a version; it is empty where they do not say."""

    agent_version: str
    agents: int


class FleetBody(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet now. `statuses` has every status; `an_hour_ago` is null where nothing was counted then."""

    at: str
    total: int
    statuses: dict[str, int]
    an_hour_ago: dict[str, int] | None
    versions: list[VersionBody]


class PointBody(msgspec.Struct, frozen=True, kw_only=True):
    """What all gateways together counted in the `span_s` seconds from `at` on; levels are as at the end.

    `rtt_*` is how long agents took to answer a ping, `lag_ms` how late the gateway's event loop was: each the worst.
    """

    at: str
    span_s: int
    online: int
    opened: int
    ended: int
    registered: int
    resumed: int
    faults: int
    messages: int
    rtt_p50_ms: float | None
    rtt_p95_ms: float | None
    lag_ms: float
    statuses: dict[str, int]


class HistoryBody(msgspec.Struct, frozen=True, kw_only=True):
    """Points in the order of time; `step_s` is their distance. Times in which no gateway ran are left out."""

    step_s: int
    points: list[PointBody]


@get("/fleet", opt={"role": Role.VIEWER}, tags=["fleet"])
async def show_fleet(registry: NamedDependency[Registry], about: NamedDependency[About]) -> FleetBody:
    """How many agents there are of each status and version, now and an hour ago."""
    return await fleet_body(registry, now=about.clock())


@get("/fleet/history", opt={"role": Role.VIEWER}, tags=["fleet"])
async def show_history(
    registry: NamedDependency[Registry], about: NamedDependency[About], *, hours: Hours = 6
) -> HistoryBody:
    """The fleet's numbers over time, in at most 120 points."""
    return await history_body(registry, now=about.clock(), hours=hours)


async def fleet_body(registry: Registry, *, now: float) -> FleetBody:
    """The document of the fleet as it is."""
    counted = await registry.aggregates.statuses()
    then = int(now - HOUR_S)
    before = await registry.aggregates.between(then - 5 * MINUTE_S, then + MINUTE_S)
    versions = await registry.aggregates.versions()
    return FleetBody(
        at=rfc3339_millis(now),
        total=sum(counted.values()),
        statuses={status.value: counted.get(status.value, 0) for status in Status},
        an_hour_ago=before[-1].statuses if before else None,
        versions=[VersionBody(agent_version=version, agents=agents) for version, agents in versions],
    )


async def history_body(registry: Registry, *, now: float, hours: float) -> HistoryBody:
    """The document of the last `hours`."""
    step_s = step_for(hours)
    until = int(now) + 1
    since = until - int(hours * HOUR_S)
    minutes = await registry.aggregates.between(since - since % step_s, until, step_s)
    return HistoryBody(step_s=step_s, points=[_point(minute, until=until) for minute in minutes])


def step_for(hours: float) -> int:
    """The distance of points, in whole minutes, so that there are at most `MAX_POINTS`."""
    minutes = -(-hours * HOUR_S // (MAX_POINTS * MINUTE_S))
    return int(max(1, minutes)) * MINUTE_S


def _point(minute: Minute, *, until: int) -> PointBody:
    return PointBody(
        at=rfc3339_millis(minute.at),
        span_s=max(1, min(minute.span_s, until - minute.at)),  # the last one is not over yet
        online=minute.online,
        opened=minute.opened,
        ended=minute.ended,
        registered=minute.registered,
        resumed=minute.resumed,
        faults=minute.faults,
        messages=minute.messages,
        rtt_p50_ms=minute.rtt_p50_ms,
        rtt_p95_ms=minute.rtt_p95_ms,
        lag_ms=minute.lag_ms,
        statuses=minute.statuses,
    )


ROUTES = [show_fleet, show_history]
