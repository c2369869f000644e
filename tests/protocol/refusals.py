"""The messages that are refused, each with its code and field: the injections of the fault catalogue, 1.6.

The published vectors are made of these tables, and the tests hold our core to them.
"""

import base64
import json
from typing import Final

NOW: Final = 1_764_000_000.0


def envelope(**changes: object) -> dict[str, object]:
    """The guide's init envelope; `...` deletes a field."""
    message: dict[str, object] = {
        "id": "m-1",
        "type": "request",
        "channel": "agent.registration",
        "timestamp": int(NOW),
        "payload": "e30=",
        "headers": {},
    }
    message.update(changes)
    return {key: value for key, value in message.items() if value is not ...}


def frame(**changes: object) -> bytes:
    return json.dumps(envelope(**changes)).encode()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


# Written out: what a compressor emits differs between its versions.
GZIP: Final = bytes.fromhex(
    "1f8b0800000000000203ab56cac82f2e89cf4c51b252502a4f4dd2353054d251504a4c4fcd2b892f284dca4ead04c9642bd50200"
    "a53617ac2a000000"
)
ZLIB: Final = bytes.fromhex(
    "789cab56cac82f2e89cf4c51b252502a4f4dd2353054d251504a4c4fcd2b892f284dca4ead04c9642bd502001e870d28"
)
PICKLE: Final = bytes.fromhex("80049517000000000000007d948c07686f73745f6964948c067765622d303194732e")

FRAMES: Final[dict[str, tuple[bytes, str, str | None]]] = {
    "a plain word": (b"hello", "MSG-NOT-JSON", None),
    "nothing": (b"", "MSG-NOT-JSON", None),
    "XML": (b"<register/>", "MSG-NOT-JSON", None),
    "JSON after a byte order mark": (b"\xef\xbb\xbf" + frame(), "MSG-NOT-JSON", None),
    "JSON that was cut": (frame()[:-2], "MSG-NOT-JSON", None),
    "NaN": (frame(x=float("nan")), "MSG-NOT-JSON", None),
    "half of a surrogate pair": (frame(id="\ud800"), "MSG-NOT-JSON", None),
    "lists in lists without end": (b"[" * 60_000, "MSG-NOT-JSON", None),
    "a number of 60000 digits": (b'{"timestamp":' + b"9" * 60_000 + b"}", "MSG-NOT-JSON", None),
    "str(message)": (str(envelope()).encode(), "MSG-PYTHON-REPR", None),
    "str(message) with None": (str(envelope(headers=None)).encode(), "MSG-PYTHON-REPR", None),
    "two documents": (frame() + frame(), "MSG-CONCATENATED", None),
    "two lines": (frame() + b"\n" + frame(), "MSG-CONCATENATED", None),
    "a list": (b"[" + frame() + b"]", "MSG-FIELD-TYPE", "$"),
    "a string": (json.dumps(frame().decode()).encode(), "MSG-FIELD-TYPE", "$"),
    "no id": (frame(id=...), "MSG-FIELD-MISSING", "id"),
    "no type": (frame(type=...), "MSG-FIELD-MISSING", "type"),
    "no channel": (frame(channel=...), "MSG-FIELD-MISSING", "channel"),
    "no timestamp": (frame(timestamp=...), "MSG-FIELD-MISSING", "timestamp"),
    "no payload": (frame(payload=...), "MSG-FIELD-MISSING", "payload"),
    "id as a number": (frame(id=7), "MSG-FIELD-TYPE", "id"),
    "an empty id": (frame(id=""), "MSG-FIELD-TYPE", "id"),
    "an id of 129 characters": (frame(id="x" * 129), "MSG-FIELD-TYPE", "id"),
    "channel as null": (frame(channel=None), "MSG-FIELD-TYPE", "channel"),
    "a channel of 257 characters": (frame(channel="x" * 257), "MSG-FIELD-TYPE", "channel"),
    "headers as a list": (frame(headers=[]), "MSG-FIELD-TYPE", "headers"),
    "headers as null": (frame(headers=None), "MSG-FIELD-TYPE", "headers"),
    "a header as a number": (frame(headers={"n": 1}), "MSG-FIELD-TYPE", "headers.n"),
    "payload as null": (frame(payload=None), "MSG-FIELD-TYPE", "payload"),
    "timestamp as true": (frame(timestamp=True), "MSG-FIELD-TYPE", "timestamp"),
    "timestamp as null": (frame(timestamp=None), "MSG-FIELD-TYPE", "timestamp"),
    "timestamp beyond 64 bits": (frame(timestamp=10**30), "MSG-FIELD-TYPE", "timestamp"),
    "timestamp below 64 bits": (frame(timestamp=-(10**30)), "MSG-FIELD-TYPE", "timestamp"),
    "timestamp as ISO 8601": (frame(timestamp="2026-01-01T00:00:00Z"), "MSG-TS-STRING", "timestamp"),
    "timestamp as digits": (frame(timestamp="1764000000"), "MSG-TS-STRING", "timestamp"),
    "timestamp as a fraction": (frame(timestamp=NOW + 0.5), "MSG-TS-STRING", "timestamp"),
    "payload as an object": (frame(payload={"host_id": "web-01"}), "MSG-PAYLOAD-OBJECT", "payload"),
    "a type that is none": (frame(type="req"), "MSG-TYPE-UNKNOWN", "type"),
    "UTF-16 with its mark": (b"\xff\xfe{\x00}\x00", "MSG-BAD-UTF8", None),
    "a mark and no more": (b"\xff\xfe{}", "MSG-BAD-UTF8", None),
    "Latin-1": (frame(id="?").replace(b"?", b"\xe9"), "MSG-BAD-UTF8", None),
    "gzip": (GZIP, "MSG-BAD-UTF8", None),
}


