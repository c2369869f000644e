"""What a peer did to a message is named by one code, with the field and a fix: the injections of the catalogue, 1.6."""

import json
import warnings

import pytest

from holdfast.faults.problem import Problem, Refused
from holdfast.protocol.envelope import NotAnEnvelope, decode_envelope
from holdfast.protocol.malformed import Origin, binary_frame, milliseconds, name_frame, nearest, origin, unknown_type
from holdfast.protocol.payloads import Init, decode_payload, host_id_problem
from tests.protocol.refusals import FRAMES, GZIP, NOW, PAYLOADS, PICKLE, ZLIB, b64, frame


def named(raw: bytes) -> Problem:
    """The fault of a frame that is refused; a frame that is accepted fails the test."""
    with pytest.raises(NotAnEnvelope):
        decode_envelope(raw)
    return name_frame(raw, now=NOW)


def payload_fault(payload: str) -> Problem:
    with pytest.raises(Refused) as refusal:
        decode_payload(payload, Init)
    return refusal.value.problem


@pytest.mark.parametrize("case", FRAMES)
def test_a_refused_frame_is_named_by_exactly_its_code_and_field(case: str) -> None:
    raw, code, field = FRAMES[case]

    problem = named(raw)

    assert (problem.code, problem.field) == (code, field)
    assert problem.what
    assert problem.why
    assert problem.fix


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
        (GZIP, "decoded, it is gzip"),
        (ZLIB, "decoded, it is zlib"),
        (PICKLE, "decoded, it is a Python pickle or MessagePack"),
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


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (frame(timestamp="now"), Origin("agent.registration", "m-1")),
        (frame(id=7), Origin("agent.registration")),
        (frame(channel=""), Origin(id="m-1")),
        (frame(id="x" * 129, channel="x" * 257), Origin()),
        (frame(id="\ud800"), Origin("agent.registration")),
        (b"hello", Origin()),
        (b"[]", Origin()),
        (b"\xff", Origin()),
    ],
)
def test_an_error_goes_back_to_the_channel_and_id_as_far_as_they_can_be_read(raw: bytes, expected: Origin) -> None:
    assert origin(raw) == expected
