"""The first page: how the fleet stands, what is wrong in it, and how the gateway itself does."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from holdfast.api.about import About
from holdfast.api.fleet import HistoryBody, PointBody, fleet_body, history_body
from holdfast.api.health import checked
from holdfast.dashboard.findings import ranked
from holdfast.dashboard.rendering import View
from holdfast.dashboard.texts import unix
from holdfast.dashboard.visitors import AnyRequest
from holdfast.model import Role
from holdfast.registry import Registry

RANGES: Final = {"1": "1 hour", "6": "6 hours", "24": "1 day", "168": "7 days", "720": "30 days"}
USUAL_RANGE: Final = "6"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a chart; `style` picks its colour and dashes."""

    name: str
    style: str
    values: list[float | None]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One chart: its points in time (Unix seconds) and its lines."""

    id: str
    title: str
    unit: str
    at: list[float]
    lines: list[Line]


@get("/", opt={"role": None, "sees": Role.VIEWER}, include_in_schema=False)
async def fleet_page(
    request: AnyRequest,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    about: NamedDependency[About],
    *,
    hours: Annotated[str, QueryParameter(max_length=8)] = USUAL_RANGE,
) -> Response[str]:
    """The page. `hours` is one of `RANGES`."""
    chosen = hours if hours in RANGES else USUAL_RANGE
    now = view.now()
    fleet = await fleet_body(registry, now=now)
    history = await history_body(registry, now=now, hours=float(chosen))
    checks = await checked(about)
    return view.page(
        request, "fleet.html", title="Fleet", fleet=fleet, groups=await ranked(registry), charts=charts(history),
        newest=history.points[-1] if history.points else None, ranges=RANGES, hours=chosen,
        checks={name: check for name, (check, _) in checks.items()}, uptime_s=now - about.started_at,
        deltas=deltas(fleet.statuses, fleet.an_hour_ago),
    )  # fmt: skip


def deltas(now: Mapping[str, int], before: Mapping[str, int] | None) -> dict[str, str]:
    """What changed within the hour, in words; empty where nothing is known."""
    if before is None:
        return dict.fromkeys(now, "")
    return {name: _delta(count - before.get(name, 0)) for name, count in now.items()}


def _delta(difference: int) -> str:
    return f"{difference:+d} in an hour" if difference else "as an hour ago"


def charts(history: HistoryBody) -> list[Chart]:
    """What the page draws."""
    points = history.points
    at = [unix(point.at) for point in points]

    def per_minute(name: str) -> list[float | None]:
        return [round(getattr(point, name) * 60 / point.span_s, 2) for point in points]

    return [
        Chart(
            id="agents", title="Agents", unit="", at=at,
            lines=[
                Line(name="online", style="ok", values=_status(points, "online")),
                Line(name="needing attention", style="warn", values=_status(points, *ATTENTION)),
                Line(name="offline", style="soft", values=_status(points, "offline", "never-connected")),
            ],
        ),
        Chart(
            id="connections", title="Connections per minute", unit="/min", at=at,
            lines=[
                Line(name="opened", style="soft", values=per_minute("opened")),
                Line(name="registered or resumed", style="ok", values=_both(points)),
                Line(name="faults", style="bad", values=per_minute("faults")),
            ],
        ),
        Chart(
            id="latency", title="Round trip to agents", unit="ms", at=at,
            lines=[
                Line(name="median", style="soft", values=[point.rtt_p50_ms for point in points]),
                Line(name="95th percentile", style="ink", values=[point.rtt_p95_ms for point in points]),
            ],
        ),
        Chart(
            id="messages", title="Messages per minute", unit="/min", at=at,
            lines=[Line(name="received", style="ink", values=per_minute("messages"))],
        ),
    ]  # fmt: skip


ATTENTION: Final = ("pending", "degraded", "flapping", "duplicate")


def _status(points: list[PointBody], *names: str) -> list[float | None]:
    return [float(sum(point.statuses.get(name, 0) for name in names)) for point in points]


def _both(points: list[PointBody]) -> list[float | None]:
    return [round((point.registered + point.resumed) * 60 / point.span_s, 2) for point in points]


ROUTES = [fleet_page]
