"""The first page: how the fleet stands, what is wrong in it, and how the gateway itself does."""

from collections.abc import Mapping
from typing import Annotated, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from holdfast.api.about import About
from holdfast.api.fleet import HOUR_S, fleet_body, history_body
from holdfast.api.health import checked
from holdfast.dashboard.charts import charts
from holdfast.dashboard.findings import ranked
from holdfast.dashboard.rendering import View
from holdfast.dashboard.visitors import AnyRequest
from holdfast.model import Role
from holdfast.registry import Registry

RANGES: Final = {"1": "1 hour", "6": "6 hours", "24": "1 day", "168": "7 days", "720": "30 days"}
USUAL_RANGE: Final = "6"
RANKED: Final = 5  # causes on the first page


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
    groups = await ranked(registry)
    return view.page(
        request, "fleet.html", title="Fleet", fleet=fleet, groups=groups[:RANKED],
        more_causes=max(0, len(groups) - RANKED),
        charts=charts(history, since=now - float(chosen) * HOUR_S, until=now),
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


ROUTES = [fleet_page]
