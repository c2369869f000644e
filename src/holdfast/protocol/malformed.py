"""What is wrong with a frame that is not an envelope, in one named fault.

This is the slow path: it runs only after the fast decoder refused. Every function is total: any bytes in, a `Problem`
out, never an exception. Work is bounded by the frame's size (64 KiB before registration) and by the limits below.
"""

import ast
import difflib
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from holdfast.faults.problem import Problem, printable
from holdfast.protocol.envelope import MESSAGE_TYPES, NotAnEnvelope, decode_envelope
from holdfast.protocol.limits import MAX_CHANNEL_CHARS, MAX_ID_CHARS, MAX_TIMESTAMP, MIN_TIMESTAMP

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

JSON_ERRORS: Final = (ValueError, RecursionError)


def _refuse_constant(name: str) -> object:
    # RFC 8259 has no such numbers; Python's reader takes them, the fast decoder and most others do not.
    raise ValueError(f"{name} is no JSON value")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def strict_json(text: str) -> object:
    """The value of a JSON text, read slowly and with exact complaints.

    Raises:
        ValueError, RecursionError: these are `JSON_ERRORS`.
    """
    if text.startswith("\ufeff"):
        raise json.JSONDecodeError("a byte order mark stands before the JSON", text, 0)
    return _decoder.decode(text)


def name_frame(frame: bytes, *, now: float) -> Problem:
    """The fault of a text frame that `decode_envelope` refused. `now` is our clock, Unix seconds."""
    try:
        text = frame.decode("utf-8")
    except UnicodeDecodeError as error:
        return bad_utf8(frame, error.start)
    try:
        document = strict_json(text)
    except JSON_ERRORS as error:
        return _not_json(text, error)
    if not isinstance(document, dict):
        return _wrong_type("$", "an object with id, type, channel, timestamp and payload", document)
    return _name_fields(document, now) or _name_rest(frame, text)


class Origin(msgspec.Struct, frozen=True):
    """Where the error about a frame goes back to, as far as that could be read in it."""

    channel: str = "error"
    id: str | None = None


def origin(frame: bytes) -> Origin:
    """The channel and id of a frame that is no envelope."""
    try:
        document = strict_json(frame.decode("utf-8"))
    except JSON_ERRORS:
        return Origin()
    if not isinstance(document, dict):
        return Origin()
    channel = _readable(document.get("channel"), MAX_CHANNEL_CHARS)
    return Origin(channel or "error", _readable(document.get("id"), MAX_ID_CHARS))


def _readable(value: object, limit: int) -> str | None:
    """A text that may go into an envelope; None for everything else, half of a surrogate pair included."""
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        return None
    return None if any("\ud800" <= character <= "\udfff" for character in value) else value


def bad_utf8(raw: bytes, position: int) -> Problem:
    """MSG-BAD-UTF8, with the byte, its place and a guess at the encoding."""
    guess = "its encoding is not known"
    if b"\x00" in raw[:64] or raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
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
        strict_json(data.decode("utf-8"))
        holds = "JSON"
    except JSON_ERRORS:
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
    return _no_json(text, _guess(text, error), position)


def _no_json(text: str, guess: str, position: int) -> Problem:
    shown = printable(text, SHOWN_CHARS)
    return Problem(
        code="MSG-NOT-JSON",
        what="the frame is not JSON",
        why=f"{printable(guess)}; it starts with '{shown}'",
        fix="Send the output of a JSON encoder, such as json.dumps(message)",
        evidence={"starts_with": shown, "position": position},
    )


def _guess(text: str, error: Exception) -> str:
    if not text.strip():
        return "the frame is empty"
    if text.lstrip().startswith("<"):
        return "it looks like XML or HTML"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at position {error.pos}"
    return str(error)


def _second_document(text: str) -> int:
    """Where the first of several JSON documents ends; 0 where there is not exactly that fault."""
    try:
        _, end = _decoder.raw_decode(text.lstrip())
        end += len(text) - len(text.lstrip())
        rest = text[end:].lstrip()
        _decoder.raw_decode(rest)
    except JSON_ERRORS:
        return 0
    return end if rest else 0


