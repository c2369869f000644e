"""What is wrong with a frame that is not an envelope, in one named fault.

This is the slow path: it runs only after the fast decoder refused. Every function is total: any bytes in, a `Problem`
out, never an exception. Work is bounded by the frame's size (64 KiB before registration) and by the limits below.
"""

import ast
import binascii
import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from holdfast.faults.problem import Problem, printable
from holdfast.protocol.envelope import MESSAGE_TYPES, decode_base64
from holdfast.protocol.limits import MAX_CHANNEL_CHARS, MAX_ID_CHARS

MAX_LITERAL_BYTES: Final = 8 * 1024  # ast is quadratic in places: longer text is not tried as a Python literal
SHOWN_CHARS: Final = 40

ENVELOPE_FIELDS: Final[Mapping[str, type]] = {
    "id": str,
    "type": str,
    "channel": str,
    "timestamp": int,
    "payload": str,
}
TYPE_NAMES: Final[Mapping[type, str]] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    type(None): "null",
}

_JSON_ERRORS = (ValueError, RecursionError)
_decoder = json.JSONDecoder()


def name_frame(frame: bytes, *, now: float) -> Problem:
    """The fault of a text frame that `decode_envelope` refused. `now` is our clock, Unix seconds."""
    try:
        text = frame.decode("utf-8")
    except UnicodeDecodeError as error:
        return bad_utf8(frame, error.start)
    try:
        document = json.loads(text)
    except _JSON_ERRORS as error:
        return _not_json(text, error)
    if not isinstance(document, dict):
        return _wrong_type("$", "an object with id, type, channel, timestamp and payload", document)
    return _name_fields(document, now)


def bad_utf8(raw: bytes, position: int) -> Problem:
    """MSG-BAD-UTF8, with the byte, its place and a guess at the encoding."""
    guess = "unknown encoding"
    if b"\x00" in raw[:64]:
        guess = "it looks like UTF-16"
    elif raw[:2] == b"\x1f\x8b":
        guess = "it looks like gzip"
    elif raw[:1] in (b"{", b'"', b"["):
        guess = "it looks like Latin-1 or Windows-1252"
    return Problem(
        code="MSG-BAD-UTF8",
        what="the text frame is not UTF-8",
        why=f"byte 0x{raw[position]:02x} at position {position} starts no valid character; {guess}",
        fix="Encode the message as UTF-8 before sending it",
        evidence={"position": position, "byte": f"0x{raw[position]:02x}"},
    )


def binary_frame(data: bytes) -> Problem:
    """MSG-BINARY: opcode 2 where a text frame belongs."""
    try:
        json.loads(data)
        holds = "JSON"
    except _JSON_ERRORS:
        holds = "something other than JSON"
    return Problem(
        code="MSG-BINARY",
        what="the message came in a binary frame",
        why=f"opcode 2 with {len(data)} bytes of {holds}; messages are text frames",
        fix="Send the JSON as a text frame: str, not bytes",
        evidence={"opcode": 2, "bytes": len(data), "holds": holds},
    )


def _not_json(text: str, error: Exception) -> Problem:
    shown = printable(text, SHOWN_CHARS)
    position = error.pos if isinstance(error, json.JSONDecodeError) else 0
    evidence: dict[str, str | int | float | bool | None] = {"starts_with": shown, "position": position}
    if concatenated := _second_document(text):
        return Problem(
            code="MSG-CONCATENATED",
            what="the frame holds more than one JSON document",
            why=f"the first one ends at position {concatenated} and another follows",
            fix="Send one JSON object per frame",
            evidence={**evidence, "position": concatenated},
        )
    if _is_python_literal(text):
        return Problem(
            code="MSG-PYTHON-REPR",
            what="the frame holds a Python literal, not JSON",
            why="it has single quotes, None, True or False: the text of str(message)",
            fix="Send json.dumps(message) instead of str(message)",
            evidence=evidence,
        )
    if not text.strip():
        guess = "the frame is empty"
    elif text.startswith("﻿"):
        guess = "a byte order mark stands before the JSON"
    elif text.lstrip().startswith("<"):
        guess = "it looks like XML or HTML"
    elif isinstance(error, RecursionError):
        guess = "it is nested too deeply"
    else:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        guess = f"{reason} at position {position}"
    return Problem(
        code="MSG-NOT-JSON",
        what="the frame is not JSON",
        why=f"{printable(guess)}; it starts with {shown!r}",
        fix="Send the output of a JSON encoder, such as json.dumps(message)",
        evidence=evidence,
    )


def _second_document(text: str) -> int:
    """Where the first of several JSON documents ends; 0 where there is not exactly that fault."""
    try:
        _, end = _decoder.raw_decode(text.lstrip())
        end += len(text) - len(text.lstrip())
        rest = text[end:].lstrip()
        _decoder.raw_decode(rest)
    except _JSON_ERRORS:
        return 0
    return end if rest else 0


