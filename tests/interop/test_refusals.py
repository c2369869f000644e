"""The published vectors on the wire: each refused message gets its error from a running gateway, and harms nobody."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.interop import spoken
from tests.interop.raw_socket import RawSocket, frame, raw_socket, upgrade
from tests.processes import ROOT, ControlPlane

VECTORS = json.loads((ROOT / "docs/reference/vectors/messages.json").read_bytes())
NOT_TEXT = "MSG-BAD-UTF8"  # RFC 6455, 8.1: what is no UTF-8 fails the connection


def bytes_of(vector: dict[str, str]) -> bytes:
    return vector["frame"].encode() if "frame" in vector else base64.b64decode(vector["frame_base64"])


def refusal(socket: RawSocket, sent: bytes) -> spoken.Payload:
    socket.send(frame(sent))
    kind, _, payload = spoken.read(socket.next_text())
    assert kind == "error", payload
    return payload


@pytest.mark.parametrize(
    "vector", [*VECTORS["refused"], *VECTORS["refused_first"]], ids=lambda vector: str(vector["name"])
)
def test_a_refused_message_is_answered_with_its_code_and_the_connection_goes_on(
    holdfast: ControlPlane, vector: dict[str, str]
) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        head = socket.open(upgrade(holdfast.gateway_port))

        said = refusal(socket, bytes_of(vector))

        assert said["code"] == vector["code"], said
        assert said["field"] == vector["field"]
        assert all(said[part] for part in ("title", "detail", "fix", "docs"))
        assert f"holdfast-attempt: {said['attempt']}".lower() in head.lower()
        if vector["code"] == NOT_TEXT:
            assert socket.next_close()[0] == 1007
            return
        assert refusal(socket, spoken.heartbeat().encode())["code"] == "MSG-BEFORE-REGISTERED"


def test_an_error_names_the_message_that_it_answers(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        socket.send(frame(spoken.message("request", "agent.register", {}, id="mine-1").encode()))

        error = json.loads(socket.next_text())
        assert (error["type"], error["channel"], error["headers"]["reply_to"]) == ("error", "agent.register", "mine-1")


def test_an_error_about_what_is_no_envelope_goes_to_the_channel_and_id_that_could_be_read(
    holdfast: ControlPlane,
) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))

        socket.send(frame(spoken.message("request", "agent.registration", {}, id="mine-2", timestamp="now").encode()))

        error = json.loads(socket.next_text())
        assert (error["channel"], error["headers"]) == ("agent.registration", {"reply_to": "mine-2"})


def test_the_third_malformed_message_in_a_row_closes_with_4400(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))
        for _ in range(3):
            socket.send(frame(b"hello"))

        code, reason = socket.next_close()

        assert code == 4400
        assert reason.startswith("MSG-NOT-JSON: ")
        assert len(reason.encode()) <= 123


def test_a_good_message_between_bad_ones_starts_the_count_anew(holdfast: ControlPlane) -> None:
    with raw_socket(holdfast.gateway_port) as socket:
        socket.open(upgrade(holdfast.gateway_port))
        for number in range(4):
            assert refusal(socket, b"hello")["code"] == "MSG-NOT-JSON"
            socket.send(frame(spoken.init(Ed25519PrivateKey.generate(), f"between-{number}").encode()))

            spoken.answer(socket.next_text(), "response", "agent.registration")
