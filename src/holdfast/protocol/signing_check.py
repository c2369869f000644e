"""Recomputing a registration's signature on the agent's machine: the core of `holdfast doctor sign`.

Ed25519 is deterministic (RFC 8032, 5.1.6): with the private key at hand there is one right signature, and whatever
was sent can be compared with it byte by byte. Nothing here shows the private key.
"""

import base64
import hashlib
from itertools import permutations
from typing import Final

import msgspec
from nacl.bindings import crypto_sign_ed25519ph_final_create, crypto_sign_ed25519ph_state, crypto_sign_ed25519ph_update
from nacl.signing import SigningKey

from holdfast.faults import Problem, printable, problem
from holdfast.protocol.keys import parse_public_key
from holdfast.protocol.signature_shape import read_signature, shape_problem
from holdfast.protocol.signing import KEY_BYTES, SIGNATURE_BYTES, SIGNED_TEXT, registration_text, verifies

_HALF: Final = SIGNATURE_BYTES // 2


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first byte in which two texts or signatures differ. `expected` and `got` are empty past an end."""

    at: int
    expected: str
    got: str
    meaning: str


class SigningCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be signed and sent, and what is wrong with what was.

    `text` is printable; `text_len` and `text_sha256` are of its bytes, as the gateway reports them. `public_key` and
    `signature` are base64, ready to send. `matches` is None where nothing was given to compare. `problem` names the
    mistake, `difference` the first byte.
    """

    text: str
    text_len: int
    text_sha256: str
    public_key: str
    signature: str
    matches: bool | None = None
    problem: Problem | None = None
    difference: Difference | None = None


def check_signing(
    seed: bytes,
    *,
    nonce: str,
    server_time: str,
    host_id: str,
    sent: str | None = None,
    signed_text: bytes | None = None,
    announced_key: str | None = None,
) -> SigningCheck:
    """The expected text and signature, and the comparison with what the agent did.

    `sent` is the signature as the agent sent it, `signed_text` the bytes it signed (if its author can tell),
    `announced_key` the agent_pubkey of its first message. The first of them that is wrong is explained.

    Raises:
        ValueError: `seed` is not 32 bytes.
    """
    if len(seed) != KEY_BYTES:
        raise ValueError(f"an Ed25519 seed has {KEY_BYTES} bytes, not {len(seed)}")
    key = SigningKey(seed)
    parts = (nonce, server_time, host_id)
    text = registration_text(nonce=nonce, server_time=server_time, host_id=host_id)
    right = _expected(key, text)
    wrong = _wrong_key(announced_key, right.public_key)
    if wrong is not None:
        return msgspec.structs.replace(right, matches=False, problem=wrong)
    if signed_text is not None and signed_text != text:
        return _wrong_text(right, parts, signed_text)
    if sent is not None:
        return _compared(right, key, parts, sent)
    given = announced_key is not None or signed_text is not None
    return msgspec.structs.replace(right, matches=True if given else None)


def _expected(key: SigningKey, text: bytes) -> SigningCheck:
    return SigningCheck(
        text=printable(text.decode("utf-8", "replace"), 400),
        text_len=len(text),
        text_sha256=hashlib.sha256(text).hexdigest(),
        public_key=base64.b64encode(bytes(key.verify_key)).decode(),
        signature=base64.b64encode(key.sign(text).signature).decode(),
    )


def text_difference(parts: tuple[str, str, str], signed: bytes) -> Difference | None:
    """Where `signed` first differs from the concatenation of nonce, server_time and host_id, and in which of them."""
    expected = "".join(parts).encode("utf-8", "surrogatepass")
    at = _first_difference(expected, signed)
    if at is None:
        return None
    if at == len(expected):
        meaning = f"the text ends here, and {len(signed) - at} more bytes were signed: {_shown(signed[at:])}"
    elif at == len(signed):
        meaning = f"{len(expected) - at} bytes are missing from here on, {_place(parts, at)}"
    else:
        meaning = f"{_place(parts, at)}; what was signed goes on with {_shown(signed[at:])}"
    return Difference(at=at, expected=_byte(expected, at), got=_byte(signed, at), meaning=meaning)


def _compared(right: SigningCheck, key: SigningKey, parts: tuple[str, str, str], sent: str) -> SigningCheck:
    shape = read_signature(sent)
    wrong_shape = None if shape.code is None else shape_problem(shape)
    signature, message = shape.raw[:SIGNATURE_BYTES], shape.raw[SIGNATURE_BYTES:]
    if wrong_shape is not None and (shape.code == "SIG-LENGTH" or message):
        difference = text_difference(parts, message) if shape.code == "SIG-NACL-COMBINED" else None
        return msgspec.structs.replace(right, matches=False, problem=wrong_shape, difference=difference)
    text = "".join(parts).encode("utf-8", "surrogatepass")
    # A signer with randomness of its own is as good: what counts is that the gateway will accept it.
    if verifies(bytes(key.verify_key), text, signature):
        return msgspec.structs.replace(right, matches=wrong_shape is None, problem=wrong_shape)
    expected = base64.b64decode(right.signature)
    at = _first_difference(expected, signature)
    assert at is not None
    named, meaning = _named(key, parts, signature, at)
    difference = Difference(at=at, expected=_byte(expected, at), got=_byte(signature, at), meaning=meaning)
    return msgspec.structs.replace(right, matches=False, problem=wrong_shape or named, difference=difference)


