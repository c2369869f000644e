"""Any bytes in: a typed message or a named fault. Never an exception, never slow."""

import base64
import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.faults.catalogue import CATALOGUE
from holdfast.faults.problem import MAX_CLOSE_REASON_BYTES, Problem, Refused, cut_utf8, printable
from holdfast.protocol.envelope import (
    Envelope,
    NotAnEnvelope,
    decode_base64,
    decode_envelope,
    encode_base64,
    encode_envelope,
    pack_payload,
    payload_json,
)
from holdfast.protocol.limits import MAX_MESSAGE_BYTES_UNREGISTERED
from holdfast.protocol.malformed import (
    binary_frame,
    milliseconds,
    missing_field,
    name_frame,
    nearest,
    origin,
    unknown_type,
)
from holdfast.protocol.misencoded import name_payload
from holdfast.protocol.payloads import Auth, Complete, Init, decode_payload, host_id_problem

# A frame takes well under a millisecond; the rest is room for a busy machine. Quadratic work would pass it by far.
SLOW = timedelta(milliseconds=500)
quick = settings(deadline=SLOW, max_examples=300)

NOW = 1_764_000_000.0
KINDS: tuple[type[Init | Complete | Auth], ...] = (Init, Complete, Auth)
FIELDS = ("id", "type", "channel", "timestamp", "payload", "headers", "host_id", "agent_pubkey", "labels", "signature")

