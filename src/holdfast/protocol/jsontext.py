"""Reading JSON strictly, and naming what is no JSON: the text of a frame, before anything in it is looked at."""

import ast
import json
import warnings
from typing import Final

from holdfast.faults.problem import Problem, printable

MAX_LITERAL_BYTES: Final = 8 * 1024  # ast is quadratic in places: longer text is not tried as a Python literal
SHOWN_CHARS: Final = 40

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


def not_json(text: str, error: Exception) -> Problem:
    """The fault of a text that `strict_json` refused with `error`."""
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
    return misread(text, _guess(text, error), position)


def misread(text: str, reason: str, position: int = 0) -> Problem:
    """MSG-NOT-JSON, for `reason`."""
    shown = printable(text, SHOWN_CHARS)
    return Problem(
        code="MSG-NOT-JSON",
        what="the frame is not JSON",
        why=f"{printable(reason)}; it starts with '{shown}'",
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
