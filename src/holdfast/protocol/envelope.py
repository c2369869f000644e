"""The envelope: one JSON object in one text frame, and the payload inside it.

Bytes become typed values here, once. `decode_envelope` is the hot path of the gateway; whatever it refuses is handed to
`holdfast.protocol.malformed`, which takes its time to find out what was wrong.
"""

import base64
import binascii
from typing import Annotated, Final, Literal

import msgspec

from holdfast.protocol.limits import MAX_CHANNEL_CHARS, MAX_ID_CHARS, MAX_TIMESTAMP, MIN_TIMESTAMP

MessageType = Literal["request", "response", "event", "heartbeat", "ack", "error"]
MESSAGE_TYPES: Final[tuple[str, ...]] = ("request", "response", "event", "heartbeat", "ack", "error")

EMPTY_PAYLOADS: Final = frozenset({"", "e30="})  # nothing, and base64 of `{}`: what heartbeats carry


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """The outer message. `timestamp` is the sender's clock in whole Unix seconds, `payload` base64 of a JSON object.

    Unknown fields are ignored, `nonce` and `signature` among them, so that agents in the field need not change.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
    type: MessageType
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHANNEL_CHARS)]
    timestamp: Annotated[int, msgspec.Meta(ge=MIN_TIMESTAMP, le=MAX_TIMESTAMP)]
    payload: str
    headers: dict[str, str] = {}


class NotAnEnvelope(ValueError):
    """The frame is not an envelope; `malformed.name_frame` says in what way."""


_decode = msgspec.json.Decoder(Envelope).decode
_encode = msgspec.json.Encoder().encode
_check_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def decode_envelope(frame: bytes | bytearray) -> Envelope:
    """The envelope in `frame` (UTF-8 JSON).

    Raises:
        NotAnEnvelope: not UTF-8, not JSON, or a field is missing or of the wrong type.
    """
    try:
        return _decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise NotAnEnvelope(str(error)) from error


def encode_envelope(envelope: Envelope) -> bytes:
    """UTF-8 JSON of `envelope`, as it goes into one text frame."""
    return _encode(envelope)


def decode_base64(text: str) -> bytes:
    """The bytes of RFC 4648 §4 base64, strictly: padded, no foreign character, no line breaks.

    Raises:
        ValueError: `text` is anything else.
    """
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True) if text else b""
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error


def encode_base64(raw: bytes) -> str:
    """Standard, padded base64."""
    return base64.b64encode(raw).decode("ascii")


def payload_json(payload: str) -> bytes:
    """The JSON text inside `payload`; `{}` where it is empty.

    Raises:
        ValueError: not base64, or not a JSON object in UTF-8 inside.
    """
    if payload in EMPTY_PAYLOADS:
        return b"{}"
    raw = decode_base64(payload)
    raw.decode("utf-8")  # msgspec looks at the encoding of texts that it delivers, not of those it skips
    try:
        _check_object(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return raw


def pack_payload(payload: object) -> str:
    """`payload` (a struct or a dict) as the text of an envelope's `payload` field."""
    return encode_base64(_encode(payload))
