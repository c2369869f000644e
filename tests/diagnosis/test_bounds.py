"""A flood of claims can neither fill memory, nor hide real agents, nor touch what is known of them."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.diagnosis.book import MAX_OPEN
from holdfast.model import Step
from holdfast.model.events import Event, EventKind
from tests.diagnosis.fleet import BEGIN, Gateway, Host

CODES = ["SIG-ORDER", "MSG-NOT-JSON", "REG-HOST-CHANGED", "ID-TOKEN-INVALID", "MSG-TS-MILLIS"]


def flood(gateway: Gateway, n: int, *, host_id: str = "", first: int = 0) -> None:
    for i in range(first, first + n):
        agent = Host(host_id or f"fake-{i}", address=f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", instance=None)
        link = gateway.connect(agent).first_message().init().challenge()
        link.complete().refuse(CODES[i % 5], retry_after_s=30.0)
        link.end("close-frame", code=1000, by="agent")
        gateway.wait(0.01)


def test_a_flood_of_claims_stays_within_its_bounds() -> None:
    gateway = Gateway()
    held = []

    tracemalloc.start()
    for i in range(5):
        flood(gateway, 4_000, first=i * 4_000)
        gateway.changes.clear()
        gateway.events.clear()
        gateway.findings.clear()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert held[-1] < 1.05 * held[-2] < 15_000_000


def test_a_flood_of_claims_leaves_a_real_agents_finding_open_and_listed() -> None:
    gateway, agent = Gateway(), Host("real", address="192.0.2.9")
    gateway.join(agent).refuse("SIG-ORDER")
    before = gateway.open("SIG-ORDER")

    flood(gateway, 3_000)

    real = [finding for finding in gateway.open("SIG-ORDER") if finding.subject.agent_uid]
    assert real == before
    assert len(gateway.open()) <= MAX_OPEN[False]


def test_whoever_claims_the_name_of_a_registered_agent_touches_nothing_of_it() -> None:
    gateway, agent = Gateway(), Host("real", address="192.0.2.9")
    gateway.join(agent).refuse("MSG-FIELD-MISSING")
    before = gateway.one("MSG-FIELD-MISSING")

    flood(gateway, 50, host_id="real")
    gateway.connect(Host("real", address="10.0.0.1")).first_message().init().refuse("MSG-FIELD-MISSING")

    assert gateway.findings[before.id] == before
    assert gateway.conditions() == [("agt_real", "degraded")]


def test_a_flood_of_silent_peers_is_one_finding() -> None:
    gateway = Gateway()

    for i in range(500):
        link = gateway.connect(Host(f"peer-{i}", address=f"10.0.{i >> 8}.{i & 255}"))
        link.tell(EventKind.SILENT, code="LIFE-SILENT")

    (found,) = gateway.open()
    assert (found.code, found.agents_count) == ("LIFE-SILENT", 500)


KINDS = st.sampled_from(sorted(EventKind))
FACTS = st.dictionaries(
    st.sampled_from(
        ["how", "close_code", "closed_by", "age_s", "heard_s", "pinged_s", "quiet_s", "messages", "offset_s", "by",
         "instance", "boot_id", "lag_s", "retry_after_s", "other_keys", "previous_host_id", "admission", "first_time",
         "unacked", "backoff", "last_data_recv", "last_ack_recv", "last_data_sent", "via", "late_s", "what", "why"],
    ),
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5000), st.floats(-10, 1e6), st.text(max_size=8),
        st.sampled_from(["nobody", "agent", "gateway", "fin", "reset", "pending", "a-0", "a-1", "close-frame"]),
    ),
    max_size=12,
)  # fmt: skip
EVENTS = st.lists(
    st.builds(
        Event,
        at=st.floats(BEGIN, BEGIN + 1000),
        kind=KINDS,
        attempt=st.sampled_from(["a-0", "a-1", "a-2", ""]),
        step=st.none() | st.sampled_from(Step),
        code=st.none() | st.sampled_from([*CODES, "LIFE-HALF-OPEN", "LIFE-SILENT", "SRV-DB-DOWN", "NO-SUCH-CODE"]),
        peer=st.sampled_from(["192.0.2.1:1", "[2001:db8::1]:2", None, ""]),
        org_id=st.none() | st.just("default-org"),
        host_id=st.none() | st.sampled_from(["web-01", "web-02"]),
        agent_uid=st.none() | st.sampled_from(["agt_1", "agt_2"]),
        facts=FACTS,
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_no_stream_of_events_breaks_the_engine_and_a_replay_says_the_same(events: list[Event]) -> None:
    told = []
    for _ in range(2):
        gateway = Gateway()
        for event in sorted(events, key=lambda event: event.at):
            gateway.wait(max(0.0, event.at - gateway.now))
            gateway._take(gateway.engine.on_event(event))
        gateway.wait(100)
        told.append(gateway.changes)

    assert told[0] == told[1]
