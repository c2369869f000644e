"""The checks of registration and of `auth`, one by one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faults import Problem
from holdfast.gateway.challenges import Challenges, Issued
from holdfast.gateway.proofs import clock_skew, foreign_challenge, new_challenge, wrong_challenge
from holdfast.protocol.payloads import Auth, Complete

ID = "0a3fe2c1-5c52-4a2c-9d3c-0f6f0d5b6a71"
NOW = 1000.0


def issued(registration_id: str = ID, attempt: str = "a-1", **more: object) -> Issued:
    values = {"host_id": "web-01", "issued_at": NOW - 10, "expires_at": NOW + 110} | more
    return Issued(registration_id, attempt, **values)  # type: ignore[arg-type]  # the test's own keywords


def judged(
    registration_id: str, own: Issued | None, *others: Issued, host_id: str = "web-01", signature: str = "sig"
) -> Problem | None:
    challenges = Challenges()
    for each in others:
        challenges.issue(each)
    complete = Complete(registration_id=registration_id, host_id=host_id, signature=signature)
    return wrong_challenge(complete, own, challenges, attempt="a-1", now=NOW)


def code(wrong: Problem | None) -> str | None:
    return wrong.code if wrong else None


def test_the_open_challenge_of_the_connection_is_right() -> None:
    assert judged(ID, issued(), issued()) is None


def test_a_challenge_is_good_until_the_second_it_expires() -> None:
    assert judged(ID, issued(expires_at=NOW + 0.001)) is None
    wrong = judged(ID, issued(issued_at=NOW - 120, expires_at=NOW))
    assert wrong is not None
    assert (wrong.code, wrong.why) == ("REG-ID-EXPIRED", "issued 120 s ago, it was good for 120 s")


@pytest.mark.parametrize(
    ("host_id", "hint"),
    [("WEB-01", "letter case"), ("web-01.example.org", "domain part"), ("db-01", "init said 'web-01'")],
)
def test_a_host_that_changed_between_the_steps_is_hinted_at(host_id: str, hint: str) -> None:
    wrong = judged(ID, issued(), host_id=host_id)

    assert wrong is not None
    assert (wrong.code, wrong.field) == ("REG-HOST-CHANGED", "payload.host_id")
    assert hint in wrong.why


@pytest.mark.parametrize(
    ("given_id", "hint"),
    [
        (f'"{ID}"', "quotes or white space"),
        (f"{ID}\n", "quotes or white space"),
        (ID[:30], "cut after 30 of 36"),
        (ID.replace("a", "b", 1), "nearly the one"),
        ("something else", "never issued"),
        ("", "never issued"),
    ],
)
def test_an_unknown_id_is_compared_with_the_one_that_was_issued(given_id: str, hint: str) -> None:
    wrong = judged(given_id, issued())

    assert wrong is not None
    assert (wrong.code, wrong.field) == ("REG-ID-UNKNOWN", "payload.registration_id")
    assert hint in wrong.why


def test_ids_of_other_connections_of_other_times_and_of_nobody_are_told_apart() -> None:
    theirs = issued("theirs", "a-2")
    used_there = issued("used there", "a-2", used=True, signature="sig")
    used_here = issued("used here", used=True)
    replaced, old = issued("replaced"), issued("old", expires_at=NOW - 1)

    codes = [
        code(judged("theirs", issued(), theirs)),
        code(judged("used there", issued(), used_there)),
        code(judged("used there", issued(), used_there, signature="another")),
        code(judged("used here", None, used_here)),
        code(judged("replaced", issued(), replaced)),
        code(judged("old", issued(), old)),
        code(judged("nobody's", None)),
    ]

    assert codes == [
        "REG-ID-OTHER-CONNECTION",
        "CLK-REPLAY",
        "REG-ID-OTHER-CONNECTION",
        "REG-ID-USED",
        "REG-ID-USED",
        "REG-ID-EXPIRED",
        "REG-ID-UNKNOWN",
    ]


@given(given_id=st.text(max_size=200), host_id=st.text(max_size=50), own=st.booleans())
def test_whatever_is_given_nothing_but_the_open_challenge_passes(given_id: str, host_id: str, own: bool) -> None:
    wrong = judged(given_id, issued() if own else None, host_id=host_id)

    assert wrong is not None
    assert wrong.why.isprintable()


def auth(timestamp: int, nonce: str = "bm9uY2U=") -> Auth:
    return Auth(agent_id="web-01", public_key="", timestamp=timestamp, nonce=nonce, signature="")


def test_a_clock_is_judged_in_both_directions_and_within_the_limit() -> None:
    ahead, behind = clock_skew(auth(1301), wall=1000.0, limit_s=300), clock_skew(auth(699), wall=1000.0, limit_s=300)

    assert clock_skew(auth(1300), wall=1000.0, limit_s=300) is None
    assert ahead is not None
    assert behind is not None
    assert "301 s ahead of" in ahead.why
    assert "301 s behind" in behind.why
    assert behind.evidence == {"skew_s": -301.0, "limit_s": 300}


def test_a_challenge_is_base64_of_32_bytes_and_known_as_one_by_every_gateway() -> None:
    own, other = new_challenge(bytes(26)), new_challenge(bytes(range(26)))

    assert len(base64.b64decode(own, validate=True)) == 32
    assert foreign_challenge(own, own) is None
    assert code(foreign_challenge(other, own)) == "CLK-REPLAY"


@given(st.binary(min_size=8, max_size=64))
def test_a_nonce_that_an_agent_chose_is_no_foreign_challenge(nonce: bytes) -> None:
    assert foreign_challenge(base64.b64encode(nonce).decode(), new_challenge(bytes(26))) is None


def test_challenges_are_forgotten_beyond_their_number_the_oldest_first() -> None:
    challenges = Challenges(limit=2)
    for name in ("first", "second", "third"):
        challenges.issue(issued(name))

    assert [challenges.find(name) is not None for name in ("first", "second", "third")] == [False, True, True]
