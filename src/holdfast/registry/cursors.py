"""Cursors: where the next page of a list begins.

A cursor holds the sort value and the number of the last row shown, not a count of rows to skip: rows that come or go
before it neither repeat nor hide others. It is opaque to callers, and a damaged one is refused, not guessed at.
"""

import base64
import binascii
import zlib
from typing import Final

import msgspec

from holdfast.registry.refusals import invalid

SortValue = str | float
MAX_LIMIT: Final = 1000
_CHECK_BYTES: Final = 4


class Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Just behind the row `seq`, in the list `order`, where that row's sort value was `value`."""

    order: str
    value: SortValue
    seq: int


_decoder: Final = msgspec.msgpack.Decoder(Position)


def write_cursor(position: Position) -> str:
    """The opaque text of `position`."""
    raw = msgspec.msgpack.encode(position)
    return base64.urlsafe_b64encode(zlib.crc32(raw).to_bytes(_CHECK_BYTES) + raw).decode("ascii").rstrip("=")


def read_cursor(text: str | None, *, order: str) -> Position | None:
    """The position in the list `order` that `text` holds; None for the start.

    Raises:
        InvalidQuery: it is no cursor of ours, was damaged, or belongs to a list with another order.
    """
    if text is None:
        return None
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        check, raw = sealed[:_CHECK_BYTES], sealed[_CHECK_BYTES:]
        position = _decoder.decode(raw)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        invalid("cursor", "it is not a cursor that this API gave out", "Start again without a cursor")
    if zlib.crc32(raw).to_bytes(_CHECK_BYTES) != check:
        invalid("cursor", "it was cut or changed", "Start again without a cursor")
    if position.order != order:
        invalid("cursor", f"it belongs to a list in another order ({position.order})", "Keep the sort while paging")
    return position


def check_limit(limit: int) -> int:
    """`limit`, if a page may have that many rows.

    Raises:
        InvalidQuery: it may not.
    """
    if not 1 <= limit <= MAX_LIMIT:
        invalid("limit", f"{limit} is not between 1 and {MAX_LIMIT}", f"Ask for 1 to {MAX_LIMIT}")
    return limit
