"""Reading the public key of a registration: 32 raw bytes in standard base64, and by name whatever else was sent.

Only shapes are judged here. Whether the key belongs to the agent is proved by its signature, and a private key that
has the shape of a public one (32 bytes) is recognised there as well.

No `Problem` of this module holds any part of the received text: it may be a private key.
"""

import base64
import binascii
import re
from typing import Final

from nacl.signing import SigningKey

from holdfast.faults.problem import Problem
from holdfast.protocol.signing import KEY_BYTES

KEY_FIX: Final = "Send the base64 text of the 32 raw bytes of the Ed25519 public key (44 characters)"

# RFC 8410: SubjectPublicKeyInfo and PKCS#8 of Ed25519. 1.3.101.112 is `2b6570`.
_SPKI_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
# A DER sequence that opens with the integer 0 or 1 is a private key: PKCS#8, PKCS#1 and SEC 1 begin so, no public form.
_DER_PRIVATE: Final = re.compile(rb"\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01]", re.DOTALL)
_OPENSSH_PREFIX: Final = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"

# RFC 8032, 5.1: the field prime. An encoding is 255 bits of y and the sign of x.
_P: Final = 2**255 - 19
_Y_BITS: Final = 2**255 - 1
# The y of the eight points of small order: order 4, order 1, order 2, and twice order 8. With a signature made for them
# some libraries accept every message, so anyone could register without a private key.
_SMALL_ORDER_Y: Final = frozenset(
    {
        0,
        1,
        _P - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)

_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")
_REPR: Final = re.compile(r"""[bB](['"])(.*)\1""", re.DOTALL)
_MAX_CHARS: Final = 16_384  # no key format of any use is longer; longer texts are not analysed

_FOREIGN_LENGTHS: Final = {
    33: "a compressed point of a NIST curve or secp256k1",
    65: "an uncompressed point of a NIST curve or secp256k1",
    91: "a P-256 key in DER",
    57: "an Ed448 key",
    69: "an Ed448 key in DER",
    97: "an uncompressed point of P-384",
}


def parse_public_key(text: str) -> bytes | Problem:
    """The 32 raw bytes of an agent's public key, or why this text is not one.

    Codes: KEY-PEM, KEY-ENCODING, KEY-LENGTH, KEY-PRIVATE-SENT, KEY-SMALL-ORDER (fault catalogue, 1.8).
    """
    raw = strict_base64(text)
    if raw is not None and len(raw) == KEY_BYTES:
        return _weak(raw) or raw
    if len(text) > _MAX_CHARS:
        return _length(f"{len(text)} characters", len(text))
    return _by_text(text.strip(), depth=0) or _encoding("neither base64 nor another known form", None)


def is_weak_point(raw: bytes) -> bool:
    """Whether 32 bytes encode a point of small order, or a point in other than its one canonical way."""
    y = int.from_bytes(raw, "little") & _Y_BITS
    return y >= _P or y in _SMALL_ORDER_Y


def strict_base64(text: str) -> bytes | None:
    """Bytes whose one standard encoding (RFC 4648, 4, with padding) is `text`, else None.

    Stricter than `base64.b64decode(validate=True)`: stray bits in the last character are refused, so that no two
    texts stand for the same bytes.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def lenient_base64(text: str) -> bytes | None:
    """`text` as base64 in either alphabet, padded or not, broken into lines or not; None when it is none of these."""
    joined = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _by_text(text: str, depth: int) -> Problem | None:
    """What a text that is not 32 bytes of strict base64 looks like. `depth` bounds texts nested in encodings."""
    if not text:
        return _length("empty", 0)
    if "-----BEGIN" in text:
        return _private("a PEM private key") if "PRIVATE KEY" in text else _pem("PEM text", None)
    if text.startswith("{") and '"kty"' in text:
        return _private("a JWK with its private part") if '"d"' in text else _encoding("a JSON Web Key", None)
    if text.startswith(("ssh-rsa ", "ssh-dss ", "ecdsa-sha2-")):
        return _length("an OpenSSH key of another type than Ed25519", len(text))
    if text.startswith("ssh-ed25519 "):
        return _encoding("an OpenSSH line", _openssh_key(lenient_base64(text.split()[1]) or b""))
    quoted = _REPR.fullmatch(text)
    if quoted:
        return _nested(quoted[2], depth) or _encoding("the text of a Python bytes value, b'...'", None)
    if _HEX.fullmatch(text.removeprefix("0x")) and len(text) >= KEY_BYTES:
        return _by_bytes(bytes.fromhex(text.removeprefix("0x")), "hex digits", depth)
    raw = lenient_base64(text)
    return None if raw is None else _by_bytes(raw, _base64_kind(text), depth)


def _nested(text: str, depth: int) -> Problem | None:
    """A private key inside another encoding is a leaked private key; everything else is named by the outer form."""
    found = _by_text(text, depth + 1) if depth < 2 else None
    return found if found is not None and found.code == "KEY-PRIVATE-SENT" else None


def _by_bytes(raw: bytes, reading: str, depth: int) -> Problem:
    if _is_private(raw):
        return _private(f"{len(raw)} bytes that are a private key")
    if raw.startswith(_SPKI_PREFIX) and len(raw) == len(_SPKI_PREFIX) + KEY_BYTES:
        return _pem("DER (SubjectPublicKeyInfo)", raw[len(_SPKI_PREFIX) :])
    if _openssh_key(raw) is not None:
        return _encoding("the OpenSSH form", _openssh_key(raw))
    if len(raw) == KEY_BYTES:
        return _weak(raw) or _encoding(reading, None)
    if raw.isascii() and depth < 2:
        inner = _by_text(raw.decode().strip(), depth + 1)
        if inner is not None and inner.code != "KEY-LENGTH":
            return inner if inner.code in {"KEY-PRIVATE-SENT", "KEY-PEM"} else _encoding("encoded twice", None)
    foreign = _FOREIGN_LENGTHS.get(len(raw)) or ("an RSA key" if len(raw) >= 128 and raw[:1] == b"\x30" else "")
    return _length(foreign or f"{len(raw)} bytes", len(raw))


def _is_private(raw: bytes) -> bool:
    """A private key in DER, in OpenSSH's private format, or a seed followed by its own public key."""
    if raw.startswith(b"openssh-key-v1\x00") or _DER_PRIVATE.match(raw):
        return True
    return len(raw) == 2 * KEY_BYTES and bytes(SigningKey(raw[:KEY_BYTES]).verify_key) == raw[KEY_BYTES:]


def _openssh_key(raw: bytes) -> bytes | None:
    whole = raw.startswith(_OPENSSH_PREFIX) and len(raw) == len(_OPENSSH_PREFIX) + KEY_BYTES
    return raw[len(_OPENSSH_PREFIX) :] if whole else None


def _base64_kind(text: str) -> str:
    if len(text.split()) > 1:
        return "base64 broken into lines"
    if "-" in text or "_" in text:
        return "base64url"
    return "base64 without its padding" if not text.endswith("=") else "base64 with surplus bits or space"


def _weak(raw: bytes) -> Problem | None:
    if not is_weak_point(raw):
        return None
    return Problem(
        code="KEY-SMALL-ORDER",
        what="The public key is refused: it is one of the points that prove nothing",
        why="agent_pubkey is all zeros or another point of small order, or encodes a point in a forbidden way; with "
        "such a key a signature over one text can pass for every text",
        fix="Generate a real Ed25519 key pair and send its public key (an uninitialised buffer is the usual cause)",
        field="agent_pubkey",
        evidence={"got_bytes": KEY_BYTES},
    )


def _private(form: str) -> Problem:
    return Problem(
        code="KEY-PRIVATE-SENT",
        what="The private key was sent in place of the public key",
        why=f"agent_pubkey holds {form}; whoever saw this message can now sign as this agent",
        fix="Generate a new key pair, destroy this one, and send only the public key: base64 of its 32 raw bytes",
        field="agent_pubkey",
        evidence={"looks_like": form},
    )


def _pem(form: str, key: bytes | None) -> Problem:
    return Problem(
        code="KEY-PEM",
        what="The public key came in PEM or DER form",
        why=f"agent_pubkey is {form}; the raw key is the last 32 of its 44 bytes",
        fix=f"{KEY_FIX}; in Python: base64.b64encode(key.public_bytes_raw())",
        field="agent_pubkey",
        evidence=_evidence(form, key),
    )


def _encoding(form: str, key: bytes | None) -> Problem:
    return Problem(
        code="KEY-ENCODING",
        what="The public key is encoded in another way than standard base64",
        why=f"agent_pubkey is {form}",
        fix=KEY_FIX,
        field="agent_pubkey",
        evidence=_evidence(form, key),
    )


def _length(form: str, size: int) -> Problem:
    return Problem(
        code="KEY-LENGTH",
        what="The public key is not an Ed25519 key",
        why=f"agent_pubkey is {form}; an Ed25519 public key has 32 bytes",
        fix=f"Generate an Ed25519 key. {KEY_FIX}",
        field="agent_pubkey",
        evidence={"looks_like": form, "got_size": size},
    )


def _evidence(form: str, key: bytes | None) -> dict[str, str | int | float | bool | None]:
    """With the text to send instead, for forms that say of themselves that they hold a public key."""
    return {"looks_like": form} if key is None else {"looks_like": form, "send_instead": base64.b64encode(key).decode()}
