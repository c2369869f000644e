"""The charts of the fleet page, from the API's points in time. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from holdfast.api.fleet import HistoryBody, PointBody
from holdfast.dashboard.texts import unix

ATTENTION: Final = ("pending", "degraded", "flapping", "duplicate")
AWAY: Final = ("offline", "never-connected")
ENOUGH_S: Final = 30  # a rate over less says more about the moment than about the minute
Read = Callable[[PointBody], float | None]


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


def charts(history: HistoryBody, *, since: float, until: float) -> list[Chart]:
    """What the page draws."""
    at, points = _even(history)

    def chart(name: str, title: str, unit: str, *lines: tuple[str, str, Read]) -> Chart:
        drawn = [
            Line(name=text, style=style, values=[None if point is None else read(point) for point in points])
            for text, style, read in lines
        ]
        return Chart(id=name, title=title, unit=unit, since=since, until=until, at=at, lines=drawn)

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


def _even(history: HistoryBody) -> tuple[list[float], Sequence[PointBody | None]]:
    """The points at even distances, with None where a gateway did not run: a line has to break there."""
    by_time = {unix(point.at): point for point in history.points}
    if not by_time:
        return [], []
    count = round((max(by_time) - min(by_time)) / history.step_s) + 1
    at = [min(by_time) + step * history.step_s for step in range(count)]
    return at, [by_time.get(moment) for moment in at]


def _of(point: PointBody, *statuses: str) -> float:
    return float(sum(point.statuses.get(status, 0) for status in statuses))


def _per_minute(count: int, point: PointBody) -> float | None:
    return round(count * 60 / point.span_s, 2) if point.span_s >= ENOUGH_S else None