def _is_python_literal(text: str) -> bool:
    if len(text) > MAX_LITERAL_BYTES or not text.lstrip().startswith(("{", "[", "(")):
        return False
    try:
        with warnings.catch_warnings():
            # The compiler's remarks on a stranger's text belong neither into our log nor onto our standard error.
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError, OverflowError):
        return False
    return isinstance(value, dict | list | tuple)


def _name_fields(document: dict[str, object], now: float) -> Problem | None:
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
        if MIN_TIMESTAMP <= value <= MAX_TIMESTAMP:
            return None
        return wrong_value("timestamp", f"whole Unix seconds such as {int(now)}", f"{len(str(abs(value)))} digits")
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
    """MSG-TS-MILLIS: the timestamp is 10^3, 10^6 or 10^9 times too large. `now` is our clock, Unix seconds."""
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


def _name_values(document: dict[str, object]) -> Problem | None:
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
    return None


def _name_rest(frame: bytes, text: str) -> Problem:
    """What only the fast decoder minds, such as half of a surrogate pair: its own sentence is the best one."""
    try:
        decode_envelope(frame)
    except NotAnEnvelope as error:
        return _no_json(text, str(error), 0)
    return wrong_value("$", "a frame that is refused", "an envelope")


def unknown_type(found: str, expected: Sequence[str]) -> Problem:
    """MSG-TYPE-UNKNOWN: no such type, or not the one this channel takes."""
    return Problem(
        code="MSG-TYPE-UNKNOWN",
        what=f"type '{printable(found, SHOWN_CHARS)}' is not accepted here",
        why=f"expected {' or '.join(expected)}",
        fix=f'Set "type" to "{nearest(found, expected) or expected[0]}"',
        field="type",
        evidence={"found": printable(found, SHOWN_CHARS), "expected": ", ".join(expected)},
    )


def missing_field(name: str, present: Mapping[str, object], *, where: str, path: str | None = None) -> Problem:
    """MSG-FIELD-MISSING, with the nearest field that is there, should it be a misspelling."""
    near = nearest(name, [str(key) for key in present])
    hint = f"; '{printable(near, SHOWN_CHARS)}' is there: did you mean '{name}'" if near else ""
    return Problem(
        code="MSG-FIELD-MISSING",
        what=f"field {name!r} is missing in {where}",
        why=f"{where} needs {name!r}{hint}",
        fix=f"Rename '{printable(near, SHOWN_CHARS)}' to '{name}'" if near else f"Add '{name}' to {where}",
        field=path or name,
        evidence={"missing": name, "nearest": printable(near, SHOWN_CHARS) if near else None},
    )


def wrong_value(field: str, expected: str, found: str) -> Problem:
    """MSG-FIELD-TYPE for a value of the right JSON type and the wrong size or form."""
    return Problem(
        code="MSG-FIELD-TYPE",
        what=f"field '{field}' has a wrong value",
        why=f"expected {expected}, got {printable(found)}",
        fix=f"Send {field} as {expected}",
        field=field,
        evidence={"expected": expected, "found": printable(found)},
    )


def _wrong_type(field: str, expected: str, value: object) -> Problem:
    return wrong_value(field, expected, type_name(value))


def type_name(value: object) -> str:
    """The JSON type of `value` as people say it: "a list"."""
    return TYPE_NAMES.get(type(value), "something else")


def nearest(word: str, candidates: Sequence[str]) -> str | None:
    """The candidate most like `word`, letter case, blanks and separators forgiven; None where none is near."""
    fold = {re.sub(r"[\s_/.-]", "", candidate).lower()[:256]: candidate for candidate in list(candidates)[:64]}
    key = re.sub(r"[\s_/.-]", "", word[:256]).lower()
    found = difflib.get_close_matches(key, fold, n=1, cutoff=0.6)
    return fold[found[0]] if found else None
