"""What `parse_signature` makes of the signatures that agents send."""

import base64
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from nacl.encoding import Base64Encoder, HexEncoder
from nacl.signing import SigningKey

from holdfast.faults.problem import Problem
from holdfast.protocol.signature_shape import SignatureShape, parse_signature, read_signature, shape_problem

KEY = SigningKey(bytes(range(32)))
NONCE = base64.b64encode(bytes(range(32))).decode()
TEXT = (NONCE + "2026-11-23T06:01:46Z" + "web-01").encode()
SIGNATURE = KEY.sign(TEXT).signature


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def refusal(text: str) -> Problem:
    found = parse_signature(text)
    assert isinstance(found, Problem), f"{text!r} was taken for a signature"
    return found


def test_strict_base64_of_64_bytes_is_the_signature() -> None:
    assert parse_signature(b64(SIGNATURE)) == SIGNATURE


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("SIG-ENC-HEX", SIGNATURE.hex()),
        ("SIG-ENC-HEX", SIGNATURE.hex().upper()),
        ("SIG-ENC-HEX", "0x" + SIGNATURE.hex()),
        ("SIG-ENC-HEX", SIGNATURE.hex() + "\n"),
        ("SIG-ENC-B64URL", base64.urlsafe_b64encode(SIGNATURE).decode().rstrip("=")),
        ("SIG-ENC-B64URL", b64(SIGNATURE).rstrip("=")),
        ("SIG-ENC-B64URL", b64(SIGNATURE).rstrip("=") + "="),
        ("SIG-ENC-B64URL", b64(SIGNATURE) + "\n"),
        ("SIG-ENC-B64URL", base64.encodebytes(SIGNATURE).decode()),
        ("SIG-ENC-DOUBLE", b64(b64(SIGNATURE).encode())),
        ("SIG-ENC-DOUBLE", b64(SIGNATURE.hex().encode())),
        ("SIG-ENC-DOUBLE", b64(b64(SIGNATURE).rstrip("=").encode())),
        ("SIG-ENC-REPR", str(base64.b64encode(SIGNATURE))),
        ("SIG-ENC-REPR", str(SIGNATURE)),
        ("SIG-ENC-REPR", str(SIGNATURE.hex().encode())),
        ("SIG-ENC-REPR", ",".join(str(byte) for byte in SIGNATURE)),
        ("SIG-ENC-REPR", str(list(SIGNATURE))),
        ("SIG-ENC-REPR", str(list(SIGNATURE)).replace(",", "")),
    ],
)
def test_every_other_reading_that_gives_a_signature_is_named(code: str, text: str) -> None:
    assert refusal(text).code == code
    assert read_signature(text).raw == SIGNATURE


@pytest.mark.parametrize(
    "text",
    [
        b64(KEY.sign(TEXT)),
        KEY.sign(TEXT, encoder=HexEncoder).decode(),
        KEY.sign(TEXT, encoder=Base64Encoder).decode(),
        base64.urlsafe_b64encode(KEY.sign(TEXT)).decode().rstrip("="),
        b64(KEY.sign(TEXT + b"\n")),
        b64(KEY.sign((NONCE + "2026-11-23T06:01:46Z" + "webserver-日本語").encode())),
    ],
)
def test_a_signed_message_is_told_from_a_signature_of_another_length(text: str) -> None:
    assert refusal(text).code == "SIG-NACL-COMBINED"
    assert read_signature(text).raw[:64] != b""


EC_SIGNATURE = ec.generate_private_key(ec.SECP256R1()).sign(TEXT, ec.ECDSA(SHA256()))
RSA_SIGNATURE = rsa.generate_private_key(65537, 2048).sign(TEXT, padding.PKCS1v15(), SHA256())
ED448_SIGNATURE = ed448.Ed448PrivateKey.generate().sign(TEXT)


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        ("empty", ""),
        ("empty", " \n"),
        ("not base64", "sign here: ______"),
        ("a truncated signature", b64(SIGNATURE[:63])),
        ("a truncated signature", SIGNATURE[:63].hex()),
        ("an HMAC-SHA256 or half a signature", b64(SIGNATURE[:32])),
        ("an HMAC-SHA256 or half a signature", SIGNATURE[:32].hex()),
        ("an ECDSA signature", b64(EC_SIGNATURE)),
        ("an RSA signature", b64(RSA_SIGNATURE)),
        ("an RSA signature", RSA_SIGNATURE.hex()),
        ("an Ed448 signature", b64(ED448_SIGNATURE)),
        ("longer than a signature", b64(SIGNATURE + bytes(range(128, 160)))),
        ("text too long to be a signature", "A" * 20_000),
    ],
)
def test_what_is_no_ed25519_signature_is_fingerprinted_by_its_length(reading: str, text: str) -> None:
    problem = refusal(text)

    assert problem.code == "SIG-LENGTH"
    assert problem.evidence["reading"] == reading


def test_the_refusal_says_how_to_send_it_right() -> None:
    assert refusal(SIGNATURE.hex()) == Problem(
        code="SIG-ENC-HEX",
        what="The signature is encoded in hex",
        why="the text reads as 64 bytes of hex digits; read as base64, hex digits give 96 other bytes",
        fix="Send the 64 bytes of the signature once in standard base64 with padding (88 characters), not in hex",
        field="signature",
        evidence={"reading": "hex digits", "got_bytes": 64},
    )


def test_a_right_shape_is_no_problem() -> None:
    with pytest.raises(ValueError, match="no problem"):
        shape_problem(SignatureShape(code=None, reading="base64", raw=SIGNATURE))


@given(text=st.one_of(st.text(), st.from_regex(r"(b')?[A-Za-z0-9+/_=\\ \n,-]{0,200}'?", fullmatch=True)))
def test_any_text_has_a_shape(text: str) -> None:
    found = parse_signature(text)

    assert isinstance(found, Problem) or b64(found) == text


@pytest.mark.parametrize(
    "text", ["1" + " " * 16_000 + "x", "1 " * 8_000, "b'" + "\\\\x" * 5_000, "ab" * 8_000 + "z", "," * 16_000]
)
def test_no_text_takes_long_to_refuse(text: str) -> None:
    began = time.process_time()

    assert refusal(text).code == "SIG-LENGTH"
    assert time.process_time() - began < 0.05


@given(raw=st.binary(max_size=700))
def test_any_bytes_but_64_are_refused_in_every_encoding(raw: bytes) -> None:
    for text in (b64(raw), raw.hex(), str(raw), b64(b64(raw).encode())):
        found = parse_signature(text)

        assert isinstance(found, Problem) or (len(raw) == 64 and text == b64(raw)) or b64(found) == text
