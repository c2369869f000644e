"""The signed texts and their verification, and what a close code tells an agent."""

from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from holdfast.protocol.closes import CloseCode, is_terminal
from holdfast.protocol.signing import auth_text, registration_text, verifies
from holdfast.protocol.times import rfc3339_millis, rfc3339_seconds

KEY = SigningKey(bytes(32))
PUBLIC = bytes(KEY.verify_key)
# RFC 8032 leaves them to the verifier: with such a key, R = key and S = 0 "sign" every text.
SMALL_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
]


@given(st.binary(max_size=40), st.binary(max_size=80), st.binary(max_size=80))
def test_verifying_is_total(key: bytes, text: bytes, signature: bytes) -> None:
    assert verifies(key, text, signature) is False


@given(st.binary(max_size=80))
def test_a_signature_is_good_for_its_text_and_for_no_other(text: bytes) -> None:
    signature = KEY.sign(text).signature

    assert verifies(PUBLIC, text, signature)
    assert not verifies(PUBLIC, text + b"\n", signature)
    assert not verifies(PUBLIC, text, signature + b"\0")
    assert not verifies(PUBLIC, text, signature[:-1])


@given(st.sampled_from(SMALL_ORDER), st.binary(max_size=80))
def test_a_key_of_small_order_signs_nothing(key: bytes, text: bytes) -> None:
    assert not verifies(key, text, key + bytes(32))
    assert not verifies(key, text, SMALL_ORDER[1] + bytes(32))


@given(st.text(max_size=20))
def test_the_texts_are_joined_as_they_stand(host_id: str) -> None:
    # Half of a surrogate pair cannot come over the wire, and must not break anything should it come from elsewhere.
    expected = host_id.encode("utf-8", "surrogatepass")

    assert registration_text(nonce="bm9uY2U=", server_time="2025-11-24T16:00:00Z", host_id=host_id) == (
        b"bm9uY2U=2025-11-24T16:00:00Z" + expected
    )
    assert auth_text(agent_id=host_id, public_key="cHVi", timestamp=7, nonce="bm9uY2U=") == (
        expected + b":cHVi:7:bm9uY2U="
    )


@given(st.integers(0, 253_402_300_799))
def test_server_time_has_twenty_characters(unix_s: int) -> None:
    assert len(rfc3339_seconds(unix_s)) == 20
    assert rfc3339_seconds(unix_s)[:19] == rfc3339_millis(float(unix_s))[:19]


def test_only_the_upper_band_tells_an_agent_to_stay_away() -> None:
    assert [code for code in CloseCode if is_terminal(code)] == [CloseCode.DENIED, CloseCode.REPLACED]
    assert not is_terminal(4499)
    assert is_terminal(4500)
    assert is_terminal(4999)
    assert not is_terminal(5000)