URLSAFE: Final = base64.urlsafe_b64encode(json.dumps({"host_id": "web-01", "x": "???>>>"}).encode()).decode()
OBJECT: Final = json.dumps({"host_id": "web-01", "agent_pubkey": "k"}).encode()

PAYLOADS: Final[dict[str, tuple[str, str, str]]] = {
    "foreign characters": ("%%%", "MSG-PAYLOAD-NOT-B64", "payload"),
    "words that happen to have the URL-safe alphabet": ("not-base64_at-all_==", "MSG-PAYLOAD-NOT-B64", "payload"),
    "lines of 76 characters": (base64.encodebytes(OBJECT * 3).decode(), "MSG-PAYLOAD-NOT-B64", "payload"),
    "padding left out": (b64(b'{"a":1}').rstrip("="), "MSG-PAYLOAD-NOT-B64", "payload"),
    "text that was cut": (b64(OBJECT)[:-3], "MSG-PAYLOAD-NOT-B64", "payload"),
    "JSON text": ('{"host_id":"web-01"}', "MSG-PAYLOAD-RAW-JSON", "payload"),
    "the URL-safe alphabet": (URLSAFE, "MSG-PAYLOAD-B64URL", "payload"),
    "the URL-safe alphabet without padding": (URLSAFE.rstrip("="), "MSG-PAYLOAD-B64URL", "payload"),
    "base64 of base64": (b64(b64(OBJECT).encode()), "MSG-PAYLOAD-DOUBLE-B64", "payload"),
    "gzip": (b64(GZIP), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "zlib": (b64(ZLIB), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "pickle": (b64(PICKLE), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "a JSON string with JSON in it": (b64(json.dumps(OBJECT.decode()).encode()), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "a list": (b64(b"[]"), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "UTF-16": (b64('{"host_id": "web-01"}'.encode("utf-16")), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "JSON after a byte order mark": (b64(b"\xef\xbb\xbf" + OBJECT), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "Latin-1 in a required field": (b64(OBJECT.replace(b"web", b"w\xe9b")), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "Latin-1 in an unknown field": (b64(b'{"x":"\xe9",' + OBJECT[1:]), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "NaN": (b64(b'{"x":NaN,' + OBJECT[1:]), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "half of a surrogate pair": (b64(b'{"x":"\\ud800",' + OBJECT[1:]), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "str(payload)": (b64(b"{'host_id': 'web-01'}"), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "lists in lists without end": (
        b64(b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        "MSG-PAYLOAD-NOT-JSON",
        "payload",
    ),
    "no host_id": (b64(b'{"agent_pubkey":"k"}'), "MSG-FIELD-MISSING", "payload.host_id"),
    "no agent_pubkey": (b64(b'{"host_id":"web-01"}'), "MSG-FIELD-MISSING", "payload.agent_pubkey"),
    "nothing": ("", "MSG-FIELD-MISSING", "payload.host_id"),
    "host_id as a number": (b64(b'{"host_id":7,"agent_pubkey":"k"}'), "MSG-FIELD-TYPE", "payload.host_id"),
    "labels as a list": (b64(OBJECT[:-1] + b',"labels":[]}'), "MSG-FIELD-TYPE", "payload.labels"),
    "a label without a name": (b64(OBJECT[:-1] + b',"labels":{"":"x"}}'), "MSG-FIELD-TYPE", "payload.labels"),
    "a number too large for any computer": (
        b64(OBJECT[:-1] + b',"platform":{"n":' + b"9" * 5000 + b"}}"),
        "MSG-FIELD-TYPE",
        "payload.platform[...]",
    ),
}
