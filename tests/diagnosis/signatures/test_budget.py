"""The budget of deep searches, with the time passed in."""

from holdfast.diagnosis.signatures.budget import Allowance, SearchBudget


def test_the_first_search_is_granted() -> None:
    assert SearchBudget().refusal(key=b"k1", peer="192.0.2.1", now=0.0) is None


def test_a_key_gets_one_search_a_minute() -> None:
    budget = SearchBudget()
    budget.charge(key=b"k1", peer="192.0.2.1", now=0.0, cpu_s=0.06)

    assert budget.refusal(key=b"k1", peer="192.0.2.9", now=59.9) == "budget: one search per key in 60 s"
    assert budget.refusal(key=b"k1", peer="192.0.2.9", now=60.0) is None


def test_an_address_gets_one_search_in_ten_seconds_whatever_the_key() -> None:
    budget = SearchBudget()
    budget.charge(key=b"k1", peer="192.0.2.1", now=0.0, cpu_s=0.06)

    assert budget.refusal(key=b"k2", peer="192.0.2.1", now=9.9) == "budget: one search per address in 10 s"
    assert budget.refusal(key=b"k2", peer="192.0.2.1", now=10.0) is None


def test_asking_alone_uses_nothing_up() -> None:
    budget = SearchBudget()

    assert [budget.refusal(key=b"k1", peer="192.0.2.1", now=0.0) for _ in range(3)] == [None, None, None]


def test_agents_without_a_known_address_do_not_share_one() -> None:
    budget = SearchBudget()
    budget.charge(key=b"k1", peer="", now=0.0, cpu_s=0.06)

    assert budget.refusal(key=b"k2", peer="", now=0.1) is None


def test_a_thousand_keys_from_a_thousand_addresses_get_fifty_milliseconds_per_second() -> None:
    budget = SearchBudget()
    spent_s = 0.0
    for tick in range(100_000):  # a hundred attempts per second for a thousand seconds
        now, key, peer = tick / 100, f"k{tick}".encode(), f"2001:db8::{tick:x}"
        if budget.refusal(key=key, peer=peer, now=now) is None:
            budget.charge(key=key, peer=peer, now=now, cpu_s=0.07)
            spent_s += 0.07

    assert 49.0 < spent_s < 50.5


def test_a_spent_balance_says_so_and_fills_up_again() -> None:
    budget = SearchBudget()
    budget.charge(key=b"k1", peer="192.0.2.1", now=0.0, cpu_s=0.30)

    assert budget.refusal(key=b"k2", peer="192.0.2.2", now=0.0) == "budget: the gateway's share of CPU is spent"
    assert budget.refusal(key=b"k2", peer="192.0.2.2", now=1.1) is None


def test_a_clock_that_stands_or_steps_back_earns_nothing() -> None:
    budget = SearchBudget()
    assert budget.refusal(key=b"k0", peer="", now=100.0) is None
    budget.charge(key=b"k1", peer="", now=100.0, cpu_s=0.30)

    assert budget.refusal(key=b"k2", peer="", now=0.0) is not None
    assert budget.refusal(key=b"k2", peer="", now=100.0) is not None


def test_memory_is_bounded_and_forgets_the_oldest_key() -> None:
    budget = SearchBudget(Allowance(remembered=2, burst_s=10.0))
    for number in range(3):
        budget.charge(key=b"k%d" % number, peer=f"192.0.2.{number}", now=0.0, cpu_s=0.01)

    assert budget.refusal(key=b"k0", peer="", now=1.0) is None
    assert budget.refusal(key=b"k2", peer="", now=1.0) is not None
