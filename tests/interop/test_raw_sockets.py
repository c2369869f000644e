"""Handshakes and frames as proxies and small clients really send them, byte by byte."""

import base64
import hashlib
import re
import struct
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.interop import spoken
from tests.interop.raw_socket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    RawSocket,
    fragments,
    frame,
    raw_socket,
    upgrade,
)
from tests.processes import ControlPlane, wait_until

Encode = Callable[[str], bytes]


def plain(text: str) -> bytes:
    return frame(text.encode())


def register(socket: RawSocket, host_id: str, encode: Encode = plain, *, piece: int = 0) -> dict[str, object]:
    """Both steps over an open connection, each message put into frames by `encode`."""
    key = Ed25519PrivateKey.generate()
    socket.send(encode(spoken.init(key, host_id)), piece=piece)
    challenge = spoken.answer(socket.next_text(), "response", "agent.registration")
    socket.send(encode(spoken.complete(key, host_id, challenge)), piece=piece)
    return spoken.answer(socket.next_text(), "response", "agent.registration.complete")


def assert_stays(holdfast: ControlPlane, socket: RawSocket, host_id: str, encode: Encode = plain) -> None:
    seen = holdfast.wait_for_agent(host_id)
    for _ in range(spoken.BEATS):
        socket.send(encode(spoken.heartbeat()))
        spoken.answer(socket.next_text(), "ack", "agent.heartbeat")
    assert holdfast.wait_for_agent(host_id)["connected_since"] == seen["connected_since"]


HANDSHAKES: dict[str, list[str]] = {
    "as browsers send it": [
        "Connection: keep-alive, Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: KEY",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
    ],
    "odd letter case": [
        "uPGRADE: WebSocket",
        "CONNECTION: UPGRADE",
        "sec-websocket-key: KEY",
        "SEC-WEBSOCKET-VERSION: 13",
    ],
    "no space after the colon": [
        "Upgrade:websocket",
        "Connection:Upgrade",
        "Sec-WebSocket-Key:KEY",
        "Sec-WebSocket-Version:13",
    ],
    "space around values": [
        "Upgrade:   websocket  ",
        "Connection: \tkeep-alive ,\tUpgrade ",
        "Sec-WebSocket-Key:  KEY ",
        "Sec-WebSocket-Version: 13 ",
    ],
    "repeated headers": [
        "Connection: keep-alive",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: KEY",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Extensions: permessage-deflate",
        "Sec-WebSocket-Extensions: x-webkit-deflate-frame",
        "Cookie: a=1",
        "Cookie: b=2",
    ],
    "what a chain of proxies adds": [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: KEY",
        "Sec-WebSocket-Version: 13",
        "X-Forwarded-For: 192.0.2.7, 198.51.100.9",
        "X-Forwarded-Proto: https",
        "Forwarded: for=192.0.2.7;proto=https",
        "Via: 1.1 one, 1.1 two",
        *(f"X-Proxy-{number}: {'x' * 40}" for number in range(40)),
    ],
    "a subprotocol that nobody knows": [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: KEY",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: agent.v1",
    ],
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_an_upgrade_is_understood_in_every_form_that_is_allowed(holdfast: ControlPlane, name: str) -> None:
    host_id = "raw-" + re.sub(r"\W", "-", name)
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port, HANDSHAKES[name]))

        register(socket, host_id)

        assert_stays(holdfast, socket, host_id)


@pytest.mark.parametrize("piece", [1, 7])
def test_a_handshake_and_frames_may_come_in_pieces(holdfast: ControlPlane, piece: int) -> None:
    host_id = f"raw-pieces-{piece}"
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port), piece=piece)

        register(socket, host_id, piece=piece)

        assert_stays(holdfast, socket, host_id)


def test_a_query_in_the_path_does_no_harm(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port, target="/ws/agent?host=web-01"))

        assert register(socket, "raw-query")["status"] == "registered"


def test_the_answer_proves_that_the_key_was_read_and_names_the_attempt(holdfast: ControlPlane) -> None:
    request = upgrade(holdfast.gateway_port)
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
    assert key is not None
    accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    with raw_socket(holdfast.gateway_port) as socket:
        lines = socket.open(request).split("\r\n")[1:]

    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert headers["sec-websocket-accept"] == accept
    assert headers["upgrade"].lower() == "websocket"
    assert headers["connection"].lower() == "upgrade"
    assert headers["holdfast-attempt"]
    assert len(base64.b64decode(headers["holdfast-challenge"], validate=True)) == 32