def _is_python_literal(text: str) -> bool:
    if len(text) > MAX_LITERAL_BYTES or not text.lstrip().startswith(("{", "[", "(")):
        return False
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return False
    return isinstance(value, dict | list | tuple)


def _name_fields(document: dict[str, object], now: float) -> Problem:
    for name, expected in ENVELOPE_FIELDS.items():
        if name not in document:
            return missing_field(name, document, where="the envelope")
        value = document[name]
        if name == "timestamp":
            if problem := _name_timestamp(value, now):
                return problem
        elif name == "payload" and isinstance(value, dict):
            return Problem(
                code="MSG-PAYLOAD-OBJECT",
                what="payload is a JSON object",
                why="payload has to be a string: base64 of the JSON text",
                fix="Send payload as base64(json.dumps(payload))",
                field="payload",
                evidence={"found": "an object", "keys": printable(", ".join(map(str, list(value)[:8])))},
            )
        elif not isinstance(value, expected):
            return _wrong_type(name, TYPE_NAMES[expected], value)
    return _name_values(document)


def _name_timestamp(value: object, now: float) -> Problem | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return None if -(2**63) <= value < 2**63 else milliseconds(value, now)
    if isinstance(value, str | float):
        return Problem(
            code="MSG-TS-STRING",
            what="timestamp is not an integer",
            why=f"expected whole Unix seconds such as {int(now)}, got {printable(json.dumps(value), SHOWN_CHARS)}",
            fix="Send timestamp as an integer of Unix seconds, int(time.time())",
            field="timestamp",
            evidence={"found": printable(str(value), SHOWN_CHARS), "expected": int(now)},
        )
    return _wrong_type("timestamp", "an integer", value)


def milliseconds(value: int, now: float) -> Problem:
    """MSG-TS-MILLIS: the timestamp is 10^3, 10^6 or 10^9 times too large."""
    units = {3: "milliseconds", 6: "microseconds", 9: "nanoseconds"}
    power = min(9, max(3, 3 * round((len(str(abs(value))) - len(str(int(now)))) / 3)))
    return Problem(
        code="MSG-TS-MILLIS",
        what=f"timestamp is in {units[power]}",
        why=f"{printable(str(value), SHOWN_CHARS)} is about 10^{power} times the present, {int(now)}",
        fix="Send timestamp in whole Unix seconds, int(time.time())",
        field="timestamp",
        evidence={"found": printable(str(value), SHOWN_CHARS), "expected": int(now)},
    )


def _name_values(document: dict[str, object]) -> Problem:
    kind = str(document["type"])
    if kind not in MESSAGE_TYPES:
        return unknown_type(kind, MESSAGE_TYPES)
    headers = document.get("headers", {})
    if not isinstance(headers, dict):
        return _wrong_type("headers", "an object of strings", headers)
    for key, value in headers.items():
        if not isinstance(value, str):
            return _wrong_type(f"headers.{printable(key, SHOWN_CHARS)}", "a string", value)
    for name, limit in (("id", MAX_ID_CHARS), ("channel", MAX_CHANNEL_CHARS)):
        text = str(document[name])
        if not 1 <= len(text) <= limit:
            return wrong_value(name, f"a string of 1 to {limit} characters", f"{len(text)} characters")
    return wrong_value("$", "the envelope of the protocol page", printable(json.dumps(document), SHOWN_CHARS))


def unknown_type(found: str, expected: Sequence[str]) -> Problem:
    """MSG-TYPE-UNKNOWN: no such type, or not the one this channel takes."""
    return Problem(
        code="MSG-TYPE-UNKNOWN",
        what=f"type {printable(found, SHOWN_CHARS)!r} is not accepted here",
        why=f"expected {' or '.join(expected)}",
        fix=f'Set "type" to "{nearest(found, expected) or expected[0]}"',
        field="type",
        evidence={"found": printable(found, SHOWN_CHARS), "expected": ", ".join(expected)},
    )


def missing_field(name: str, present: Mapping[str, object], *, where: str, path: str | None = None) -> Problem:
    """MSG-FIELD-MISSING, with the nearest field that is there, should it be a misspelling."""
    near = nearest(name, [str(key) for key in present])
    hint = f"; {printable(near, SHOWN_CHARS)!r} is there: did you mean {name!r}" if near else ""
    return Problem(
        code="MSG-FIELD-MISSING",
        what=f"field {name!r} is missing in {where}",
        why=f"{where} needs {name!r}{hint}",
        fix=f"Rename {printable(near, SHOWN_CHARS)!r} to {name!r}" if near else f"Add {name!r} to {where}",
        field=path or name,
        evidence={"missing": name, "nearest": printable(near, SHOWN_CHARS) if near else None},
    )


