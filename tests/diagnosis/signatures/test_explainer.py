"""Every mistake of the fault catalogue, section 1.8, made for real and named exactly."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from nacl.bindings import crypto_sign_ed25519ph_final_create, crypto_sign_ed25519ph_state, crypto_sign_ed25519ph_update
from nacl.signing import SigningKey

from holdfast.diagnosis.signatures.explainer import explain, recheck, shape, without_search
from holdfast.diagnosis.signatures.recipes import Recipe
from holdfast.model import agent_uid, fingerprint
from tests.diagnosis.signatures.author import (
    KEY,
    NONCE,
    NONCE_BYTES,
    REGISTRATION_ID,
    RESPONSE,
    SERVER_TIME,
    SERVER_UNIX,
    Author,
    b64,
)

T = NONCE + SERVER_TIME + "web-01"
AT = datetime.fromtimestamp(SERVER_UNIX, UTC)
PUBLIC = b64(bytes(KEY.verify_key))
OTHER = SigningKey(bytes(range(60, 92)))


def with_time(text: str) -> str:
    return NONCE + text + "web-01"


def with_host(text: str) -> str:
    return NONCE + SERVER_TIME + text


def with_nonce(text: str | bytes) -> bytes:
    return (text if isinstance(text, bytes) else text.encode()) + (SERVER_TIME + "web-01").encode()


def iso(minutes: int) -> str:
    return AT.astimezone(timezone(timedelta(minutes=minutes))).isoformat()


THREE = {"nonce": NONCE, "server_time": SERVER_TIME, "host_id": "web-01"}
COMPLETE = {"registration_id": REGISTRATION_ID, "host_id": "web-01"}
TIGHT = (",", ":")

SINGLE: list[tuple[str, str, str | bytes]] = [
    ("SIG-ORDER", "nonce + host_id + server_time", NONCE + "web-01" + SERVER_TIME),
    ("SIG-ORDER", "server_time + nonce + host_id", SERVER_TIME + NONCE + "web-01"),
    ("SIG-ORDER", "server_time + host_id + nonce", SERVER_TIME + "web-01" + NONCE),
    ("SIG-ORDER", "host_id + nonce + server_time", "web-01" + NONCE + SERVER_TIME),
    ("SIG-ORDER", "host_id + server_time + nonce", "web-01" + SERVER_TIME + NONCE),
    ("SIG-NONCE-DECODED", "decode(nonce) + server_time + host_id", with_nonce(NONCE_BYTES)),
    ("SIG-NONCE-ENCODING", "hex(decode(nonce)) + server_time + host_id", with_nonce(NONCE_BYTES.hex())),
    ("SIG-NONCE-ENCODING", "HEX(decode(nonce)) + server_time + host_id", with_nonce(NONCE_BYTES.hex().upper())),
    (
        "SIG-NONCE-ENCODING",
        "base64url(decode(nonce)) + server_time + host_id",
        with_nonce(base64.urlsafe_b64encode(NONCE_BYTES)),
    ),
    ("SIG-NONCE-ENCODING", "nonce without = + server_time + host_id", with_nonce(NONCE.rstrip("="))),
    (
        "SIG-NONCE-ENCODING",
        "base64url(decode(nonce)) without = + server_time + host_id",
        with_nonce(base64.urlsafe_b64encode(NONCE_BYTES).rstrip(b"=")),
    ),
    ("SIG-NONCE-ENCODING", "base64(nonce) + server_time + host_id", with_nonce(b64(NONCE.encode()))),
    ("SIG-NONCE-ENCODING", "nonce with a newline + server_time + host_id", with_nonce(NONCE + "\n")),
    ("SIG-NONCE-ENCODING", "b'nonce' + server_time + host_id", with_nonce(str(NONCE.encode()))),
    ("SIG-NONCE-ENCODING", '"nonce" in quotes + server_time + host_id', with_nonce(json.dumps(NONCE))),
    ("SIG-JSON", "JSON object {nonce, server_time, host_id} with spaces", json.dumps(THREE)),
    ("SIG-JSON", "JSON object {nonce, server_time, host_id}", json.dumps(THREE, separators=TIGHT)),
    ("SIG-JSON", "JSON object {host_id, nonce, server_time}", json.dumps(THREE, separators=TIGHT, sort_keys=True)),
    ("SIG-JSON", "JSON array [nonce, server_time, host_id] with spaces", json.dumps([NONCE, SERVER_TIME, "web-01"])),
    (
        "SIG-JSON",
        "JSON object {registration_id, nonce, server_time, host_id}",
        json.dumps({"registration_id": REGISTRATION_ID, **THREE}, separators=TIGHT),
    ),
    ("SIG-JSON", "our answer as received", RESPONSE),
    ("SIG-JSON", "our answer printed again with spaces", json.dumps(json.loads(RESPONSE))),
    ("SIG-JSON", "our answer as received, in base64", b64(RESPONSE.encode())),
    ("SIG-JSON", "JSON of complete without signature", json.dumps(COMPLETE, separators=TIGHT)),
    ("SIG-JSON", "JSON of complete without signature, with spaces", json.dumps(COMPLETE)),
    (
        "SIG-JSON",
        "JSON of complete with an empty signature",
        json.dumps({**COMPLETE, "signature": ""}, separators=TIGHT),
    ),
    ("SIG-JSON", "printed tuple (nonce, server_time, host_id)", str((NONCE, SERVER_TIME, "web-01"))),
    ("SIG-JSON", "quotes around nonce + server_time + host_id", json.dumps(T)),
    ("SIG-TRAILING", 'nonce + server_time + host_id + "\\n"', T + "\n"),
    ("SIG-TRAILING", 'nonce + server_time + host_id + "\\r\\n"', T + "\r\n"),
    ("SIG-TRAILING", 'nonce + server_time + host_id + "\\u0000"', T + "\x00"),
    ("SIG-TRAILING", 'nonce + server_time + host_id + " "', T + " "),
    ("SIG-SEPARATOR", 'nonce + ":" + server_time + ":" + host_id', ":".join((NONCE, SERVER_TIME, "web-01"))),
    ("SIG-SEPARATOR", 'nonce + "|" + server_time + "|" + host_id', "|".join((NONCE, SERVER_TIME, "web-01"))),
    ("SIG-SEPARATOR", 'nonce + "." + server_time + "." + host_id', ".".join((NONCE, SERVER_TIME, "web-01"))),
    ("SIG-SEPARATOR", 'nonce + "\\n" + server_time + "\\n" + host_id', "\n".join((NONCE, SERVER_TIME, "web-01"))),
    ("SIG-SEPARATOR", 'nonce + " + " + server_time + " + " + host_id', " + ".join((NONCE, SERVER_TIME, "web-01"))),
    ("SIG-TIME-FORMAT", "nonce + server_time with +00:00 + host_id", with_time(AT.isoformat())),
    ("SIG-TIME-FORMAT", "nonce + server_time with .000Z + host_id", with_time("2026-11-23T06:01:46.000Z")),
    ("SIG-TIME-FORMAT", "nonce + server_time without zone + host_id", with_time("2026-11-23T06:01:46")),
    ("SIG-TIME-FORMAT", "nonce + server_time with a space and +00:00 + host_id", with_time(str(AT))),
    ("SIG-TIME-FORMAT", "nonce + unix_seconds(server_time) + host_id", with_time(str(SERVER_UNIX))),
    ("SIG-TIME-FORMAT", "nonce + unix_milliseconds(server_time) + host_id", with_time(f"{SERVER_UNIX}000")),
    ("SIG-TIME-FORMAT", "nonce + String() of Go's time.Time + host_id", with_time("2026-11-23 06:01:46 +0000 UTC")),
    ("SIG-TIME-FORMAT", "nonce + server_time as an HTTP date + host_id", with_time(format_datetime(AT, usegmt=True))),
    ("SIG-TIME-LOCAL", "nonce + local(server_time, +05:30 India, with its offset) + host_id", with_time(iso(330))),
    ("SIG-TIME-LOCAL", "nonce + local(server_time, +05:45 Nepal, with its offset) + host_id", with_time(iso(345))),
    (
        "SIG-TIME-LOCAL",
        "nonce + local(server_time, -08:00 western North America, without zone) + host_id",
        with_time(iso(-480)[:19]),
    ),
    (
        "SIG-TIME-LOCAL",
        "nonce + local(server_time, +01:00 central Europe, marked Z) + host_id",
        with_time(iso(60)[:19] + "Z"),
    ),
    (
        "SIG-TIME-OWN",
        "nonce + own clock (RFC 3339, +3 s from the gateway's) + host_id",
        with_time("2026-11-23T06:01:51Z"),
    ),
    (
        "SIG-TIME-OWN",
        "nonce + own clock (RFC 3339, +30 s from the gateway's) + host_id",
        with_time("2026-11-23T06:02:18Z"),
    ),
    (
        "SIG-TIME-OWN",
        "nonce + own clock (Unix seconds, -10 s from the gateway's) + host_id",
        with_time(str(SERVER_UNIX - 8)),
    ),
    ("SIG-HOST-FORM", "nonce + server_time + upper(host_id)", with_host("WEB-01")),
    ("SIG-HOST-FORM", 'nonce + server_time + "host_id" in quotes', with_host('"web-01"')),
    ("SIG-HOST-FORM", "nonce + server_time + registration_id", with_host(REGISTRATION_ID)),
    ("SIG-HOST-FORM", "nonce + server_time + agent_uid", with_host(agent_uid(bytes(KEY.verify_key)))),
    ("SIG-HOST-FORM", "nonce + server_time + agent_pubkey", with_host(PUBLIC)),
    ("SIG-HOST-FORM", "nonce + server_time + host_id + .local", with_host("web-01.local")),
    ("SIG-HASHED", "sha256(nonce + server_time + host_id)", hashlib.sha256(T.encode()).digest()),
    ("SIG-HASHED", "hex(sha256(nonce + server_time + host_id))", hashlib.sha256(T.encode()).hexdigest()),
    ("SIG-HASHED", "sha512(nonce + server_time + host_id)", hashlib.sha512(T.encode()).digest()),
    ("SIG-HASHED", "sha1(nonce + server_time + host_id)", hashlib.sha1(T.encode()).digest()),
    ("SIG-HASHED", "hex(md5(nonce + server_time + host_id))", hashlib.md5(T.encode()).hexdigest()),
    ("SIG-HASHED", "base64(nonce + server_time + host_id)", b64(T.encode())),
    ("SIG-HASHED", "utf16le(nonce + server_time + host_id)", T.encode("utf-16-le")),
    ("SIG-HASHED", "BOM + nonce + server_time + host_id", "\ufeff" + T),
    ("SIG-FIELD-SET", "nonce", NONCE),
    ("SIG-FIELD-SET", "decode(nonce)", NONCE_BYTES),
    ("SIG-FIELD-SET", "nonce + server_time", NONCE + SERVER_TIME),
    ("SIG-FIELD-SET", "nonce + host_id", NONCE + "web-01"),
    ("SIG-FIELD-SET", 'host_id + ":" + nonce', "web-01:" + NONCE),
    ("SIG-FIELD-SET", "nonce + server_time + host_id + registration_id", T + REGISTRATION_ID),
    ("SIG-FIELD-SET", "org_id + nonce + server_time + host_id", "default-org" + T),
    ("SIG-FIELD-SET", "nonce + server_time + host_id + agent_pubkey", T + PUBLIC),
    ("SIG-FIELD-SET", "nonce + server_time + host_id + decode(agent_pubkey)", T.encode() + bytes(KEY.verify_key)),
    ("SIG-FIELD-SET", "the empty text", ""),
    ("SIG-FIELD-SET", 'the words "nonce + server_time + host_id"', "nonce + server_time + host_id"),
    (
        "SIG-FIELD-SET",
        'host_id + ":" + agent_pubkey + ":" + unix_seconds(server_time) + ":" + nonce',
        f"web-01:{PUBLIC}:{SERVER_UNIX}:{NONCE}",
    ),
]


@pytest.mark.parametrize(("code", "signed", "text"), SINGLE, ids=[f"{code} {signed}" for code, signed, _ in SINGLE])
def test_a_single_mistake_is_named_and_proved(code: str, signed: str, text: str | bytes) -> None:
    found = explain(Author().failure(text))

    assert (found.code, found.signed, found.proved) == (code, signed, True)


@pytest.mark.parametrize(
    ("author", "signed", "text"),
    [
        (Author(host_id="Web-01"), "lower(host_id)", "web-01"),
        (Author(host_id="web-01.example.com"), "host_id up to the first dot", "web-01"),
        (
            Author(host_id="web-01", init_host_id="web-01.example.com"),
            "host_id of the first message",
            "web-01.example.com",
        ),
        (Author(host_id="wéb"), "NFD(host_id)", "we\u0301b"),
    ],
)
def test_another_form_of_the_host_is_named(author: Author, signed: str, text: str) -> None:
    found = explain(author.failure(NONCE + SERVER_TIME + text))

    assert (found.code, found.signed) == ("SIG-HOST-FORM", f"nonce + server_time + {signed}")


def test_a_decoded_nonce_takes_two_verifications() -> None:
    assert explain(Author().failure(with_nonce(NONCE_BYTES))).tried == 2


def test_ed25519ph_is_told_from_ed25519() -> None:
    state = crypto_sign_ed25519ph_state()
    crypto_sign_ed25519ph_update(state, T.encode())
    signature = crypto_sign_ed25519ph_final_create(state, KEY._signing_key)

    found = explain(Author().sent(b64(signature)))

    assert (found.code, found.signed) == ("SIG-HASHED", "Ed25519ph of nonce + server_time + host_id")


ENCODINGS: list[tuple[str, Callable[[bytes], str]]] = [
    ("SIG-ENC-HEX", bytes.hex),
    ("SIG-ENC-B64URL", lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")),
    ("SIG-ENC-B64URL", lambda raw: base64.encodebytes(raw).decode()),
    ("SIG-ENC-DOUBLE", lambda raw: b64(b64(raw).encode())),
    ("SIG-ENC-REPR", lambda raw: str(base64.b64encode(raw))),
]


@pytest.mark.parametrize(("code", "encode"), ENCODINGS)
def test_a_wrong_encoding_of_a_right_signature_is_proved_by_one_verification(
    code: str, encode: Callable[[bytes], str]
) -> None:
    found = explain(Author().failure(T, encode=encode))

    assert (found.code, found.signed, found.also) == (code, "nonce + server_time + host_id", ())
    assert (found.proved, found.tried, found.sound) == (True, 1, False)


@pytest.mark.parametrize(("code", "encode"), ENCODINGS)
def test_a_wrong_encoding_does_not_hide_the_mistake_beneath_it(code: str, encode: Callable[[bytes], str]) -> None:
    found = explain(Author().failure(with_nonce(NONCE_BYTES), encode=encode))

    assert (found.code, found.also, found.proved) == (code, ("SIG-NONCE-DECODED",), True)
    assert "do not base64-decode it" in found.fix


def test_a_signed_message_shows_what_was_signed() -> None:
    right = explain(Author().sent(b64(KEY.sign(T.encode()))))
    mistaken = explain(Author().sent(b64(KEY.sign((T + "\n").encode()))))
    strange = explain(Author().sent(b64(KEY.sign(b"hello \x1b[31m world"))))

    assert (right.code, right.also, right.proved) == ("SIG-NACL-COMBINED", (), True)
    assert (mistaken.code, mistaken.also) == ("SIG-NACL-COMBINED", ("SIG-TRAILING",))
    assert (strange.code, strange.also, strange.proved) == ("SIG-NACL-COMBINED", ("SIG-UNEXPLAINED",), True)
    assert strange.signed == '"hello \\x1b[31m world" (17 bytes, other than the expected text from byte 0 on)'


def test_a_signed_message_of_another_key_is_told_from_a_foreign_signature() -> None:
    unknown = explain(Author().sent(b64(OTHER.sign(T.encode()))))
    known = explain(Author(host_keys=(bytes(OTHER.verify_key),)).sent(b64(OTHER.sign(T.encode()))))
    foreign = explain(Author().sent(b64(KEY.sign(T.encode()).signature + bytes(range(32)))))

    assert (unknown.code, unknown.also, unknown.proved) == ("SIG-NACL-COMBINED", ("SIG-OTHER-KEY",), False)
    assert (known.code, known.also, known.proved) == ("SIG-NACL-COMBINED", ("SIG-OTHER-KEY",), True)
    assert (foreign.code, foreign.proved) == ("SIG-LENGTH", True)


@pytest.mark.parametrize("size", [0, 1, 32, 63, 65, 70, 114, 256, 512])
def test_another_length_is_named_without_a_search(size: int) -> None:
    found = explain(Author().sent(b64(bytes(byte % 251 for byte in range(3, size + 3)))))

    assert found.code == "SIG-LENGTH"


def test_a_key_known_for_this_host_is_named_to_the_operator_alone() -> None:
    author = Author(signing=OTHER, host_keys=(bytes(OTHER.verify_key),))

    found = explain(author.failure(T))

    assert (found.code, found.also, found.proved) == ("SIG-OTHER-KEY", (), True)
    assert found.operator == {
        "signed_by": fingerprint(bytes(OTHER.verify_key)),
        "known_from": "an earlier registration of this host",
    }
    assert found.operator["signed_by"] not in repr(found.problem())
    assert "earlier" not in repr(found.problem())


def test_a_key_of_the_handshake_is_found_also_beneath_another_mistake() -> None:
    found = explain(Author(signing=OTHER, header_key=bytes(OTHER.verify_key)).failure(with_nonce(NONCE_BYTES)))

    assert (found.code, found.also) == ("SIG-OTHER-KEY", ("SIG-NONCE-DECODED",))
    assert found.operator["known_from"] == "the header of the handshake"


def test_a_private_key_registered_as_public_one_is_found_by_its_signature() -> None:
    for seed in (bytes(KEY), bytes(OTHER), bytes(32 * [9])):  # some seeds are points of the curve, some are not
        found = explain(Author(registered=seed, signing=SigningKey(seed)).failure(T))

        assert (found.code, found.proved, found.operator) == ("KEY-PRIVATE-SENT", True, {})
        assert b64(seed) not in repr(found)
        assert seed.hex() not in repr(found)


def test_registered_bytes_that_are_no_point_are_named() -> None:
    no_point = (2).to_bytes(32, "little")

    found = explain(Author(registered=no_point).failure(T))

    assert (found.code, found.proved) == ("KEY-LENGTH", True)


def test_an_unknown_key_and_an_unknown_text_are_unexplained_with_counts_and_the_expected_text() -> None:
    foreign = explain(Author(signing=OTHER).failure(T))
    unknown = explain(Author().failure("x" * 50))

    for found in (foreign, unknown):
        assert (found.code, found.proved, found.search, found.tier) == ("SIG-UNEXPLAINED", False, "complete", 3)
        assert found.tried > 1000
        assert (found.expected_len, found.expected_sha256) == (70, hashlib.sha256(T.encode()).hexdigest())


def test_without_the_deep_tiers_the_answer_says_so() -> None:
    found = explain(Author().failure(with_time(iso(330))), deep=False)

    assert (found.code, found.search, found.tier) == ("SIG-UNEXPLAINED", "tier 1 only", 1)
    assert 100 < found.tried < 220


def test_random_bytes_are_refused_without_a_search() -> None:
    high_s = KEY.sign(b"text").signature[:32] + b"\xff" * 32
    bad_r = b"\xff" * 32 + KEY.sign(b"text").signature[32:]
    off_curve = (2).to_bytes(32, "little") + KEY.sign(b"text").signature[32:]

    for raw in (high_s, bad_r, off_curve):
        found = explain(Author().sent(b64(raw)))

        assert (found.code, found.tried, found.proved) == ("SIG-UNEXPLAINED", 0, True)
        assert "no Ed25519 signature" in found.label


PAIRS: list[tuple[tuple[str, ...], str | bytes]] = [
    (("SIG-NONCE-DECODED", "SIG-ORDER"), ("web-01" + SERVER_TIME).encode() + NONCE_BYTES),
    (("SIG-NONCE-DECODED", "SIG-SEPARATOR"), b":".join((NONCE_BYTES, SERVER_TIME.encode(), b"web-01"))),
    (("SIG-NONCE-DECODED", "SIG-TRAILING"), with_nonce(NONCE_BYTES) + b"\n"),
    (("SIG-NONCE-DECODED", "SIG-TIME-FORMAT"), NONCE_BYTES + (AT.isoformat() + "web-01").encode()),
    (("SIG-NONCE-DECODED", "SIG-HASHED"), hashlib.sha256(with_nonce(NONCE_BYTES)).digest()),
    (("SIG-NONCE-DECODED", "SIG-HOST-FORM"), NONCE_BYTES + (SERVER_TIME + "WEB-01").encode()),
    (("SIG-NONCE-ENCODING", "SIG-ORDER"), "web-01" + NONCE_BYTES.hex() + SERVER_TIME),
    (("SIG-NONCE-ENCODING", "SIG-HASHED"), hashlib.sha512(with_nonce(NONCE_BYTES.hex())).digest()),
    (("SIG-ORDER", "SIG-SEPARATOR"), f"{NONCE}|web-01|{SERVER_TIME}"),
    (("SIG-ORDER", "SIG-TRAILING"), NONCE + "web-01" + SERVER_TIME + "\n"),
    (("SIG-ORDER", "SIG-TIME-FORMAT"), f"{SERVER_UNIX}{NONCE}web-01"),
    (("SIG-ORDER", "SIG-HASHED"), hashlib.sha256(("web-01" + NONCE + SERVER_TIME).encode()).hexdigest()),
    (("SIG-SEPARATOR", "SIG-TIME-FORMAT"), f"{NONCE}:{SERVER_UNIX}:web-01"),
    (("SIG-SEPARATOR", "SIG-HASHED"), hashlib.sha256(f"{NONCE}:{SERVER_TIME}:web-01".encode()).digest()),
    (("SIG-SEPARATOR", "SIG-TRAILING"), f"{NONCE}\n{SERVER_TIME}\nweb-01\n"),
    (("SIG-HASHED", "SIG-TRAILING"), hashlib.sha256((T + "\n").encode()).digest()),
    (("SIG-TIME-FORMAT", "SIG-HASHED"), hashlib.sha256(with_time(AT.isoformat()).encode()).digest()),
    (("SIG-NONCE-DECODED", "SIG-TIME-LOCAL"), NONCE_BYTES + (iso(330) + "web-01").encode()),
]


@pytest.mark.parametrize(("codes", "text"), PAIRS, ids=[" and ".join(codes) for codes, _ in PAIRS])
def test_two_mistakes_in_one_signature_are_both_named(codes: tuple[str, ...], text: str | bytes) -> None:
    found = explain(Author().failure(text))

    assert ((found.code, *found.also), found.proved) == (codes, True)


def test_the_recipe_tried_first_is_found_at_once_and_says_the_same() -> None:
    failed = Author().failure(PAIRS[0][1])
    searched = explain(failed)

    again = explain(failed, first=searched.recipe)

    assert again.tried == 2
    assert (again.code, again.also, again.signed) == (searched.code, searched.also, searched.signed)


def test_the_same_mistake_is_recognised_by_one_verification_and_another_one_is_not() -> None:
    decoded = Recipe(nonce="decoded")

    same = recheck(Author().failure(with_nonce(NONCE_BYTES)), decoded)

    assert same is not None
    assert (same.code, same.tried, same.proved) == ("SIG-NONCE-DECODED", 1, True)
    assert recheck(Author().failure(T + "\n"), decoded) is None
    assert recheck(Author().sent("too short"), decoded) is None


def test_the_agent_is_told_what_it_signed_and_what_to_sign_instead() -> None:
    problem = explain(Author().failure(with_nonce(NONCE_BYTES))).problem()

    assert problem.code == "SIG-NONCE-DECODED"
    assert problem.what == "The nonce was base64-decoded before signing"
    assert problem.why == (
        "the signature verifies over decode(nonce) + server_time + host_id; "
        "this gateway accepts nonce + server_time + host_id and nothing else"
    )
    assert problem.fix == (
        "Sign (nonce + server_time + host_id).encode() with the nonce text as received; do not base64-decode it"
    )
    assert problem.evidence == {
        "expected": "nonce + server_time + host_id",
        "expected_len": 70,
        "expected_sha256": hashlib.sha256(T.encode()).hexdigest(),
        "signed": "decode(nonce) + server_time + host_id",
        "proved": True,
        "tried": 2,
        "search": "complete",
        "change": "base64.b64decode(nonce) + server_time.encode() + host_id.encode()",
        "into": "(nonce + server_time + host_id).encode()",
    }


def test_a_right_text_in_a_wrong_encoding_is_told_as_such() -> None:
    problem = explain(Author().failure(T, encode=bytes.hex)).problem()

    assert problem.code == "SIG-ENC-HEX"
    assert problem.why == (
        "the text is right, the signature verifies over nonce + server_time + host_id: only its encoding is wrong"
    )


def test_a_wrong_text_in_a_wrong_encoding_is_not_called_right() -> None:
    problem = explain(Author().failure(T + "\n", encode=bytes.hex)).problem()

    assert "only its encoding" not in problem.why
    assert problem.why.endswith("also: SIG-TRAILING")


def test_the_right_text_signed_by_another_key_is_told_as_such() -> None:
    author = Author(signing=OTHER, header_key=bytes(OTHER.verify_key))

    assert explain(author.failure(T)).problem().why == (
        "the signature verifies over nonce + server_time + host_id, with another key than the registered one"
    )


def test_a_right_signature_is_said_to_verify() -> None:
    problem = explain(Author().failure(T)).problem()

    assert problem.why == "the signature verifies over nonce + server_time + host_id with the registered key"


def test_the_shape_of_a_text_is_told_without_any_search() -> None:
    assert shape(b64(KEY.sign(b"any").signature)) is None
    found = shape(KEY.sign(b"any").signature.hex())
    assert found is not None
    assert found.code == "SIG-ENC-HEX"


def test_in_the_legacy_profile_the_decoded_nonce_is_right_and_its_text_the_mistake() -> None:
    right = explain(Author(legacy=True).failure(with_nonce(NONCE_BYTES)))
    found = explain(Author(legacy=True).failure(T))

    assert right.sound
    assert (found.code, found.also, found.tried) == ("SIG-NONCE-ENCODING", (), 2)
    assert found.fix == "Sign the base64-decoded nonce, or send another User-Agent than Aegis-Agent and sign the text"
    assert (found.expected, found.expected_len) == ("decode(nonce) + server_time + host_id", 58)
    assert found.expected_sha256 == hashlib.sha256(with_nonce(NONCE_BYTES)).hexdigest()


def test_in_the_legacy_profile_single_mistakes_are_named_as_such() -> None:
    legacy = Author(legacy=True)

    newline = explain(legacy.failure(with_nonce(NONCE_BYTES) + b"\n"))
    other_key = explain(
        Author(legacy=True, signing=OTHER, header_key=bytes(OTHER.verify_key)).failure(with_nonce(NONCE_BYTES))
    )

    assert (newline.code, newline.also, newline.tier) == ("SIG-TRAILING", (), 1)
    assert newline.fix.startswith("Sign decode(nonce) + server_time + host_id and nothing after it")
    assert (other_key.code, other_key.also) == ("SIG-OTHER-KEY", ())


HOSTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(host=HOSTS)
def test_a_right_signature_is_never_explained_away(host: str) -> None:
    author = Author(host_id=host)

    found = explain(author.failure(author.right))

    assert (found.code, found.sound, found.tried, found.signed) == ("SIG-UNEXPLAINED", True, 1, "")


@given(host=HOSTS)
def test_a_decoded_nonce_is_named_for_every_host(host: str) -> None:
    author = Author(host_id=host)

    found = explain(author.failure(NONCE_BYTES + (SERVER_TIME + host).encode()))

    assert (found.code, found.tried) == ("SIG-NONCE-DECODED", 2)


@given(host=HOSTS, data=st.data())
def test_a_match_is_always_bytes_that_the_key_really_signed(host: str, data: st.DataObject) -> None:
    author = Author(host_id=host)
    text = data.draw(st.sampled_from([host + NONCE, host.upper() + NONCE, NONCE + host + SERVER_TIME, NONCE + host]))

    found = explain(author.failure(text), deep=False)

    assert not found.sound
    if found.proved:
        assert found.recipe is not None
        assert found.signed


@given(raw=st.binary(max_size=200))
def test_no_bytes_sent_as_signature_raise(raw: bytes) -> None:
    for text in (b64(raw), raw.hex(), raw.decode("latin-1"), str(raw)):
        found = explain(Author().sent(text), deep=False)

        assert not found.sound
        assert found.fix


@given(text=st.text())
def test_no_text_sent_as_signature_raises(text: str) -> None:
    found = without_search(Author().sent(text)) or explain(Author().sent(text), deep=False)

    assert found.code.startswith("SIG-")


@pytest.mark.parametrize(
    "payload", ["", "null", "[1]", '{"a":', "{" * 5000, '{"host_id":"x"}' * 2, "x" * 20_000, '{"a":1e999}']
)
def test_strange_payloads_are_no_hindrance(payload: str) -> None:
    failed = replace(Author().failure("x"), response_payload=payload, complete_payload=payload)

    assert explain(failed, deep=False).code == "SIG-UNEXPLAINED"


@pytest.mark.parametrize(
    "server_time", ["", "soon", "2026-11-23T06:01:46", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
@pytest.mark.parametrize("nonce", ["", "no base64!", "AA=="])
def test_strange_challenges_are_no_hindrance(server_time: str, nonce: str) -> None:
    failed = replace(Author().failure("x"), server_time=server_time, nonce=nonce, arrived_at=1e18)

    assert explain(failed).code == "SIG-UNEXPLAINED"
