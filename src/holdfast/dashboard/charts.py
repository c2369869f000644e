"""The charts of the fleet and of an agent, from the API's points in time. Pure."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from holdfast.api.agent_history import AgentHistoryBody, AgentPointBody
from holdfast.api.fleet import HistoryBody, PointBody
from holdfast.dashboard.texts import unix

ATTENTION: Final = ("pending", "degraded", "flapping", "duplicate")
AWAY: Final = ("offline", "never-connected")
ENOUGH_S: Final = 30  # a rate over less says more about the moment than about the minute
NOTHING_COUNTED: Final = "Nothing was counted in this time. The first numbers come within a minute."
NOTHING_MEASURED: Final = (
    "The agent was not connected in this time. The first numbers come when it has been for a whole minute."
)


class Point(Protocol):
    """A point in time, of whatever was counted."""

    @property
    def at(self) -> str: ...


P = TypeVar("P", bound=Point)
Read = Callable[[P], float | None]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line; `style` picks its colour and dashes. A value is None where nothing was counted."""

    name: str
    style: str
    values: list[float | None]

    @property
    def newest(self) -> float | None:
        """The last value that is known."""
        return next((value for value in reversed(self.values) if value is not None), None)


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Lines over the same points in time (Unix seconds), from `since` to `until`, however much of that is known."""

    id: str
    title: str
    unit: str
    since: float
    until: float
    at: list[float]
    lines: list[Line]
    nothing: str = NOTHING_COUNTED


def charts(history: HistoryBody, *, since: float, until: float) -> list[Chart]:
    """What the page draws."""
    at, points = _even(history.points, history.step_s)

    def chart(name: str, title: str, unit: str, *lines: tuple[str, str, Read[PointBody]]) -> Chart:
        return Chart(id=name, title=title, unit=unit, since=since, until=until, at=at, lines=_lines(points, lines))

    return [
        chart(
            "agents", "Agents", "",
            ("online", "ok", lambda point: _of(point, "online")),
            ("needing attention", "warn", lambda point: _of(point, *ATTENTION)),
            ("away", "soft", lambda point: _of(point, *AWAY)),
        ),
        chart(
            "connections", "Connections per minute", "/min",
            ("opened", "soft", lambda point: _per_minute(point.opened, point)),
            ("registered or resumed", "ok", lambda point: _per_minute(point.registered + point.resumed, point)),
            ("faults", "bad", lambda point: _per_minute(point.faults, point)),
        ),
        chart(
            "latency", "Round trip to agents", " ms",
            ("median", "soft", lambda point: point.rtt_p50_ms),
            ("95th percentile", "ink", lambda point: point.rtt_p95_ms),
        ),
        chart(
            "messages", "Messages per minute", "/min",
            ("received", "ink", lambda point: _per_minute(point.messages, point)),
        ),
    ]  # fmt: skip


def agent_charts(history: AgentHistoryBody, *, heartbeat_s: float | None, since: float, until: float) -> list[Chart]:
    """What the page of an agent draws. It was asked for a heartbeat every `heartbeat_s` seconds."""
    at, points = _even(history.points, history.step_s)
    asked = round(60 / heartbeat_s, 2) if heartbeat_s else None

    def chart(name: str, title: str, unit: str, *lines: tuple[str, str, Read[AgentPointBody]]) -> Chart:
        return Chart(
            id=name, title=title, unit=unit, since=since, until=until, at=at, lines=_lines(points, lines),
            nothing=NOTHING_MEASURED,
        )  # fmt: skip

    return [
        chart("latency", "Round trip", " ms", ("longest", "ink", lambda point: _rounded(point.rtt_ms))),
        chart(
            "heartbeats", "Heartbeats per minute", "/min",
            ("received", "ok", lambda point: round(point.heartbeats * 60 / point.span_s, 2)),
            ("asked for", "soft", lambda _: asked),
        ),
    ]  # fmt: skip


def _lines(points: Sequence[P | None], lines: Sequence[tuple[str, str, Read[P]]]) -> list[Line]:
    return [
        Line(name=name, style=style, values=[None if point is None else read(point) for point in points])
        for name, style, read in lines
    ]


def _even(points: Sequence[P], step_s: int) -> tuple[list[float], Sequence[P | None]]:
    """The points at even distances, with None where nothing ran: a line has to break there."""
    by_time = {unix(point.at): point for point in points}
    if not by_time:
        return [], []
    count = round((max(by_time) - min(by_time)) / step_s) + 1
    at = [min(by_time) + step * step_s for step in range(count)]
    return at, [by_time.get(moment) for moment in at]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _of(point: PointBody, *statuses: str) -> float:
    return float(sum(point.statuses.get(status, 0) for status in statuses))


def _per_minute(count: int, point: PointBody) -> float | None:
    return round(count * 60 / point.span_s, 2) if point.span_s >= ENOUGH_S else None