ENCODINGS: dict[str, Encode] = {
    "one-byte-fragments": lambda text: fragments(text.encode(), 1),
    "fragments-with-pings-between": lambda text: fragments(text.encode(), 100, between=frame(b"?", opcode=PING)),
    "an-empty-first-fragment": lambda text: frame(b"", fin=False) + frame(text.encode(), opcode=CONTINUATION),
    "an-empty-last-fragment": lambda text: frame(text.encode(), fin=False) + frame(b"", opcode=CONTINUATION),
    "a-mask-of-zeros": lambda text: frame(text.encode(), mask=bytes(4)),
    "a-mask-of-ones": lambda text: frame(text.encode(), mask=b"\xff" * 4),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_message_is_the_same_however_it_is_framed(holdfast: ControlPlane, name: str) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        register(socket, f"raw-{name}", ENCODINGS[name])

        assert_stays(holdfast, socket, f"raw-{name}", ENCODINGS[name])


def test_characters_may_be_cut_by_the_border_of_fragments(holdfast: ControlPlane) -> None:
    host_id = "主机-Büro"
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))
        key = Ed25519PrivateKey.generate()
        text = spoken.init(key, host_id, note="ü").replace("{", '{"comment": "主机", ', 1)
        socket.send(fragments(text.encode(), 1))
        challenge = spoken.answer(socket.next_text(), "response", "agent.registration")
        socket.send(fragments(spoken.complete(key, host_id, challenge).encode(), 1))

        spoken.answer(socket.next_text(), "response", "agent.registration.complete")

        assert_stays(holdfast, socket, host_id)


def test_many_messages_in_one_segment_are_all_answered_in_order(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))
        register(socket, "raw-batch")
        beats = [spoken.message("heartbeat", "agent.heartbeat", {}, id=f"beat-{number}") for number in range(20)]

        socket.send(b"".join(map(plain, beats)))

        for number in range(20):
            text = socket.next_text()
            assert f'"reply_to":"beat-{number}"' in text.replace(" ", "")


def test_an_attempt_counts_every_byte_of_both_directions(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        head = socket.open(upgrade(holdfast.gateway_port))
        register(socket, "raw-counted")
        socket.send(frame(struct.pack(">H", 1000), opcode=CLOSE))
        socket.rest()

    attempt = re.search(r"holdfast-attempt: (\S+)", head, re.IGNORECASE)
    assert attempt is not None
    told = wait_until(lambda: ended(holdfast, attempt[1]), within_s=10, waiting_for="the end of the attempt")
    assert (told["bytes_in"], told["bytes_out"]) == (socket.bytes_sent, socket.bytes_received)


def ended(holdfast: ControlPlane, attempt: str) -> dict[str, object] | None:
    answer = holdfast.get(f"/attempts/{attempt}")
    return answer.json() if answer.is_success and answer.json()["ended_at"] else None


def test_the_first_message_may_come_in_the_segment_of_the_handshake(holdfast: ControlPlane) -> None:
    key = Ed25519PrivateKey.generate()
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port) + plain(spoken.init(key, "raw-early")))

        assert spoken.answer(socket.next_text(), "response", "agent.registration")["nonce"]


@pytest.mark.parametrize("data", [b"", b"x" * 125], ids=["empty", "the-longest"])
def test_a_ping_is_answered_with_its_own_data(holdfast: ControlPlane, data: bytes) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        socket.send(frame(data, opcode=PING))

        assert socket.next_frame() == (PONG, data)


def test_a_close_is_answered_with_a_close(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        socket.send(frame(b"\x03\xe8bye", opcode=CLOSE))

        assert socket.next_close()[0] == 1000


@pytest.mark.parametrize(
    "broken",
    [
        frame(b"{}", masked=False),
        frame(b"{}", opcode=CONTINUATION),
        frame(b"x" * 126, opcode=PING),
        frame(b"", opcode=PING, fin=False),
        frame(b"{}", opcode=0x3),
        bytes([0x80 | 0x40 | 0x1]) + frame(b"{}")[1:],
        frame(b"{", fin=False) + frame(b"}"),
    ],
    ids=["no-mask", "continues-nothing", "a-long-ping", "a-ping-in-parts", "no-such-opcode", "reserved-bit", "nested"],
)
def test_what_breaks_the_protocol_ends_with_1002(holdfast: ControlPlane, broken: bytes) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        socket.send(broken)

        assert socket.next_close()[0] == 1002


def test_a_binary_frame_is_named_and_the_connection_goes_on(holdfast: ControlPlane) -> None:
    key = Ed25519PrivateKey.generate()
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        socket.send(frame(spoken.init(key, "raw-binary").encode(), opcode=BINARY))

        kind, channel, refusal = spoken.read(socket.next_text())
        assert (kind, channel, refusal["code"]) == ("error", "error", "MSG-BINARY")
        assert register(socket, "raw-binary")["status"] == "registered"


def test_a_message_over_the_limit_is_closed_with_1009_before_it_is_read(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        # A gibibyte is announced; not one byte of it follows.
        socket.send(bytes([0x81, 0xFF]) + (2**30).to_bytes(8, "big") + bytes(4))

        code, reason = socket.next_close()
        assert code == 1009
        assert reason.startswith("MSG-TOO-BIG: ")


def test_fragments_that_never_end_are_closed_with_1009(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        socket.send(frame(b"x" * 1000, fin=False) + frame(b"x" * 1000, opcode=CONTINUATION, fin=False) * 70)

        assert socket.next_close()[0] == 1009
