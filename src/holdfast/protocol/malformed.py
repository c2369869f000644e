"""What is wrong with a frame that is not an envelope, in one named fault.

This is the slow path: it runs only after the fast decoder refused. Every function is total: any bytes in, a `Problem`
out, never an exception. Work is bounded by the frame's size (64 KiB before registration) and by the limits below.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from holdfast.faults.problem import Problem, printable
from holdfast.protocol.envelope import MESSAGE_TYPES, NotAnEnvelope, decode_envelope
from holdfast.protocol.interleaved import interleaved
from holdfast.protocol.jsontext import JSON_ERRORS, SHOWN_CHARS, bad_utf8, misread, not_json, strict_json
from holdfast.protocol.limits import MAX_CHANNEL_CHARS, MAX_ID_CHARS, MAX_TIMESTAMP, MIN_TIMESTAMP

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


def name_frame(frame: bytes, *, now: float) -> Problem:
    """The fault of a text frame that `decode_envelope` refused. `now` is our clock, Unix seconds."""
    try:
        text = frame.decode("utf-8")
    except UnicodeDecodeError as error:
        return interleaved(frame, error.start) or bad_utf8(frame, error.start)
    try:
        document = strict_json(text)
    except JSON_ERRORS as error:
        return interleaved(frame, getattr(error, "pos", 0)) or not_json(text, error)
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
        return misread(text, str(error))
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
