"""A frame written into the middle of another is recognised by its text, and nothing else is taken for one."""

import json
import os

from hypothesis import given
from hypothesis import strategies as st

from holdfast.lab.frames import frame
from holdfast.protocol.malformed import name_frame
from tests.protocol.refusals import NOW

MESSAGE = {"id": "a-1", "type": "heartbeat", "channel": "agent.heartbeat", "timestamp": 1_764_000_000, "payload": ""}


def damaged(first: dict[str, object], second: dict[str, object], cut: int) -> bytes:
    """What a gateway reads as the first frame's payload, when the second was written after `cut` bytes of its text."""
    whole = frame(json.dumps(first).encode())
    head = len(whole) - len(json.dumps(first).encode())
    key = whole[head - 4 : head]
    wire = (whole[: head + cut] + frame(json.dumps(second).encode()) + whole[head + cut :])[head:]
    payload = wire[: len(json.dumps(first).encode())]
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


@given(st.integers(10, 60), st.sampled_from(["id", "type", "channel", "payload"]))
def test_the_second_frame_is_found_wherever_the_first_was_cut(cut: int, leading: str) -> None:
    second = {leading: MESSAGE[leading], **MESSAGE}

    problem = name_frame(damaged(dict(MESSAGE), second, cut), now=NOW)

    assert problem.code == "MSG-INTERLEAVED"
    assert problem.why.startswith("at about byte")


@given(st.binary(min_size=1, max_size=200))
def test_random_bytes_are_no_second_frame(noise: bytes) -> None:
    problem = name_frame(b'{"id":"a","type":"request\xff' + noise, now=NOW)

    assert problem.code == "MSG-BAD-UTF8"


def test_text_in_another_encoding_is_no_second_frame() -> None:
    latin = json.dumps({**MESSAGE, "headers": {"where": "Göteborg, Malmö"}}, ensure_ascii=False).encode("latin-1")

    assert name_frame(latin, now=NOW).code == "MSG-BAD-UTF8"


def test_compressed_data_is_no_second_frame() -> None:
    assert name_frame(b"\x1f\x8b" + os.urandom(300), now=NOW).code == "MSG-BAD-UTF8"