def _named(key: SigningKey, parts: tuple[str, str, str], signature: bytes, at: int) -> tuple[Problem, str]:
    """The mistake behind a signature of the right form that is not the expected one, and what byte `at` says of it."""
    public = bytes(key.verify_key)
    for code, words, text in _common_mistakes(parts):
        if verifies(public, text, signature):
            why = f"this key signed {words} in place of {SIGNED_TEXT}"
            return problem(code, why=why, evidence={"signed": words}), f"the signature is right for {words}"
    if signature == _prehashed(key, "".join(parts).encode("utf-8", "surrogatepass")):
        why = "this key made an Ed25519ph signature, which hashes the text first; plain Ed25519 is expected"
        return problem("SIG-HASHED", why=why), "the signature is right for Ed25519ph"
    if at >= _HALF:
        why = "R is right and S is not: text and seed are those expected, but another public key was mixed in"
        return problem("SIG-OTHER-KEY", why=why), "the first half agrees, so the seed and the text are right"
    why = "with this key the signature over the expected text would be another: other bytes or another key were signed"
    fix = "Give the bytes that were signed as well, or sign with the key of this file"
    return problem("SIG-UNEXPLAINED", why=why, fix=fix), "another text or another key: from here on nothing agrees"


def _common_mistakes(parts: tuple[str, str, str]) -> list[tuple[str, str, bytes]]:
    """The few likeliest wrong texts; the gateway's explainer knows many more."""
    nonce, server_time, host_id = parts
    names = dict(zip(("nonce", "server_time", "host_id"), parts, strict=True))
    found = [
        ("SIG-ORDER", " + ".join(order), "".join(names[name] for name in order).encode("utf-8", "surrogatepass"))
        for order in permutations(names)
    ][1:]
    rest = (server_time + host_id).encode("utf-8", "surrogatepass")
    plain = nonce.encode("utf-8", "surrogatepass")
    try:
        decoded = base64.b64decode(nonce, validate=True)
    except ValueError:
        decoded = plain
    return [
        ("SIG-NONCE-DECODED", "decode(nonce) + server_time + host_id", decoded + rest),
        *found,
        ("SIG-TRAILING", f'{SIGNED_TEXT} + "\\n"', plain + rest + b"\n"),
        (
            "SIG-SEPARATOR",
            'nonce + ":" + server_time + ":" + host_id',
            ":".join(parts).encode("utf-8", "surrogatepass"),
        ),
        ("SIG-FIELD-SET", "nonce", plain),
        ("SIG-FIELD-SET", "decode(nonce)", decoded),
        ("SIG-HASHED", f"sha256({SIGNED_TEXT})", hashlib.sha256(plain + rest).digest()),
        ("SIG-HASHED", f"hex(sha256({SIGNED_TEXT}))", hashlib.sha256(plain + rest).hexdigest().encode()),
    ]


def _wrong_text(right: SigningCheck, parts: tuple[str, str, str], signed: bytes) -> SigningCheck:
    known = next(((code, words) for code, words, text in _common_mistakes(parts) if text == signed), None)
    difference = text_difference(parts, signed)
    assert difference is not None
    if known is None:
        place = f"the text that was signed differs from byte {difference.at} on: {difference.meaning}"
        named = problem("SIG-UNEXPLAINED", what="Another text was signed", why=place, fix=f"Sign {SIGNED_TEXT}")
    else:
        code, words = known
        named = problem(code, why=f"{words} was signed in place of {SIGNED_TEXT}", evidence={"signed": words})
    return msgspec.structs.replace(right, matches=False, problem=named, difference=difference)


def _wrong_key(announced: str | None, public_key: str) -> Problem | None:
    if announced is None or announced == public_key:
        return None
    parsed = parse_public_key(announced)
    if isinstance(parsed, Problem):
        return parsed
    return problem(
        "SIG-OTHER-KEY",
        why="the public key that was announced does not belong to this private key",
        fix="Send the public key derived from the signing key",
        evidence={"send_instead": public_key},
    )


def _prehashed(key: SigningKey, text: bytes) -> bytes:
    state = crypto_sign_ed25519ph_state()
    crypto_sign_ed25519ph_update(state, text)
    return crypto_sign_ed25519ph_final_create(state, bytes(key) + bytes(key.verify_key))


def _first_difference(expected: bytes, got: bytes) -> int | None:
    for at, (left, right) in enumerate(zip(expected, got, strict=False)):
        if left != right:
            return at
    return None if len(expected) == len(got) else min(len(expected), len(got))


def _place(parts: tuple[str, str, str], at: int) -> str:
    begin = 0
    for name, part in zip(("nonce", "server_time", "host_id"), parts, strict=True):
        end = begin + len(part.encode("utf-8", "surrogatepass"))
        if at < end:
            where = "at the start of" if at == begin else f"{at - begin} bytes into"
            return f"{where} {name}"
        begin = end
    return "after the end"


def _byte(raw: bytes, at: int) -> str:
    if at >= len(raw):
        return ""
    shown = chr(raw[at])
    return f"0x{raw[at]:02x}" + (f" '{shown}'" if shown.isascii() and shown.isprintable() else "")


def _shown(raw: bytes) -> str:
    return f'"{printable(raw[:48].decode("utf-8", "backslashreplace"), 48)}"'
