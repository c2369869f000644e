"""What a peer did to a message is named by one code, with the field and a fix: the injections of the catalogue, 1.6."""

import base64
import gzip
import json
import pickle
import warnings
import zlib

import pytest

from holdfast.faults.problem import Problem, Refused
from holdfast.protocol.envelope import NotAnEnvelope, decode_envelope
from holdfast.protocol.malformed import binary_frame, milliseconds, name_frame, nearest, unknown_type
from holdfast.protocol.payloads import Init, decode_payload, host_id_problem

NOW = 1_764_000_000.0


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


def named(raw: bytes) -> Problem:
    """The fault of a frame that is refused; a frame that is accepted fails the test."""
    with pytest.raises(NotAnEnvelope):
        decode_envelope(raw)
    return name_frame(raw, now=NOW)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def payload_fault(payload: str) -> Problem:
    with pytest.raises(Refused) as refusal:
        decode_payload(payload, Init)
    return refusal.value.problem


FRAMES: dict[str, tuple[bytes, str, str | None]] = {
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
    "gzip": (gzip.compress(frame()), "MSG-BAD-UTF8", None),
}


@pytest.mark.parametrize("case", FRAMES)
def test_a_refused_frame_is_named_by_exactly_its_code_and_field(case: str) -> None:
    raw, code, field = FRAMES[case]

    problem = named(raw)

    assert (problem.code, problem.field) == (code, field)
    assert problem.what
    assert problem.why
    assert problem.fix


URLSAFE = base64.urlsafe_b64encode(json.dumps({"host_id": "web-01", "x": "???>>>"}).encode()).decode()
OBJECT = json.dumps({"host_id": "web-01", "agent_pubkey": "k"}).encode()

