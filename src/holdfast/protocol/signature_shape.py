"""Reading a signature as it was sent: 64 bytes in standard base64, and by name whatever else it may be.

No cryptography here: a shape says how the text has to be read, not whether the signature is right. The order of the
readings is that of the fault catalogue, 3.1: 128 hex digits are valid base64 as well, so hex is tested first.
"""

import re
from typing import Final

import msgspec

from holdfast.faults.problem import Problem
from holdfast.protocol.keys import lenient_base64, strict_base64
from holdfast.protocol.signing import SIGNATURE_BYTES

_FIX: Final = "Send the 64 bytes of the signature once in standard base64 with padding (88 characters)"
_HEX: Final = re.compile(r"(?:0[xX])?((?:[0-9a-fA-F]{2})+)")
_REPR: Final = re.compile(r"""[bB](['"])(.*)\1""", re.DOTALL)
_MAX_LIST_CHARS: Final = 1_024  # of a printed list of 64 numbers
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([\\'\"nrt]))")
_PLAIN_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_MIN_HEX_CHARS: Final = 16  # shorter texts of hex digits only can be truncated base64 by chance
_MAX_CHARS: Final = 16_384  # longer texts are not analysed

_SIZES: Final = {
    32: "an HMAC-SHA256 or half a signature",
    114: "an Ed448 signature",
    128: "an RSA signature",
    256: "an RSA signature",
    384: "an RSA signature",
    512: "an RSA signature",
}


class SignatureShape(msgspec.Struct, frozen=True, kw_only=True):
    """How the text of a signature has to be read, and what that yields.

    `code` is None for the one right form. `raw` holds the bytes of the reading: 64 of them for SIG-ENC-*, the signature
    followed by its message for SIG-NACL-COMBINED, anything for SIG-LENGTH (empty where no reading fits).
    """

    code: str | None
    reading: str
    raw: bytes


def parse_signature(text: str) -> bytes | Problem:
    """The 64 bytes of a signature in strict base64, or why this text is not one.

    Codes: SIG-ENC-HEX, SIG-ENC-B64URL, SIG-ENC-DOUBLE, SIG-ENC-REPR, SIG-NACL-COMBINED, SIG-LENGTH (catalogue, 1.8).
    """
    shape = read_signature(text)
    return shape.raw if shape.code is None else shape_problem(shape)


def read_signature(text: str) -> SignatureShape:
    """Finds the reading of `text` that gives a signature; never raises, whatever the text."""
    raw = strict_base64(text)
    if raw is not None and len(raw) == SIGNATURE_BYTES:
        return SignatureShape(code=None, reading="base64", raw=raw)
    if len(text) > _MAX_CHARS:
        return SignatureShape(code="SIG-LENGTH", reading="text too long to be a signature", raw=b"")
    return _by_text(text.strip())


def shape_problem(shape: SignatureShape) -> Problem:
    """The refusal for a shape that is not the right one.

    Raises:
        ValueError: the shape is right (`code` is None), so there is nothing to refuse.
    """
    if shape.code is None:
        raise ValueError("a signature of the right shape is no problem")
    what, why, fix = _SENTENCES[shape.code]
    size = len(shape.raw)
    evidence: dict[str, str | int | float | bool | None] = {"reading": shape.reading, "got_bytes": size}
    why = why.format(reading=shape.reading, size=size, extra=size - SIGNATURE_BYTES)
    return Problem(code=shape.code, what=what, why=why, fix=fix, field="signature", evidence=evidence)


_SENTENCES: Final = {
    "SIG-ENC-HEX": (
        "The signature is encoded in hex",
        "the text reads as {size} bytes of {reading}; read as base64, hex digits give 96 other bytes",
        f"{_FIX}, not in hex",
    ),
    "SIG-ENC-B64URL": (
        "The signature is in another form of base64",
        "the text is {reading}; only standard base64 with padding and without white space is accepted",
        _FIX,
    ),
    "SIG-ENC-DOUBLE": (
        "The signature was encoded twice",
        "the text reads as {reading}",
        f"{_FIX}; the library already returned text",
    ),
    "SIG-ENC-REPR": (
        "The signature is the printed form of a byte array",
        "the text is {reading}; it is how a language prints bytes, not an encoding of them",
        f"{_FIX}; in Python: base64.b64encode(signature).decode()",
    ),
    "SIG-NACL-COMBINED": (
        "The signed message was sent in place of the signature",
        "64 bytes of signature are followed by {extra} bytes that look like the message (NaCl combined form)",
        "Send only the first 64 bytes in base64; in PyNaCl: signing_key.sign(text).signature",
    ),
    "SIG-LENGTH": (
        "The signature is not 64 bytes long",
        "the text is {reading} ({size} bytes); an Ed25519 signature has 64 bytes",
        f"Sign with the Ed25519 key. {_FIX}",
    ),
}


def _by_text(text: str) -> SignatureShape:
    if not text:
        return SignatureShape(code="SIG-LENGTH", reading="empty", raw=b"")
    printed = _printed_bytes(text)
    if printed is not None:
        return printed
    digits = _HEX.fullmatch(text)
    if digits and len(text) >= _MIN_HEX_CHARS:
        return _by_bytes(bytes.fromhex(digits[1]), "SIG-ENC-HEX", "hex digits")
    raw = strict_base64(text)
    if raw is not None:
        inner = _inner(raw)
        if inner is not None:
            return SignatureShape(code="SIG-ENC-DOUBLE", reading=inner[1], raw=inner[0])
        return _by_bytes(raw, "SIG-ENC-B64URL", "base64 with white space around it")
    loose = lenient_base64(text)
    if loose is not None:
        return _by_bytes(loose, "SIG-ENC-B64URL", _base64_kind(text))
    return SignatureShape(code="SIG-LENGTH", reading="not base64", raw=b"")


def _by_bytes(raw: bytes, code: str, reading: str) -> SignatureShape:
    """`code` is what the reading means if it gives a whole signature."""
    if len(raw) == SIGNATURE_BYTES:
        return SignatureShape(code=code, reading=reading, raw=raw)
    if len(raw) > SIGNATURE_BYTES and _looks_like_message(raw[SIGNATURE_BYTES:]):
        return SignatureShape(code="SIG-NACL-COMBINED", reading=reading, raw=raw)
    return SignatureShape(code="SIG-LENGTH", reading=_fingerprint(raw), raw=raw)


def _printed_bytes(text: str) -> SignatureShape | None:
    """`b'...'` of Python, and numbers with commas as JavaScript, Java and Go print a byte array."""
    quoted = _REPR.fullmatch(text)
    if quoted:
        inner = _unescaped(quoted[2])
        raw = inner if len(inner) == SIGNATURE_BYTES else (_inner(inner) or (inner, ""))[0]
        whole = len(raw) == SIGNATURE_BYTES
        return SignatureShape(code="SIG-ENC-REPR" if whole else "SIG-LENGTH", reading="Python's b'...'", raw=raw)
    numbers = _listed_numbers(text)
    if len(numbers) != SIGNATURE_BYTES or max(numbers) > 255:
        return None
    return SignatureShape(code="SIG-ENC-REPR", reading="a list of numbers", raw=bytes(numbers))


def _listed_numbers(text: str) -> list[int]:
    """`[1, 2]`, `1,2` or `[1 2]`; empty for anything else. No regular expression: those for lists are slow to fail."""
    if len(text) > _MAX_LIST_CHARS:
        return []
    words = text.removeprefix("[").removesuffix("]").replace(",", " ").split()
    if not all(len(word) <= 3 and word.isascii() and word.isdigit() for word in words):
        return []
    return [int(word) for word in words]


def _inner(raw: bytes) -> tuple[bytes, str] | None:
    """The signature inside bytes that are themselves text, and how it was written there."""
    if not raw.isascii():
        return None
    text = raw.decode().strip()
    digits = _HEX.fullmatch(text)
    if digits and len(digits[1]) == 2 * SIGNATURE_BYTES:
        return bytes.fromhex(digits[1]), "base64 of hex digits"
    inner = lenient_base64(text)
    return (inner, "base64 of base64") if inner is not None and len(inner) == SIGNATURE_BYTES else None


def _unescaped(text: str) -> bytes:
    def plain(match: re.Match[bytes]) -> bytes:
        return bytes.fromhex(match[1].decode()) if match[1] else _PLAIN_ESCAPES.get(match[2], match[2])

    return _ESCAPE.sub(plain, text.encode("utf-8", "replace"))


def _looks_like_message(rest: bytes) -> bool:
    """The end of a message of ours is printable (server_time, host_id); that of a foreign signature is random."""
    end = rest[-16:].rstrip(b"\r\n\x00")
    # The cut may split a character: up to three stray continuation bytes at the start are no evidence.
    stray = next((i for i, byte in enumerate(end[:3]) if not 0x80 <= byte < 0xC0), 3)
    try:
        return len(end) >= 4 + stray and end[stray:].decode().isprintable()
    except UnicodeDecodeError:
        return False


def _base64_kind(text: str) -> str:
    if len(text.split()) > 1:
        return "base64 broken into lines"
    if "-" in text or "_" in text:
        return "base64url"
    return "base64 with surplus bits" if text.endswith("=") else "base64 without its padding"


def _fingerprint(raw: bytes) -> str:
    size = len(raw)
    if 68 <= size <= 72 and raw[0] == 0x30 and raw[1] == size - 2:
        return "an ECDSA signature"
    if size in _SIZES:
        return _SIZES[size]
    return "a truncated signature" if size < SIGNATURE_BYTES else "longer than a signature"
