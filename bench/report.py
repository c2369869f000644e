"""From readings to a table: medians, spread, and ratios taken pair by pair within a round."""

import statistics
from collections.abc import Sequence
from typing import Final

import msgspec
from rich import box
from rich.table import Table

from bench.findings import Trouble
from bench.servers import HOLDFAST

HIGHER_IS_BETTER: Final = ("registrations/s", "peak heartbeats/s")
RATIO_FLOOR: Final = 1e-9  # a reading of nothing, such as no heartbeats lost, has no ratio


class Summary(msgspec.Struct, frozen=True):
    """Median and extremes over the rounds."""

    median: float
    low: float
    high: float


class Results(msgspec.Struct, frozen=True):
    """Everything that was read: `readings[figure][server]` is one value a round, in the order of the rounds."""

    machine: dict[str, str]
    readings: dict[str, dict[str, list[float]]] = {}
    troubles: list[Trouble] = []

    def add(self, figure: str, server: str, value: float) -> None:
        self.readings.setdefault(figure, {}).setdefault(server, []).append(value)


def summary(values: Sequence[float]) -> Summary:
    return Summary(statistics.median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Summary | None:
    """Ours over theirs, each round by itself: what disturbs a round disturbs both. None where theirs was nothing."""
    pairs = [a / b for a, b in zip(ours, theirs, strict=False) if b > RATIO_FLOOR]
    return summary(pairs) if pairs else None


def as_json(results: Results) -> bytes:
    """The readings of every round with their summaries, for keeping and comparing."""
    summaries: dict[str, dict[str, dict[str, Summary | None]]] = {}
    for figure, by_server in results.readings.items():
        ours = by_server.get(HOLDFAST, [])
        summaries[figure] = {
            server: {"value": summary(values), "holdfast_ratio": ratios(ours, values) if server != HOLDFAST else None}
            for server, values in by_server.items()
        }
    document = {
        "machine": results.machine,
        "readings": results.readings,
        "summaries": summaries,
        "troubles": results.troubles,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def table(results: Results, servers: Sequence[str]) -> Table:
    """One row a figure; one column a server, and one of ratios for each peer where Holdfast was measured too."""
    peers = [server for server in servers if server != HOLDFAST] if HOLDFAST in servers else []
    shown = Table(box=box.ASCII2, title="median (lowest to highest round)", title_justify="left")
    shown.add_column("measurement")
    shown.add_column("better")
    for server in servers:
        shown.add_column(server, justify="right")
    for peer in peers:
        shown.add_column(f"holdfast / {peer}", justify="right")
    for figure, by_server in results.readings.items():
        ours = by_server.get(HOLDFAST, [])
        better = "higher" if figure.startswith(HIGHER_IS_BETTER) else "lower"
        values = [_shown(summary(by_server[server])) if server in by_server else "-" for server in servers]
        compared = [ratios(ours, by_server.get(peer, [])) for peer in peers]
        shown.add_row(figure, better, *values, *(_shown(ratio) + "x" if ratio else "-" for ratio in compared))
    return shown


def _shown(of: Summary) -> str:
    if of.low == of.high:
        return _number(of.median)
    return f"{_number(of.median)} ({_number(of.low)} to {_number(of.high)})"


def _number(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}".rstrip("0")
