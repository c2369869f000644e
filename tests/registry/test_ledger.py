"""The ledger of attempts, from events to rows and back."""

import pytest

from holdfast.bus import LocalBus
from holdfast.model import AttemptQuery, Step
from holdfast.model.events import Event, EventKind, Fact
from holdfast.registry import Ledger, Registry
from holdfast.registry.story import MAX_ENTRIES
from holdfast.store import open_store


def event(
    kind: EventKind,
    at: float,
    *,
    attempt: str = "a-1",
    step: Step | None = None,
    code: str | None = None,
    **facts: Fact,
) -> Event:
    return Event(
        at=at, kind=kind, attempt=attempt, step=step, code=code, peer="192.0.2.7:4000", host_id="web-01", facts=facts
    )


async def test_a_story_continues_where_the_store_holds_its_beginning(database_url: str) -> None:
    store = await open_store(database_url)
    registry = Registry(store, LocalBus(), node_id="n1")
    first, later = Ledger(registry.attempts), Ledger(registry.attempts)
    first.record(event(EventKind.UPGRADED, 1.0, step=Step.UPGRADE, user_agent="test/1"))
    first.record(event(EventKind.INIT, 2.0, step=Step.INIT, fingerprint="ed25519:00"))
    await first.flush()

    later.record(event(EventKind.REFUSED, 3.0, code="SIG-ORDER", what="wrong order"))
    later.record(event(EventKind.ENDED, 4.0, how="fin", close_code=1006, close_reason=""))
    await later.flush()

    attempt = await registry.get_attempt("a-1")
    assert attempt is not None
    assert [entry.fact.split(":")[0] for entry in attempt.timeline] == [
        "WebSocket connection established",
        "registration init",
        "wrong order",
        "ended",
    ]
    assert [entry.step for entry in attempt.timeline] == ["upgrade", "init", "init", "init"]
    assert (attempt.started_at, attempt.ended_at, attempt.step) == (1.0, 4.0, Step.INIT)
    assert (attempt.ended_how, attempt.close_code, attempt.codes) == ("fin", 1006, ("SIG-ORDER",))
    assert (attempt.user_agent, attempt.claimed_host_id) == ("test/1", "web-01")
    await store.close()


@pytest.mark.parametrize(
    ("reached", "agent", "closed_by", "codes"),
    [
        (Step.UPGRADE, "test/1", "agent", ("LIFE-SILENT",)),
        (Step.CHALLENGE, "test/1", "nobody", ("REG-NEVER-COMPLETED",)),
        (Step.FIRST_HEARTBEAT, "test/1", "agent", ()),
        (Step.CHALLENGE, "test/1", "gateway", ()),
        (Step.CHALLENGE, "holdfast-doctor/0.1.0", "agent", ()),
    ],
)
async def test_an_attempt_that_ended_early_tells_what_was_left_undone(
    database_url: str, reached: Step, agent: str, closed_by: str, codes: tuple[str, ...]
) -> None:
    store = await open_store(database_url)
    registry = Registry(store, LocalBus(), node_id="n1")
    ledger = Ledger(registry.attempts)
    ledger.record(event(EventKind.UPGRADED, 1.0, step=Step.UPGRADE, user_agent=agent))
    ledger.record(event(EventKind.CHALLENGED, 2.0, step=reached))

    ledger.record(event(EventKind.ENDED, 3.0, how="close-frame", close_code=1000, closed_by=closed_by))
    await ledger.flush()

    attempt = await registry.get_attempt("a-1")
    await store.close()
    assert attempt is not None
    assert attempt.codes == codes
    assert (attempt.timeline[-1].ok, attempt.timeline[-1].code) == (not codes, codes[0] if codes else None)


@pytest.mark.parametrize(("early", "codes"), [(None, ("REG-NEVER-COMPLETED",)), ("MSG-NOT-JSON", ("MSG-NOT-JSON",))])
async def test_what_was_left_undone_is_told_also_where_the_store_holds_the_beginning(
    database_url: str, early: str | None, codes: tuple[str, ...]
) -> None:
    store = await open_store(database_url)
    registry = Registry(store, LocalBus(), node_id="n1")
    first, later = Ledger(registry.attempts), Ledger(registry.attempts)
    first.record(event(EventKind.UPGRADED, 1.0, step=Step.UPGRADE))
    if early is not None:
        first.record(event(EventKind.REFUSED, 1.5, code=early, what="wrong"))
    first.record(event(EventKind.CHALLENGED, 2.0, step=Step.CHALLENGE))
    await first.flush()

    later.record(event(EventKind.ENDED, 30.0, how="close-frame", close_code=1000, closed_by="agent"))
    await later.flush()

    attempt = await registry.get_attempt("a-1")
    await store.close()
    assert attempt is not None
    assert attempt.codes == codes


async def test_a_refused_handshake_is_an_attempt_that_has_ended(database_url: str) -> None:
    store = await open_store(database_url)
    registry = Registry(store, LocalBus(), node_id="n1")
    ledger = Ledger(registry.attempts)

    ledger.record(event(EventKind.HANDSHAKE_FAILED, 1.0, step=Step.TCP, code="WS-WRONG-PATH", what="wrong path"))
    await ledger.flush()

    page = await registry.list_attempts(AttemptQuery(open=False))
    assert [(a.attempt, a.ended_how, a.codes, a.step) for a in page.attempts] == [
        ("a-1", "refused", ("WS-WRONG-PATH",), Step.TCP)
    ]
    await store.close()


async def test_a_loop_of_refusals_keeps_its_beginning_and_its_end(database_url: str) -> None:
    store = await open_store(database_url)
    registry = Registry(store, LocalBus(), node_id="n1")
    ledger = Ledger(registry.attempts)
    ledger.record(event(EventKind.UPGRADED, 0.0, step=Step.UPGRADE))

    for number in range(1, 614):
        ledger.record(event(EventKind.REFUSED, float(number), code="MSG-NOT-JSON", what=f"number {number}"))
    await ledger.flush()

    attempt = await registry.get_attempt("a-1")
    assert attempt is not None
    timeline = attempt.timeline
    assert len(timeline) == MAX_ENTRIES
    assert (timeline[0].fact, timeline[-1].fact) == ("WebSocket connection established", "number 613")
    await store.close()
