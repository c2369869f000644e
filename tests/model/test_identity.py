"""Names that follow from keys."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.model import agent_uid, expected_uid, fingerprint

KEY = bytes(range(32))


def test_a_uid_is_26_base32_characters_of_the_keys_digest() -> None:
    # sha256(00 01 … 1f) = 630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd
    assert agent_uid(KEY) == "agt_mmg42klgyqzwneiskrelxms3j7"


def test_a_fingerprint_is_the_beginning_of_the_keys_digest() -> None:
    assert fingerprint(KEY) == "ed25519:630dcd2966c43366"


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_two_keys_share_a_uid_only_if_they_are_one_key(one: bytes, other: bytes) -> None:
    assert (agent_uid(one) == agent_uid(other)) == (one == other)


def test_an_expected_host_is_never_taken_for_an_agent() -> None:
    assert expected_uid("default-org", "web-01").startswith("exp_")
    assert expected_uid("a", "bc") != expected_uid("ab", "c")