PAYLOADS: dict[str, tuple[str, str, str]] = {
    "foreign characters": ("%%%", "MSG-PAYLOAD-NOT-B64", "payload"),
    "words that happen to have the URL-safe alphabet": ("not-base64_at-all_==", "MSG-PAYLOAD-NOT-B64", "payload"),
    "lines of 76 characters": (base64.encodebytes(OBJECT * 3).decode(), "MSG-PAYLOAD-NOT-B64", "payload"),
    "padding left out": (b64(b'{"a":1}').rstrip("="), "MSG-PAYLOAD-NOT-B64", "payload"),
    "text that was cut": (b64(OBJECT)[:-3], "MSG-PAYLOAD-NOT-B64", "payload"),
    "JSON text": ('{"host_id":"web-01"}', "MSG-PAYLOAD-RAW-JSON", "payload"),
    "the URL-safe alphabet": (URLSAFE, "MSG-PAYLOAD-B64URL", "payload"),
    "the URL-safe alphabet without padding": (URLSAFE.rstrip("="), "MSG-PAYLOAD-B64URL", "payload"),
    "base64 of base64": (b64(b64(OBJECT).encode()), "MSG-PAYLOAD-DOUBLE-B64", "payload"),
    "gzip": (b64(gzip.compress(OBJECT)), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "zlib": (b64(zlib.compress(OBJECT)), "MSG-PAYLOAD-NOT-JSON", "payload"),
    "pickle": (b64(pickle.dumps({"host_id": "web-01"})), "MSG-PAYLOAD-NOT-JSON", "payload"),
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


@pytest.mark.parametrize("case", PAYLOADS)
def test_a_refused_payload_is_named_by_exactly_its_code_and_field(case: str) -> None:
    payload, code, field = PAYLOADS[case]

    problem = payload_fault(payload)

    assert (problem.code, problem.field) == (code, field)
    assert problem.what
    assert problem.why
    assert problem.fix


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (gzip.compress(OBJECT), "decoded, it is gzip"),
        (zlib.compress(OBJECT), "decoded, it is zlib"),
        (pickle.dumps({}), "decoded, it is a Python pickle or MessagePack"),
        (b"\xef\xbb\xbf{}", "decoded, it is JSON after a byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "decoded, it is UTF-16 text"),
        ('{"a": 1}'.encode("utf-16-be"), "decoded, it is UTF-16 text"),
        (b"{'a': 1}", "decoded, it is a Python literal, str(payload)"),
        (b"<a/>", "decoded, it is XML or HTML"),
        (b'{"a":"\xe9"}', "decoded, it is text in another encoding than UTF-8"),
        (bytes(range(7, 256, 5)) * 2, "decoded, it is bytes that are no JSON"),
        (b"".join(bytes([(i * 167 + i // 256 * 13) % 256]) for i in range(256)), "decoded, it looks encrypted"),
        (b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "decoded, it is JSON nested too deeply"),
        (b'{"x":NaN}', "decoded, it is not strict JSON: NaN is no JSON value"),
        (b"[]", "it holds a list, not an object"),
        (b'"{}"', "it holds a JSON string: json.dumps was applied twice"),
    ],
)
def test_bytes_that_are_no_json_object_are_recognised_for_what_they_are(payload: bytes, sentence: str) -> None:
    assert payload_fault(b64(payload)).why.startswith(sentence)


def test_a_binary_frame_is_named_with_what_it_holds() -> None:
    with_json, other = binary_frame(frame()), binary_frame(b"\x00\x01")

    assert (with_json.code, with_json.evidence["holds"]) == ("MSG-BINARY", "JSON")
    assert (other.code, other.evidence["holds"]) == ("MSG-BINARY", "something other than JSON")


@pytest.mark.parametrize(
    ("power", "unit"), [(3, "milliseconds"), (6, "microseconds"), (9, "nanoseconds")], ids=["ms", "us", "ns"]
)
def test_a_timestamp_in_a_smaller_unit_is_named_with_the_unit(power: int, unit: str) -> None:
    problem = milliseconds(int(NOW) * 10**power, NOW)

    assert (problem.code, problem.field) == ("MSG-TS-MILLIS", "timestamp")
    assert problem.what == f"timestamp is in {unit}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("hostid", "host_id"),
        ("hostId", "host_id"),
        ("HOST-ID", "host_id"),
        ("agentPubkey", "agent_pubkey"),
        ("agent_public_key", "agent_pubkey"),
    ],
)
def test_a_misspelt_field_is_answered_with_the_right_name(written: str, meant: str) -> None:
    fields = {"host_id": "web-01", "agent_pubkey": "k"}
    fields[written] = fields.pop(meant)

    problem = payload_fault(b64(json.dumps(fields).encode()))

    assert (problem.code, problem.field) == ("MSG-FIELD-MISSING", f"payload.{meant}")
    assert problem.evidence["nearest"] == written
    assert problem.fix == f"Rename '{written}' to '{meant}'"


def test_a_field_that_resembles_nothing_is_to_be_added() -> None:
    problem = payload_fault(b64(b'{"zzz":1,"agent_pubkey":"k"}'))

    assert problem.fix == "Add 'host_id' to the payload of agent.registration"


@pytest.mark.parametrize(
    ("found", "meant"),
    [("req", "request"), ("Request", "request"), ("heart-beat", "heartbeat"), ("evt", "event")],
)
def test_a_misspelt_type_is_answered_with_the_nearest_one(found: str, meant: str) -> None:
    assert named(frame(type=found)).fix == f'Set "type" to "{meant}"'


def test_a_type_of_another_channel_is_answered_with_the_one_that_is_needed() -> None:
    assert unknown_type("event", ["request"]).fix == 'Set "type" to "request"'


def test_the_nearest_word_forgives_letter_case_and_separators() -> None:
    channels = ["agent.registration", "agent.registration.complete", "agent.heartbeat"]

    assert nearest("Agent/Registration", channels) == "agent.registration"
    assert nearest("agent registration complete", channels) == "agent.registration.complete"
    assert nearest("zebra", channels) is None


def test_the_text_of_a_payload_is_never_shown() -> None:
    secret = "c2VjcmV0LXRva2Vu"

    problem = payload_fault(f"{secret}%")

    assert secret not in str(problem)


def test_control_characters_of_a_peer_arrive_escaped() -> None:
    problem = named(b"\x1b[2Jhello")

    assert "\x1b" not in f"{problem.why}{problem.evidence}"
    assert "'\\x1b[2Jhello'" in problem.why


@pytest.mark.parametrize(
    "text",
    [
        "[" + "1" * 400 + "+1j]",  # an OverflowError inside ast.literal_eval
        "[" + "-" * 8_000 + "1]",
        "[" + "(" * 8_000,
        "[" + "1if 1else " * 700 + "1]",  # a warning of the compiler for each
        "['\\d']",
    ],
)
def test_python_source_made_to_hurt_is_named_and_warns_of_nothing(text: str) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        problem = named(text.encode())

    assert problem.code in {"MSG-NOT-JSON", "MSG-PYTHON-REPR"}
    assert warned == []


@pytest.mark.parametrize("host_id", ["", " web-01", "web-01 ", "web\n01", "web\u202e01", "w" * 256, "\u00a0web"])
def test_a_host_id_that_people_cannot_read_is_refused(host_id: str) -> None:
    problem = host_id_problem(host_id)

    assert problem is not None
    assert (problem.code, problem.field) == ("MSG-FIELD-TYPE", "payload.host_id")
    assert "\n" not in problem.why
    assert "\u202e" not in problem.why


@pytest.mark.parametrize("host_id", ["w", "web-01", "Büro 7", "主机", "w" * 255, "a:b/c@d"])
def test_a_host_id_may_be_any_printable_name(host_id: str) -> None:
    assert host_id_problem(host_id) is None
