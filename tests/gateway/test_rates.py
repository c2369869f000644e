"""Token buckets: what is allowed at once, in the long run, and for how many addresses."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.gateway.rates import AddressBuckets, Bucket


def test_a_bucket_allows_its_burst_at_once_and_then_its_rate() -> None:
    bucket = Bucket(3, now=0.0)

    at_once = [bucket.take(0.0, rate=2.0, burst=3) for _ in range(4)]
    later = [bucket.take(0.4, rate=2.0, burst=3), bucket.take(0.5, rate=2.0, burst=3)]

    assert at_once == [True, True, True, False]
    assert later == [False, True]


def test_a_bucket_says_how_long_to_wait_and_keeps_its_word() -> None:
    bucket = Bucket(1, now=0.0)
    bucket.take(0.0, rate=4.0, burst=1)
    bucket.take(0.0, rate=4.0, burst=1)

    wait_s = bucket.wait_s(4.0)

    assert wait_s == 0.25
    assert bucket.take(wait_s, rate=4.0, burst=1)


def test_a_bucket_left_alone_holds_no_more_than_its_burst() -> None:
    bucket = Bucket(2, now=0.0)

    assert [bucket.take(1e9, rate=100.0, burst=2) for _ in range(3)] == [True, True, False]


@given(gaps=st.lists(st.floats(0, 5), max_size=200), rate=st.floats(0.1, 50), burst=st.integers(1, 50))
def test_no_pattern_of_asking_yields_more_than_burst_and_rate(gaps: list[float], rate: float, burst: int) -> None:
    bucket, now, taken = Bucket(burst, now=0.0), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now, rate=rate, burst=burst)

    assert taken <= burst + now * rate + 1e-6


def test_each_address_has_a_bucket_of_its_own() -> None:
    buckets = AddressBuckets(rate=1.0, burst=1)

    waits = [buckets.take("192.0.2.1", 0.0), buckets.take("192.0.2.1", 0.0), buckets.take("192.0.2.2", 0.0)]

    assert waits == [0.0, 1.0, 0.0]


def test_the_least_recently_used_address_is_forgotten_first_so_that_memory_is_bounded() -> None:
    buckets = AddressBuckets(rate=0.001, burst=1, limit=2)
    for address in ("a", "b", "a", "c"):
        buckets.take(address, 0.0)

    waits = [buckets.take("a", 0.0) > 0, buckets.take("b", 0.0) > 0]

    assert waits == [True, False]