texts = st.text(max_size=40) | st.sampled_from(["", "request", "agent.registration", "e30=", "\ud800", "{}", "b'x'"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | texts, inner, max_size=6),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from(FIELDS) | texts, values, max_size=8)
json_texts = documents.map(lambda document: json.dumps(document).encode())
near_envelopes = st.fixed_dictionaries(
    {},
    optional={
        "id": scalars | texts.map(lambda text: text * 9),
        "type": st.sampled_from(["request", "event", "req", 7]),
        "channel": scalars,
        "timestamp": st.integers() | scalars,
        "payload": values,
        "headers": values | st.dictionaries(texts, texts),
    },
).map(lambda document: json.dumps(document).encode())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A JSON text that was cut, doubled, or hit by a byte."""
    raw = draw(json_texts | near_envelopes)
    place = draw(st.integers(0, len(raw)))
    return raw[:place] + draw(st.binary(max_size=4)) + raw[draw(st.integers(0, len(raw))) :]


pythons = documents.map(lambda document: str(document).encode("utf-8", "replace"))
frames = (
    st.binary(max_size=200) | json_texts | near_envelopes | damaged() | pythons | st.text().map(lambda t: t.encode())
)
payload_texts = (
    st.text(max_size=200)
    | st.binary(max_size=200).map(encode_base64)
    | json_texts.map(encode_base64)
    | damaged().map(encode_base64)
    | json_texts.map(lambda raw: base64.urlsafe_b64encode(raw).decode())
    | json_texts.map(lambda raw: encode_base64(encode_base64(raw).encode()))
)


def assert_presentable(problem: Problem) -> None:
    """A code of the catalogue, sentences in all three places, nothing a terminal or a log could be hurt by, bounded."""
    assert problem.code in CATALOGUE
    assert problem.what
    assert problem.why
    assert problem.fix
    shown = f"{problem.what}{problem.why}{problem.fix}{problem.field}{problem.evidence}"
    assert shown.isprintable()
    assert len(shown) < 4_000
    assert len(problem.close_reason().encode()) <= MAX_CLOSE_REASON_BYTES
    assert msgspec.json.decode(msgspec.json.encode(problem), type=Problem) == problem


@quick
@given(frames)
def test_any_frame_is_an_envelope_or_a_named_fault(raw: bytes) -> None:
    try:
        envelope = decode_envelope(raw)
    except NotAnEnvelope:
        assert_presentable(name_frame(raw, now=NOW))
        back = origin(raw)
        answer = Envelope("1", "error", back.channel, 1, "", {"reply_to": back.id} if back.id else {})
        assert decode_envelope(encode_envelope(answer)) == answer
    else:
        assert decode_envelope(encode_envelope(envelope)) == envelope


@quick
@given(payload_texts, st.sampled_from(KINDS))
def test_any_payload_is_typed_or_a_named_fault(payload: str, kind: type[Init]) -> None:
    try:
        value = decode_payload(payload, kind)
    except Refused as refusal:
        assert_presentable(refusal.problem)
    else:
        assert isinstance(value, kind)
        assert decode_payload(pack_payload(value), kind) == value


@quick
@given(payload_texts)
def test_a_payload_is_a_json_object_or_gets_a_fault_of_payloads(payload: str) -> None:
    try:
        raw = payload_json(payload)
    except ValueError:
        problem = name_payload(payload)
        assert_presentable(problem)
        assert problem.code.startswith("MSG-PAYLOAD-")
        assert problem.field == "payload"
    else:
        assert isinstance(json.loads(raw.decode()), dict)


@quick
@given(st.binary(max_size=200))
def test_any_binary_frame_is_named(data: bytes) -> None:
    assert_presentable(binary_frame(data))


@quick
@given(frames, texts)
def test_naming_is_total_also_for_what_is_not_wrong(raw: bytes, text: str) -> None:
    assert_presentable(name_frame(raw, now=NOW))
    assert_presentable(name_payload(text))
    assert_presentable(unknown_type(text, ["request"]))


@quick
@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**40))
def test_any_timestamp_can_be_said_to_be_of_another_unit(value: int, now: int) -> None:
    assert_presentable(milliseconds(value, float(now)))


@quick
@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=80))
def test_the_nearest_word_is_one_of_the_candidates_or_none(word: str, candidates: list[str]) -> None:
    assert nearest(word, candidates) in {*candidates, None}
    assert_presentable(missing_field("host_id", dict.fromkeys(candidates), where="the payload"))


@quick
@given(st.text(max_size=300))
def test_any_host_id_is_fine_or_named(host_id: str) -> None:
    problem = host_id_problem(host_id)

    if problem is None:
        assert host_id.isprintable()
        assert 1 <= len(host_id) <= 255
    else:
        assert_presentable(problem)


@quick
@given(st.binary(max_size=300))
def test_base64_reads_back_what_it_wrote(raw: bytes) -> None:
    assert decode_base64(encode_base64(raw)) == raw


@quick
@given(st.text(max_size=300))
def test_base64_takes_one_alphabet_and_refuses_every_other_character(text: str) -> None:
    try:
        raw = decode_base64(text)
    except ValueError:
        return
    assert len(encode_base64(raw)) == len(text)


@quick
@given(st.text(max_size=300), st.integers(4, 200))
def test_cut_and_escaped_texts_keep_to_their_size(text: str, size: int) -> None:
    assert len(printable(text, size)) <= size
    assert printable(text, size).isprintable()
    assert len(cut_utf8(text, size).encode("utf-8", "replace")) <= size


@quick
@given(
    st.builds(
        Envelope,
        id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128),
        type=st.sampled_from(["request", "response", "event", "heartbeat", "ack", "error"]),
        channel=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256),
        timestamp=st.integers(-(2**63), 2**63 - 1),
        payload=st.just(""),
        headers=st.dictionaries(st.just("reply_to"), st.just("m-1")),
    )
)
def test_every_envelope_survives_the_wire(envelope: Envelope) -> None:
    assert decode_envelope(encode_envelope(envelope)) == envelope


HEAD = b'{"id":"1","type":"request","channel":"c","timestamp":1,"payload":"'
LARGEST = MAX_MESSAGE_BYTES_UNREGISTERED


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * LARGEST,
        b'{"a":' * (LARGEST // 5),
        b"9" * LARGEST,
        b"-" * LARGEST,
        b" " * LARGEST,
        b"\x00" * LARGEST,
        b"\xff" * LARGEST,
        b"(" * LARGEST,
        b"{'a':" * (LARGEST // 5),
        b'"' + b"\\" * LARGEST,
        b"{" + b",".join(b'"%05d":1' % i for i in range(LARGEST // 10)) + b"}",
        b'{"' + b"i" * LARGEST + b'":1}',
        b"{} " * (LARGEST // 3),
        HEAD + b"A" * LARGEST,
        HEAD[:-1] + b"{" * LARGEST,
        HEAD + b'","headers":{' + b",".join(b'"%05d":1' % i for i in range(LARGEST // 10)) + b"}}",
    ],
    ids=lambda raw: f"{raw[:8]!r}",
)
@settings(deadline=SLOW, max_examples=3)
@given(st.just(None))
def test_the_largest_frame_of_the_worst_kind_is_named_in_time(raw: bytes, repeated: None) -> None:
    with pytest.raises(NotAnEnvelope):
        decode_envelope(raw)

    assert_presentable(name_frame(raw, now=NOW))


@pytest.mark.parametrize(
    "payload",
    [
        "A" * LARGEST,
        "-" * LARGEST,
        "=" * LARGEST,
        "{" * LARGEST,
        "\n" * LARGEST,
        encode_base64(b"[" * LARGEST),
        encode_base64(b'{"host_id":' * (LARGEST // 11)),
        encode_base64(b'{"host_id":"' + b"x" * LARGEST + b'","agent_pubkey":7}'),
        encode_base64(b"{" + b",".join(b'"host_i%05d":1' % i for i in range(LARGEST // 20)) + b"}"),
        encode_base64(encode_base64(encode_base64(b"x" * LARGEST).encode()).encode()),
    ],
    ids=lambda payload: payload[:8],
)
@settings(deadline=SLOW, max_examples=3)
@given(st.just(None))
def test_the_largest_payload_of_the_worst_kind_is_named_in_time(payload: str, repeated: None) -> None:
    with pytest.raises(Refused) as refusal:
        decode_payload(payload, Init)

    assert_presentable(refusal.value.problem)
