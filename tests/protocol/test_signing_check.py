"""What `holdfast doctor sign` is told by its core."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_sign_ed25519ph_final_create, crypto_sign_ed25519ph_state, crypto_sign_ed25519ph_update
from nacl.signing import SigningKey

from holdfast.protocol.signing import verifies
from holdfast.protocol.signing_check import Difference, SigningCheck, check_signing, text_difference

SEED = bytes(range(32))
KEY = SigningKey(SEED)
OTHER = SigningKey(bytes(range(1, 33)))
NONCE_BYTES = bytes(range(200, 232))
NONCE = base64.b64encode(NONCE_BYTES).decode()
SERVER_TIME = "2026-11-23T06:01:46Z"
PARTS = (NONCE, SERVER_TIME, "web-01")
T = "".join(PARTS).encode()
GOES_ON = "\\n2026-11-23T06:01:46Zweb-01"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def check(
    *, sent: str | None = None, signed_text: bytes | None = None, announced_key: str | None = None
) -> SigningCheck:
    return check_signing(
        SEED, nonce=NONCE, server_time=SERVER_TIME, host_id="web-01",
        sent=sent, signed_text=signed_text, announced_key=announced_key,
    )  # fmt: skip


def named(found: SigningCheck) -> str:
    assert found.matches is False
    assert found.problem is not None
    return found.problem.code


def test_the_expected_text_and_signature_are_recomputed() -> None:
    assert check() == SigningCheck(
        text=T.decode(),
        text_len=70,
        text_sha256=hashlib.sha256(T).hexdigest(),
        public_key=b64(bytes(KEY.verify_key)),
        signature=b64(KEY.sign(T).signature),
    )


def test_what_is_recomputed_is_what_a_gateway_accepts() -> None:
    found = check()

    assert verifies(base64.b64decode(found.public_key), T, base64.b64decode(found.signature))


def test_a_right_agent_matches_in_everything() -> None:
    found = check(sent=b64(KEY.sign(T).signature), signed_text=T, announced_key=b64(bytes(KEY.verify_key)))

    assert (found.matches, found.problem, found.difference) == (True, None, None)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("SIG-NONCE-DECODED", NONCE_BYTES + (SERVER_TIME + "web-01").encode()),
        ("SIG-ORDER", (NONCE + "web-01" + SERVER_TIME).encode()),
        ("SIG-TRAILING", T + b"\n"),
        ("SIG-SEPARATOR", ":".join(PARTS).encode()),
        ("SIG-FIELD-SET", NONCE.encode()),
        ("SIG-FIELD-SET", NONCE_BYTES),
        ("SIG-HASHED", hashlib.sha256(T).digest()),
    ],
)
def test_a_common_mistake_is_named_by_the_signature_and_by_the_text(code: str, text: bytes) -> None:
    assert named(check(sent=b64(KEY.sign(text).signature))) == code
    assert named(check(signed_text=text)) == code


def test_ed25519ph_which_no_gateway_can_guess_easily_is_named() -> None:
    state = crypto_sign_ed25519ph_state()
    crypto_sign_ed25519ph_update(state, T)

    found = check(sent=b64(crypto_sign_ed25519ph_final_create(state, KEY._signing_key)))

    assert named(found) == "SIG-HASHED"
    assert found.difference is not None
    assert found.difference.meaning == "the signature is right for Ed25519ph"


def test_a_wrong_encoding_is_named_although_the_signature_is_right() -> None:
    found = check(sent=KEY.sign(T).signature.hex())

    assert named(found) == "SIG-ENC-HEX"
    assert found.difference is None


def test_a_signed_message_shows_its_first_differing_byte() -> None:
    found = check(sent=b64(KEY.sign(T[:-1] + b"2")))

    assert named(found) == "SIG-NACL-COMBINED"
    assert found.difference == Difference(
        at=69, expected="0x31 '1'", got="0x32 '2'", meaning='5 bytes into host_id; what was signed goes on with "2"'
    )


def test_a_truncated_signature_is_no_comparison() -> None:
    assert named(check(sent=b64(KEY.sign(T).signature[:63]))) == "SIG-LENGTH"


def test_an_unknown_text_or_another_key_asks_for_the_bytes_that_were_signed() -> None:
    for signature in (KEY.sign(b"unknown").signature, OTHER.sign(T).signature):
        found = check(sent=b64(signature))

        assert named(found) == "SIG-UNEXPLAINED"
        assert found.problem is not None
        assert found.problem.fix == "Give the bytes that were signed as well, or sign with the key of this file"
        assert found.difference is not None
        assert found.difference.at < 32


def test_a_signature_that_differs_in_its_second_half_alone_has_the_right_text() -> None:
    right = KEY.sign(T).signature

    found = check(sent=b64(right[:32] + OTHER.sign(T).signature[32:]))

    assert named(found) == "SIG-OTHER-KEY"
    assert found.difference is not None
    assert found.difference.meaning == "the first half agrees, so the seed and the text are right"


def test_an_announced_key_that_is_not_this_one_comes_first() -> None:
    found = check(announced_key=b64(bytes(OTHER.verify_key)), sent=b64(KEY.sign(b"unknown").signature))

    assert named(found) == "SIG-OTHER-KEY"
    assert found.problem is not None
    assert found.problem.evidence == {"send_instead": b64(bytes(KEY.verify_key))}


def test_an_announced_key_in_a_wrong_form_is_named_as_the_gateway_names_it() -> None:
    assert named(check(announced_key=bytes(KEY.verify_key).hex())) == "KEY-ENCODING"


@pytest.mark.parametrize(
    ("signed", "at", "meaning"),
    [
        (T + b"\r\n", 70, 'the text ends here, and 2 more bytes were signed: "\\r\\n"'),
        (T[:64], 64, "6 bytes are missing from here on, at the start of host_id"),
        (NONCE.encode() + b"\n" + T[44:], 44, f'at the start of server_time; what was signed goes on with "{GOES_ON}"'),
        (b"", 0, "70 bytes are missing from here on, at the start of nonce"),
    ],
)
def test_the_first_differing_byte_of_a_text_says_in_which_field_it_is(signed: bytes, at: int, meaning: str) -> None:
    found = text_difference(PARTS, signed)

    assert found is not None
    assert (found.at, found.meaning) == (at, meaning)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 64"):
        check_signing(bytes(64), nonce=NONCE, server_time=SERVER_TIME, host_id="web-01")


@given(seed=st.binary(min_size=32, max_size=32), host=st.text(max_size=40), sent=st.text(max_size=120), nonce=st.text())
def test_nothing_that_is_given_raises_and_the_seed_is_never_shown(
    seed: bytes, host: str, sent: str, nonce: str
) -> None:
    found = check_signing(seed, nonce=nonce, server_time=SERVER_TIME, host_id=host, sent=sent)

    assert found.matches is False
    if len(set(seed)) > 4:
        assert seed.hex() not in repr(found)
        assert b64(seed) not in repr(found)


@given(signed=st.binary(max_size=100))
def test_a_difference_is_found_exactly_where_texts_differ(signed: bytes) -> None:
    found = text_difference(PARTS, signed)

    if signed == T:
        assert found is None
    else:
        assert found is not None
        assert signed[: found.at] == T[: found.at]
        assert signed[found.at : found.at + 1] != T[found.at : found.at + 1]
