"""/metrics: read at scrape time from plain numbers, so that the hot path pays nothing for them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from holdfast.model.events import EventKind

if TYPE_CHECKING:
    from holdfast.gateway.server import Gateway


class GatewayCollector(Collector):
    """Labels are of low cardinality: a kind or a fault code, never an agent."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    def collect(self) -> Iterable[Metric]:
        gateway = self._gateway
        counts = gateway.journal.counts
        yield _gauge("connections", "Open connections", len(gateway.sockets))
        yield _gauge("unregistered_connections", "Open connections that proved no key", gateway.entrance.unregistered)
        yield _gauge("agents_connected", "Agents connected to this gateway", len(gateway.live))
        yield _gauge("loop_lag_seconds", "How late the event loop was at the last tick", gateway.lag_s)
        yield _gauge("uptime_seconds", "Since the gateway started", gateway.uptime_s())
        yield _counter("messages", "Messages received", gateway.messages_received())
        yield _counter("registrations", "Completed registrations", counts[EventKind.REGISTERED])
        yield _counter("resumptions", "Sessions resumed by auth", counts[EventKind.RESUMED])
        faults = CounterMetricFamily("holdfast_gateway_faults", "Faults seen, by code", labels=["code"])
        for code, count in gateway.journal.codes.items():
            faults.add_metric([code], count)
        yield faults
        events = CounterMetricFamily("holdfast_gateway_events", "Events recorded, by kind", labels=["kind"])
        for kind, count in counts.items():
            events.add_metric([kind.value], count)
        yield events


def exposition(gateway: "Gateway") -> bytes:
    """The metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(GatewayCollector(gateway))
    return generate_latest(registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"holdfast_gateway_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"holdfast_gateway_{name}", text, value=value)