def wrong_value(field: str, expected: str, found: str) -> Problem:
    """MSG-FIELD-TYPE for a value of the right JSON type and the wrong size or form."""
    return Problem(
        code="MSG-FIELD-TYPE",
        what=f"field {field!r} has a wrong value",
        why=f"expected {expected}, got {printable(found)}",
        fix=f"Send {field} as {expected}",
        field=field,
        evidence={"expected": expected, "found": printable(found)},
    )


def _wrong_type(field: str, expected: str, value: object) -> Problem:
    return wrong_value(field, expected, TYPE_NAMES.get(type(value), "something else"))


def nearest(word: str, candidates: Sequence[str]) -> str | None:
    """The candidate most like `word`, letter case, blanks and separators forgiven; None where none is near."""
    fold = {re.sub(r"[\s_/.-]", "", candidate).lower()[:256]: candidate for candidate in list(candidates)[:64]}
    key = re.sub(r"[\s_/.-]", "", word[:256]).lower()
    found = difflib.get_close_matches(key, fold, n=1, cutoff=0.6)
    return fold[found[0]] if found else None


def name_payload(payload: str) -> Problem:
    """The fault of a `payload` text that is not base64 of a JSON object."""
    if payload.lstrip()[:1] in ("{", "["):
        return _payload_problem(
            "RAW-JSON", "payload is JSON text", "it starts with a brace; it has to be base64", payload
        )
    try:
        raw = decode_base64(payload)
    except ValueError:
        return _name_bad_base64(payload)
    try:
        document = json.loads(raw)
    except _JSON_ERRORS:
        return _name_content(payload, raw)
    if isinstance(document, str):
        why = "it holds a JSON string: json.dumps was applied twice"
    else:
        why = f"it holds {TYPE_NAMES.get(type(document), 'something else')}, not an object"
    return _payload_problem("NOT-JSON", "payload is not a JSON object", why, payload)


def _name_bad_base64(payload: str) -> Problem:
    foreign = next((i for i, c in enumerate(payload) if not (c.isascii() and (c.isalnum() or c in "+/="))), None)
    padded = payload.rstrip("=") + "=" * (-len(payload.rstrip("=")) % 4)
    if foreign is None:
        if padded != payload and _is_base64(padded):
            why = f"the padding is missing or wrong: {len(payload)} characters, not a multiple of four with '='"
        else:
            why = f"its length of {len(payload)} characters cannot be base64: it may have been cut"
        return _payload_problem("NOT-B64", "payload is not valid base64", why, payload)
    if set(payload) & set("-_") and not set(payload) & set("+/"):
        standard = padded.replace("-", "+").replace("_", "/")
        if _is_base64(standard):
            why = "it uses the URL-safe alphabet, with '-' and '_'"
            return _payload_problem("B64URL", "payload is URL-safe base64", why, payload)
    why = f"character {printable(payload[foreign], 8)!r} at position {foreign} is not of the base64 alphabet"
    return _payload_problem("NOT-B64", "payload is not valid base64", why, payload)


def _name_content(payload: str, raw: bytes) -> Problem:
    try:
        inner = decode_base64(raw.decode("ascii").strip())
        json.loads(inner)
    except (*_JSON_ERRORS, UnicodeDecodeError):
        pass
    else:
        return _payload_problem(
            "DOUBLE-B64", "payload was base64-encoded twice", "decoded once it is base64 again", payload
        )
    signs = {
        b"\x80": "a Python pickle or MessagePack",
        b"\x1f\x8b": "gzip",
        b"\x78": "zlib",
        b"\xef\xbb\xbf": "JSON after a byte order mark",
        b"\xff\xfe": "UTF-16 text",
        b"<": "XML or HTML",
        b"{'": "a Python literal, str(payload)",
    }
    found = next((name for sign, name in signs.items() if raw.startswith(sign)), "bytes that are no JSON")
    return _payload_problem("NOT-JSON", "payload is not a JSON object", f"decoded, it is {found}", payload)


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    return True


PAYLOAD_FIXES: Final[Mapping[str, str]] = {
    "RAW-JSON": "Send payload as base64 of the JSON text",
    "NOT-B64": "Send payload as standard, padded base64 of the JSON text, in one line",
    "B64URL": "Use the standard base64 alphabet with '+' and '/', as b64encode does",
    "DOUBLE-B64": "Encode the payload as base64 once",
    "NOT-JSON": "Send a plain JSON object, encoded as UTF-8 and then as base64",
}


def _payload_problem(kind: str, what: str, why: str, payload: str) -> Problem:
    # The payload may hold keys or tokens: its length is shown, its text is not.
    return Problem(
        code=f"MSG-PAYLOAD-{kind}",
        what=what,
        why=why,
        fix=PAYLOAD_FIXES[kind],
        field="payload",
        evidence={"chars": len(payload)},
    )
