"""What `parse_public_key` makes of the public keys that agents send."""

import base64
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from holdfast.faults.problem import Problem
from holdfast.protocol.keys import is_weak_point, parse_public_key
from holdfast.protocol.signing import verifies

PRIVATE = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(100, 132)))
PUBLIC = PRIVATE.public_key()
SEED = PRIVATE.private_bytes_raw()
RAW = PUBLIC.public_bytes_raw()
SPKI = PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
SSH = PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
RIGHT = base64.b64encode(RAW).decode()
P = 2**255 - 19


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def pkcs8(key: PrivateKeyTypes, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.DER, form, NoEncryption())


def pem(key: PrivateKeyTypes, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def refusal(text: str) -> Problem:
    found = parse_public_key(text)
    assert isinstance(found, Problem), f"{text!r} was taken for a key"
    return found


def test_the_base64_text_of_the_raw_key_is_the_key() -> None:
    assert len(RIGHT) == 44
    assert parse_public_key(RIGHT) == RAW


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("PEM", PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()),
        ("base64 of PEM", b64(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))),
        ("DER", b64(SPKI)),
        ("DER in hex", SPKI.hex()),
    ],
)
def test_pem_and_der_are_named(form: str, text: str) -> None:
    assert refusal(text).code == "KEY-PEM", form


def test_der_is_answered_with_the_text_to_send_instead() -> None:
    assert refusal(b64(SPKI)).evidence["send_instead"] == RIGHT


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("hex", RAW.hex()),
        ("upper hex", RAW.hex().upper()),
        ("hex with 0x", "0x" + RAW.hex()),
        ("OpenSSH line", SSH + " agent@web-01"),
        ("OpenSSH blob", SSH.split()[1]),
        ("base64url", base64.urlsafe_b64encode(b"\xff" * 31 + b"\x10").decode()),
        ("unpadded", RIGHT.rstrip("=")),
        ("base64url, unpadded", base64.urlsafe_b64encode(b"\xfb" * 31 + b"\x10").decode().rstrip("=")),
        ("trailing newline", RIGHT + "\n"),
        ("repr", str(base64.b64encode(RAW))),
        ("base64 twice", b64(RIGHT.encode())),
        ("base64 of hex", b64(RAW.hex().encode())),
        ("JWK", json.dumps({"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(RAW).decode()})),
        ("no encoding at all", "my public key!"),
    ],
)
def test_other_encodings_are_named(form: str, text: str) -> None:
    assert refusal(text).code == "KEY-ENCODING", form


def test_an_openssh_line_is_answered_with_the_text_to_send_instead() -> None:
    assert refusal(SSH).evidence["send_instead"] == RIGHT


def test_hex_is_never_turned_into_the_text_to_send_because_it_may_be_the_seed() -> None:
    assert refusal(SEED.hex()).evidence == {"looks_like": "hex digits"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nothing", ""),
        ("blank", "   "),
        ("truncated", b64(RAW[:31])),
        ("EC point", b64(bytes([2]) + bytes(range(32)))),
        ("uncompressed EC point", b64(bytes([4]) + bytes(range(64)))),
        ("Ed448", b64(ed448.Ed448PrivateKey.generate().public_key().public_bytes_raw())),
        (
            "RSA",
            b64(
                rsa.generate_private_key(65537, 2048)
                .public_key()
                .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            ),
        ),
        (
            "X25519 in DER",
            b64(
                x25519.X25519PrivateKey.generate()
                .public_key()
                .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            ),
        ),
        ("64 bytes that are no key pair", b64(bytes(range(64)))),
        ("OpenSSH RSA line", "ssh-rsa AAAAB3NzaC1yc2E="),
        ("a novel", "A" * 20_000),
    ],
)
def test_keys_of_another_type_or_length_are_named(kind: str, text: str) -> None:
    assert refusal(text).code == "KEY-LENGTH", kind


