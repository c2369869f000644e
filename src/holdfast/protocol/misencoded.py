"""What is wrong with a payload that is not base64 of a JSON object.

Slow path, as `malformed`: text in, a `Problem` out. No `Problem` of this module shows any part of the payload, which
may hold keys or tokens.
"""

import math
from collections.abc import Mapping
from typing import Final

from holdfast.faults.problem import Problem, printable
from holdfast.protocol.envelope import decode_base64, payload_json
from holdfast.protocol.jsontext import JSON_ERRORS, strict_json
from holdfast.protocol.malformed import type_name

MIN_ENTROPY_BYTES: Final = 64  # shorter texts say nothing about their entropy

PAYLOAD_FIXES: Final[Mapping[str, str]] = {
    "RAW-JSON": "Send payload as base64 of the JSON text",
    "NOT-B64": "Send payload as standard, padded base64 of the JSON text, in one line",
    "B64URL": "Use the standard base64 alphabet with '+' and '/', as b64encode does",
    "DOUBLE-B64": "Encode the payload as base64 once",
    "NOT-JSON": "Send a plain JSON object, encoded as UTF-8 and then as base64",
}

SIGNS: Final[Mapping[bytes, str]] = {
    b"\x1f\x8b": "gzip",
    b"\x78\x01": "zlib",
    b"\x78\x9c": "zlib",
    b"\x78\xda": "zlib",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\xef\xbb\xbf": "JSON after a byte order mark",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"{\x00": "UTF-16 text",
    b"\x00{": "UTF-16 text",
    b"<": "XML or HTML",
    b"{'": "a Python literal, str(payload)",
    b"\n": "Protocol Buffers",
}


def name_payload(payload: str) -> Problem:
    """The fault of a `payload` text that `payload_json` refused."""
    if payload.lstrip()[:1] in ("{", "["):
        return _problem("RAW-JSON", "payload is JSON text", "it starts with a brace; it has to be base64", payload)
    try:
        raw = decode_base64(payload)
    except ValueError:
        return _name_bad_base64(payload)
    try:
        document = strict_json(raw.decode("utf-8"))
    except JSON_ERRORS as error:
        return _name_content(payload, raw, error)
    if isinstance(document, dict):
        why = f"decoded, it is not strict JSON: {_complaint(payload)}"
    elif isinstance(document, str):
        why = "it holds a JSON string: json.dumps was applied twice"
    else:
        why = f"it holds {type_name(document)}, not an object"
    return _problem("NOT-JSON", "payload is not a JSON object", why, payload)


def _complaint(payload: str) -> str:
    """The fast decoder's own sentence, about what the slow reader lets pass."""
    try:
        payload_json(payload)
    except ValueError as error:
        return printable(str(error))
    return "no defect was found"


def _name_bad_base64(payload: str) -> Problem:
    foreign = next((i for i, c in enumerate(payload) if not (c.isascii() and (c.isalnum() or c in "+/="))), None)
    bare = payload.rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    if foreign is None:
        if padded != payload and _is_base64(padded):
            why = f"the padding is missing or wrong: {len(payload)} characters, not a multiple of four with '='"
        else:
            why = f"its length of {len(payload)} characters cannot be base64: it may have been cut"
        return _problem("NOT-B64", "payload is not valid base64", why, payload)
    if not set(payload) & set("+/") and _is_json_in_base64(padded.replace("-", "+").replace("_", "/")):
        why = "it uses the URL-safe alphabet, with '-' and '_'"
        return _problem("B64URL", "payload is URL-safe base64", why, payload)
    shown = "a line break" if payload[foreign] in "\r\n" else f"character '{printable(payload[foreign], 10)}'"
    why = f"{shown} at position {foreign} is not of the base64 alphabet"
    return _problem("NOT-B64", "payload is not valid base64", why, payload)


def _name_content(payload: str, raw: bytes, error: Exception) -> Problem:
    if raw.isascii() and _is_json_in_base64(raw.decode("ascii").strip()):
        return _problem("DOUBLE-B64", "payload was base64-encoded twice", "decoded once it is base64 again", payload)
    return _problem("NOT-JSON", "payload is not a JSON object", f"decoded, it {_form(raw, error)}", payload)


def _form(raw: bytes, error: Exception) -> str:
    if not raw.strip():
        return "is empty"
    if sign := next((name for sign, name in SIGNS.items() if raw.startswith(sign)), None):
        return f"is {sign}"
    if 0x80 <= raw[0] <= 0x8F:
        return "is a Python pickle or MessagePack"
    if raw[:1] == b"{":
        if isinstance(error, UnicodeDecodeError):
            return "is text in another encoding than UTF-8"
        if isinstance(error, RecursionError):
            return "is JSON nested too deeply"
        return f"is not strict JSON: {printable(str(error))}"
    return "looks encrypted or compressed" if _is_noise(raw) else "is bytes that are no JSON"


def _is_noise(raw: bytes) -> bool:
    """Whether `raw` uses as many different byte values as noise of its length does, within 10 %."""
    expected = 256 * (1 - math.exp(-len(raw) / 256))
    return len(raw) >= MIN_ENTROPY_BYTES and len(set(raw)) >= 0.9 * expected and not raw.isascii()


def _is_base64(text: str) -> bool:
    try:
        decode_base64(text)
    except ValueError:
        return False
    return True


def _is_json_in_base64(text: str) -> bool:
    try:
        strict_json(decode_base64(text).decode("utf-8"))
    except JSON_ERRORS:
        return False
    return True


def _problem(kind: str, what: str, why: str, payload: str) -> Problem:
    return Problem(
        code=f"MSG-PAYLOAD-{kind}",
        what=what,
        why=why,
        fix=PAYLOAD_FIXES[kind],
        field="payload",
        evidence={"chars": len(payload)},
    )
