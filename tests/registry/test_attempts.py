"""Connection attempts: kept for everybody, bounded for everybody."""

import asyncio

import msgspec
import pytest

from holdfast.model import AgentQuery, Attempt, AttemptQuery, Step, TimelineEntry
from holdfast.registry import InvalidQuery, Registry
from holdfast.registry.attempts import Attempts
from holdfast.store import open_store
from tests.registry.fleet import Clock

WHOLE = Attempt(
    attempt="a-1",
    started_at=10.0,
    ended_at=12.5,
    remote_address="192.0.2.7:4711",
    user_agent="Agent/1.0",
    claimed_org_id="acme",
    claimed_host_id="web-01",
    claimed_agent_uid="agt_claimed",
    claimed_fingerprint="ed25519:0123456789abcdef",
    agent_uid="agt_proved",
    step=Step.SIGNATURE,
    ended_how="closed by us",
    close_code=4400,
    close_reason="SIG-ORDER: sign nonce + server_time + host_id",
    codes=("SIG-ORDER", "CLK-SKEW"),
    timeline=(
        TimelineEntry(at=10.0, step="tcp"),
        TimelineEntry(at=11.0, step="signature", ok=False, code="SIG-ORDER", fact="host_id came first"),
    ),
    bytes_in=700,
    bytes_out=900,
    messages_in=3,
    profile="aegis",
)


async def names(registry: Registry, query: AttemptQuery) -> list[str]:
    """The attempts that a query finds, over all pages."""
    page = await registry.list_attempts(query)
    found = [attempt.attempt for attempt in page.attempts]
    while page.next_cursor is not None:
        page = await registry.list_attempts(msgspec.structs.replace(query, cursor=page.next_cursor))
        found += [attempt.attempt for attempt in page.attempts]
    return found


async def test_an_attempt_comes_back_as_it_was_saved(registry: Registry) -> None:
    await registry.save_attempts([WHOLE, Attempt(attempt="a-2", started_at=11.0)])

    assert await registry.get_attempt("a-1") == WHOLE
    assert await registry.get_attempt("a-2") == Attempt(attempt="a-2", started_at=11.0)
    assert await registry.get_attempt("a-3") is None


async def test_an_open_attempt_is_saved_again_as_it_goes_on(registry: Registry) -> None:
    started = Attempt(attempt="a-1", started_at=10.0)
    await registry.save_attempts([started])
    await registry.save_attempts([started, WHOLE])

    assert await registry.get_attempt("a-1") == WHOLE
    assert await names(registry, AttemptQuery()) == ["a-1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (AttemptQuery(), ["open", "other", "a-1"]),
        (AttemptQuery(open=True), ["open"]),
        (AttemptQuery(open=False), ["other", "a-1"]),
        (AttemptQuery(host_id="web-01"), ["a-1"]),
        (AttemptQuery(agent_uid="agt_proved"), ["a-1"]),
        (AttemptQuery(agent_uid="agt_claimed"), []),
        (AttemptQuery(code="SIG-ORDER"), ["a-1"]),
        (AttemptQuery(code="SIG"), []),
        (AttemptQuery(step=Step.TCP), ["open", "other"]),
        (AttemptQuery(address="192.0.2.7:4711"), ["a-1"]),
        (AttemptQuery(address="192.0.2.7"), ["a-1"]),
        (AttemptQuery(address="192.0.2"), []),
    ],
)
async def test_a_filter_finds_what_it_says_the_newest_first(
    registry: Registry, query: AttemptQuery, found: list[str]
) -> None:
    await registry.save_attempts(
        [
            WHOLE,
            Attempt(attempt="open", started_at=30.0, remote_address="192.0.2.9:1"),
            Attempt(attempt="other", started_at=20.0, ended_at=21.0, remote_address="192.0.20.7:1"),
        ]
    )

    assert await names(registry, query) == found


async def test_pages_show_every_attempt_once_also_when_many_began_in_one_moment(registry: Registry) -> None:
    await registry.save_attempts([Attempt(attempt=f"a-{number}", started_at=10.0) for number in range(20)])

    assert sorted(await names(registry, AttemptQuery(limit=3))) == sorted(f"a-{number}" for number in range(20))


async def test_a_cursor_of_another_list_is_refused(registry: Registry) -> None:
    await registry.expect_host("o", "h1")
    await registry.expect_host("o", "h2")
    cursor = (await registry.list_agents(AgentQuery(limit=1))).next_cursor
    with pytest.raises(InvalidQuery):
        await registry.list_attempts(AttemptQuery(cursor=cursor))


async def test_an_identity_keeps_its_newest_attempts_and_those_that_are_open(database_url: str, clock: Clock) -> None:
    store = await open_store(database_url)
    attempts = Attempts(store, clock, node="n", kept_per_identity=5, kept_in_all=1000)
    for number in range(20):
        loud = Attempt(attempt=f"loud-{number:02}", started_at=float(number), ended_at=99.0, claimed_host_id="loud")
        await attempts.save([msgspec.structs.replace(loud, ended_at=None) if number == 3 else loud])
    await attempts.save([Attempt(attempt="quiet", started_at=0.0, ended_at=1.0, claimed_host_id="quiet")])
    await attempts.prune()

    left = [attempt.attempt for attempt in (await attempts.list(AttemptQuery())).attempts]
    await store.close()
    assert left == [*(f"loud-{number:02}" for number in range(19, 14, -1)), "loud-03", "quiet"]


async def test_attempts_of_ever_new_identities_are_bounded_in_all(database_url: str, clock: Clock) -> None:
    store = await open_store(database_url)
    attempts = Attempts(store, clock, node="n", kept_per_identity=50, kept_in_all=100)
    for batch in range(10):
        flood = [
            Attempt(attempt=f"{batch}-{n}", started_at=batch + n / 100, ended_at=99.0, remote_address=f"{batch}.{n}")
            for n in range(60)
        ]
        await attempts.save(flood)
    await attempts.prune()

    page = await attempts.list(AttemptQuery(limit=1000))
    await store.close()
    assert len(page.attempts) == 100
    assert page.attempts[0].attempt == "9-59"


async def test_attempts_saved_at_once_are_all_stored(registry: Registry) -> None:
    await asyncio.gather(
        *(registry.save_attempts([Attempt(attempt=f"a-{n}", started_at=float(n))]) for n in range(100))
    )

    assert len(await names(registry, AttemptQuery())) == 100
