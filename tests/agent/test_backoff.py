"""When an agent comes back: properties of the waits."""

import random
import statistics

from hypothesis import given
from hypothesis import strategies as st

from holdfast.agent.backoff import MAX_RETRY_AFTER_S, Backoff, comes_back

DRAWS = st.floats(min_value=0, max_value=1, exclude_max=True)
FAILURES = st.integers(min_value=0, max_value=10**9)


@given(failures=FAILURES, draw=DRAWS)
def test_no_wait_is_negative_or_above_the_cap(failures: int, draw: float) -> None:
    assert 0 <= Backoff().delay_s(failures=failures, draw=draw) < 60


@given(failures=FAILURES, draw=DRAWS, retry_after_s=st.floats(min_value=0, max_value=1e12))
def test_no_agent_comes_back_before_the_announced_time_nor_hours_after_it(
    failures: int, draw: float, retry_after_s: float
) -> None:
    delay_s = Backoff().delay_s(failures=failures, draw=draw, retry_after_s=retry_after_s)

    assert min(retry_after_s, MAX_RETRY_AFTER_S) <= delay_s <= 1.5 * MAX_RETRY_AFTER_S + 60


@given(failures=st.integers(min_value=7, max_value=10**9), seed=st.integers())
def test_agents_at_the_cap_stay_spread_over_all_of_it(failures: int, seed: int) -> None:
    source = random.Random(seed)

    waits = [Backoff().delay_s(failures=failures, draw=source.random()) for _ in range(2000)]

    assert 27 < statistics.mean(waits) < 33
    assert min(waits) < 2
    assert max(waits) > 58


@given(seed=st.integers(), retry_after_s=st.floats(min_value=1, max_value=600))
def test_agents_that_were_told_the_same_time_do_not_come_back_at_once(seed: int, retry_after_s: float) -> None:
    source = random.Random(seed)

    waits = [Backoff().delay_s(failures=1, draw=source.random(), retry_after_s=retry_after_s) for _ in range(500)]

    assert max(waits) - min(waits) > 0.4 * retry_after_s


@given(code=st.integers(min_value=1000, max_value=4999))
def test_exactly_the_close_codes_from_4500_on_forbid_coming_back(code: int) -> None:
    assert comes_back(close_code=code, fault_code="LIFE-POLICY-1008") == (code < 4500)
