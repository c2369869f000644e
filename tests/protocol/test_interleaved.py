"""A frame written into the middle of another is recognised by its text, and nothing else is taken for one."""

import json
import os
import random

from hypothesis import given
from hypothesis import strategies as st

from holdfast.protocol.malformed import name_frame
from tests.protocol.refusals import NOW

MESSAGE = {"id": "a-1", "type": "heartbeat", "channel": "agent.heartbeat", "timestamp": 1_764_000_000, "payload": ""}


def masked(text: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(text))


def damaged(first: dict[str, object], second: dict[str, object], cut: int, keys: tuple[bytes, bytes]) -> bytes:
    """What a gateway reads as the first frame's payload, when the second was written after `cut` bytes of its text."""
    text, other = json.dumps(first).encode(), json.dumps(second).encode()
    intruder = bytes([0x81, 0x80 | 126]) + len(other).to_bytes(2, "big") + keys[1] + masked(other, keys[1])
    wire = masked(text, keys[0])
    return masked((wire[:cut] + intruder + wire[cut:])[: len(text)], keys[0])


def test_the_second_frame_is_found_wherever_the_first_was_cut_and_whatever_the_keys() -> None:
    chance = random.Random(1)
    missed = []
    for turn in range(2000):
        leading = chance.choice(["id", "type", "channel", "payload"])
        keys, cut = (chance.randbytes(4), chance.randbytes(4)), chance.randrange(10, 60)
        problem = name_frame(damaged(dict(MESSAGE), {leading: MESSAGE[leading], **MESSAGE}, cut, keys), now=NOW)
        if problem.code != "MSG-INTERLEAVED":
            missed.append((turn, problem.code))

    # Keys may be so alike that the damage reads like text for a while.
    assert len(missed) <= 20, missed


@given(st.binary(min_size=1, max_size=200))
def test_random_bytes_are_no_second_frame(noise: bytes) -> None:
    problem = name_frame(b'{"id":"a","type":"request\xff' + noise, now=NOW)

    assert problem.code == "MSG-BAD-UTF8"


def test_text_in_another_encoding_is_no_second_frame() -> None:
    latin = json.dumps({**MESSAGE, "headers": {"where": "Göteborg, Malmö"}}, ensure_ascii=False).encode("latin-1")

    assert name_frame(latin, now=NOW).code == "MSG-BAD-UTF8"


def test_compressed_data_is_no_second_frame() -> None:
    assert name_frame(b"\x1f\x8b" + os.urandom(300), now=NOW).code == "MSG-BAD-UTF8"
