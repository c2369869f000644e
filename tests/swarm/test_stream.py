"""The client's end of the wire: frames out of any cut of the bytes, and answers that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from holdfast.swarm.stream import NotFrames, read_answer, take_frames

PAYLOADS = st.lists(
    st.binary(max_size=300) | st.binary(min_size=126, max_size=126) | st.just(b"x" * 70_000), max_size=5
)


@given(PAYLOADS, st.data())
def test_frames_come_out_whole_wherever_the_bytes_were_cut(payloads: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(Frame(Opcode.TEXT, payload).serialize(mask=False) for payload in payloads)
    cut = data.draw(st.integers(0, len(wire)))
    buffer = bytearray(wire[:cut])
    taken = [payload for _, payload in take_frames(buffer)]
    buffer += wire[cut:]
    taken += [payload for _, payload in take_frames(buffer)]

    assert taken == payloads
    assert not buffer


def test_a_masked_frame_is_none_of_a_server() -> None:
    buffer = bytearray(Frame(Opcode.TEXT, b"{}").serialize(mask=True))

    with pytest.raises(NotFrames, match="masked"):
        list(take_frames(buffer))


def test_the_answer_tells_status_challenge_and_where_frames_begin() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nholdfast-challenge: bm9uY2U=\r\n\r\n"

    assert read_answer(head[:-1]) is None
    assert read_answer(head + b"\x81\x00") == (101, "bm9uY2U=", len(head))


def test_what_is_no_http_answer_is_refused() -> None:
    with pytest.raises(NotFrames, match="no HTTP answer"):
        read_answer(b"SSH-2.0-OpenSSH\r\n\r\n")