LEAKS: list[tuple[str, str]] = [
    ("PKCS#8 PEM", pem(PRIVATE)),
    ("base64 of PEM", b64(pem(PRIVATE).encode())),
    ("PKCS#8 DER", b64(pkcs8(PRIVATE))),
    ("PKCS#8 DER in hex", pkcs8(PRIVATE).hex()),
    ("OpenSSH PEM", pem(PRIVATE, PrivateFormat.OpenSSH)),
    ("seed and public", b64(SEED + RAW)),
    ("seed and public in hex", (SEED + RAW).hex()),
    ("seed and public, unpadded", b64(SEED + RAW).rstrip("=")),
    ("seed and public, encoded twice", b64(b64(SEED + RAW).encode())),
    ("seed and public, printed", str(base64.b64encode(SEED + RAW))),
    ("JWK", json.dumps({"kty": "OKP", "x": "...", "d": base64.urlsafe_b64encode(SEED).decode()})),
    ("EC key in SEC 1", b64(pkcs8(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL))),
    ("RSA key in PKCS#1", b64(pkcs8(rsa.generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL))),
]


@pytest.mark.parametrize(("form", "text"), LEAKS)
def test_a_private_key_is_named_in_every_form(form: str, text: str) -> None:
    assert refusal(text).code == "KEY-PRIVATE-SENT", form


@pytest.mark.parametrize(("form", "text"), LEAKS)
def test_no_part_of_a_private_key_is_ever_echoed(form: str, text: str) -> None:
    told = repr(refusal(text))

    pieces = {text[i : i + 8] for i in range(len(text) - 8)} - {"PRIVATE ", " PRIVATE"}
    assert not [piece for piece in pieces if piece in told], form


WEAK_Y = [0, 1, P - 1] + [
    int.from_bytes(bytes.fromhex(text), "little")
    for text in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
]
WEAK = [(y | sign << 255).to_bytes(32, "little") for y in [*WEAK_Y, P, P + 1, P + 18] for sign in (0, 1)]


@pytest.mark.parametrize("raw", WEAK)
def test_every_point_of_small_order_and_every_second_encoding_is_refused(raw: bytes) -> None:
    assert refusal(b64(raw)).code == "KEY-SMALL-ORDER"
    assert refusal(raw.hex()).code == "KEY-SMALL-ORDER"


@pytest.mark.parametrize("raw", WEAK)
def test_libsodium_refuses_the_same_points_when_it_verifies(raw: bytes) -> None:
    forged = bytes([1]) + bytes(63)  # R the neutral point, S zero: what such keys accept elsewhere

    assert not verifies(raw, b"any text", forged)


@given(seed=st.binary(min_size=32, max_size=32))
def test_no_honest_key_is_refused(seed: bytes) -> None:
    public = bytes(SigningKey(seed).verify_key)

    assert parse_public_key(b64(public)) == public
    assert not is_weak_point(public)


@given(text=st.one_of(st.text(), st.from_regex(r"[A-Za-z0-9+/_=' \n-]{0,120}", fullmatch=True)))
def test_any_text_gives_a_key_or_a_problem(text: str) -> None:
    found = parse_public_key(text)

    assert isinstance(found, Problem) or b64(found) == text


ENCODERS: list[Callable[[bytes], str]] = [b64, bytes.hex, str, lambda raw: base64.urlsafe_b64encode(raw).decode()]


@given(raw=st.binary(max_size=200), encode=st.sampled_from(ENCODERS))
def test_any_bytes_in_any_encoding_are_named_without_an_error(raw: bytes, encode: Callable[[bytes], str]) -> None:
    found = parse_public_key(encode(raw))

    if isinstance(found, Problem):
        assert found.code in {"KEY-PEM", "KEY-ENCODING", "KEY-LENGTH", "KEY-PRIVATE-SENT", "KEY-SMALL-ORDER"}
    else:
        with pytest.raises(CryptoError):
            VerifyKey(found).verify(b"text", bytes(64))
