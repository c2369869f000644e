"""The explainer as a gateway uses it, with a real searching process."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from nacl.signing import SigningKey

from holdfast.diagnosis.signatures.search import SignatureExplainer
from tests.diagnosis.signatures.author import NONCE, NONCE_BYTES, SERVER_TIME, Author, b64

DECODED = NONCE_BYTES + f"{SERVER_TIME}web-01".encode()
LOCAL = NONCE + "2026-11-23T11:31:46+05:30" + "web-01"


@pytest.fixture
async def explainer() -> AsyncIterator[SignatureExplainer]:
    async with SignatureExplainer() as explainer:
        yield explainer


def somebody(number: int) -> Author:
    """An author of his own: another key, another address."""
    key = SigningKey(number.to_bytes(32, "big"))
    return Author(registered=bytes(key.verify_key), signing=key, peer=f"192.0.2.{number}")


async def test_a_mistake_is_named(explainer: SignatureExplainer) -> None:
    found = await explainer.explain(Author().failure(DECODED), now=0.0)

    assert (found.code, found.proved, found.search) == ("SIG-NONCE-DECODED", True, "complete")
    assert found.took_s > 0


async def test_shapes_and_random_bytes_start_no_process(explainer: SignatureExplainer) -> None:
    for signature in ("", b64(bytes(63)), b64(b"\xff" * 64), "x" * 50_000):
        await explainer.explain(Author().sent(signature), now=0.0)

    assert explainer.worker_pid is None


async def test_the_same_signature_again_is_answered_from_memory(explainer: SignatureExplainer) -> None:
    failed = Author().failure("unknown")
    first = await explainer.explain(failed, now=0.0)
    pid = kill_worker(explainer)

    again = await explainer.explain(failed, now=1.0)

    assert again == first
    assert explainer.worker_pid == pid
    assert again.search == "complete"


async def test_a_key_is_searched_deeply_once_a_minute_and_shallowly_always(explainer: SignatureExplainer) -> None:
    unknown = await explainer.explain(Author().failure("unknown"), now=0.0)
    denied = await explainer.explain(Author().failure(LOCAL), now=30.0)
    shallow = await explainer.explain(Author().failure(DECODED), now=30.0)
    granted = await explainer.explain(Author().failure(LOCAL), now=60.0)

    assert (unknown.code, unknown.search) == ("SIG-UNEXPLAINED", "complete")
    assert (denied.code, denied.search) == ("SIG-UNEXPLAINED", "skipped, budget: one search per key in 60 s")
    assert denied.tried > 100
    assert (shallow.code, shallow.search) == ("SIG-NONCE-DECODED", "complete")
    assert granted.code == "SIG-TIME-LOCAL"


async def test_what_was_not_searched_to_the_end_is_never_called_unknown(explainer: SignatureExplainer) -> None:
    searched = (await explainer.explain(Author().failure("unknown"), now=0.0)).problem()
    denied = (await explainer.explain(Author().failure(LOCAL), now=30.0)).problem()
    encoded = (await explainer.explain(Author().failure(LOCAL, encode=bytes.hex), now=30.0)).problem()

    assert searched.what == "The signature does not verify and no known mistake explains it"
    assert denied.what == ("The signature does not verify and what was signed instead was not searched to the end")
    assert denied.why.endswith("the search was not made to its end: skipped, budget: one search per key in 60 s")
    assert denied.fix.endswith("or try again in a minute, and the search is made to its end")
    assert (encoded.code, "no known mistake" in encoded.what) == ("SIG-ENC-HEX", False)


async def test_mistakes_found_in_the_first_tier_use_up_no_budget(explainer: SignatureExplainer) -> None:
    await explainer.explain(Author().failure(DECODED), now=0.0)

    assert (await explainer.explain(Author().failure(LOCAL), now=0.1)).code == "SIG-TIME-LOCAL"


async def test_the_mistake_made_last_is_tried_first(explainer: SignatureExplainer) -> None:
    first = await explainer.explain(Author().failure(LOCAL), now=0.0)
    second = await explainer.explain(Author(registration_id="r2").failure(LOCAL), now=1.0)

    assert first.code == second.code == "SIG-TIME-LOCAL"
    assert second.tried == 2
    assert first.tried > 150


async def test_after_three_equal_failures_no_search_is_needed(explainer: SignatureExplainer) -> None:
    for number in range(3):
        await explainer.explain(Author(registration_id=f"r{number}").failure(DECODED), now=float(number))
    pid = kill_worker(explainer)

    fourth = await explainer.explain(Author(registration_id="r4").failure(DECODED), now=4.0)

    assert (fourth.code, fourth.proved, fourth.tried, fourth.search) == ("SIG-NONCE-DECODED", True, 1, "same as before")
    assert explainer.worker_pid == pid


async def test_another_mistake_after_three_equal_ones_is_searched_for(explainer: SignatureExplainer) -> None:
    for number in range(3):
        await explainer.explain(Author(registration_id=f"r{number}").failure(DECODED), now=float(number))

    changed = await explainer.explain(Author().failure(Author().right + "\n"), now=4.0)

    assert changed.code == "SIG-TRAILING"


async def test_beyond_the_queue_the_answer_comes_at_once(explainer: SignatureExplainer) -> None:
    searches = [asyncio.create_task(explainer.explain(somebody(n).failure("unknown"), now=0.0)) for n in range(1, 17)]
    await asyncio.sleep(0)

    beyond = await explainer.explain(somebody(17).failure(DECODED), now=0.0)
    none_before = not any(search.done() for search in searches)

    assert (beyond.code, beyond.search) == ("SIG-UNEXPLAINED", "skipped, budget: 16 searches are waiting")
    assert none_before
    found = await asyncio.gather(*searches)
    assert {explanation.code for explanation in found} == {"SIG-UNEXPLAINED"}
    # The gateway's share of CPU is for a few of them; all others were searched in the first tier.
    assert 1 <= sum(explanation.search == "complete" for explanation in found) < 16


async def test_equal_signatures_at_the_same_time_are_searched_once(explainer: SignatureExplainer) -> None:
    failed = Author().failure("unknown")

    first, second = await asyncio.gather(explainer.explain(failed, now=0.0), explainer.explain(failed, now=0.0))

    assert first == second
    assert first.search == "complete"


async def test_the_death_of_the_worker_is_survived(explainer: SignatureExplainer) -> None:
    await explainer.explain(somebody(1).failure(DECODED), now=0.0)
    pid = explainer.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    asked = asyncio.create_task(explainer.explain(somebody(2).failure(DECODED), now=1.0))
    await until_asked()
    os.kill(pid, signal.SIGKILL)

    failed = await asked
    after = await explainer.explain(somebody(3).failure(DECODED), now=2.0)

    assert failed.code == "SIG-UNEXPLAINED"
    assert failed.search == "search failed: the searching process ended"
    assert (failed.expected_len, failed.proved) == (70, False)
    assert after.code == "SIG-NONCE-DECODED"
    assert explainer.worker_pid not in {None, pid}


async def test_a_search_that_failed_is_made_again_for_the_same_signature(explainer: SignatureExplainer) -> None:
    failed = replace(Author().failure(DECODED), host_id="\ud800")
    unsearched = await explainer.explain(failed, now=0.0)
    assert unsearched.search == "search failed: a text holds half a surrogate pair"

    assert (await explainer.explain(replace(failed, host_id="web-01"), now=1.0)).code == "SIG-NONCE-DECODED"


async def test_a_caller_that_goes_away_costs_nobody_the_worker(explainer: SignatureExplainer) -> None:
    await explainer.explain(somebody(1).failure(DECODED), now=0.0)
    pid = explainer.worker_pid
    gone = asyncio.create_task(explainer.explain(somebody(2).failure("unknown"), now=1.0))
    await until_asked()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone

    assert (await explainer.explain(somebody(3).failure(DECODED), now=2.0)).code == "SIG-NONCE-DECODED"
    assert explainer.worker_pid == pid


async def test_the_event_loop_stays_free_while_a_search_runs(explainer: SignatureExplainer) -> None:
    await explainer.explain(somebody(1).failure(DECODED), now=0.0)
    spent_s = time.thread_time()

    found = await explainer.explain(somebody(2).failure("unknown"), now=1.0)

    spent_s = time.thread_time() - spent_s
    assert found.search == "complete"
    assert spent_s < found.took_s / 4


async def test_closing_ends_searches_and_process() -> None:
    explainer = SignatureExplainer()
    await explainer.explain(somebody(1).failure(DECODED), now=0.0)
    pid = explainer.worker_pid
    assert pid is not None
    waiting = asyncio.create_task(explainer.explain(somebody(2).failure("unknown"), now=1.0))
    await asyncio.sleep(0)

    await explainer.aclose()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def kill_worker(explainer: SignatureExplainer) -> int:
    """Kills the process: whatever needs one after this fails or gets one with another pid."""
    pid = explainer.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


async def until_asked() -> None:
    """One turn of the loop starts the caller's task, one the search; where a process runs, the job is then written."""
    for _ in range(2):
        await asyncio.sleep(0)
