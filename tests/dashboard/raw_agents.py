"""Agents of few words, right and wrong ones, for a page to show: they speak the published protocol and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.interop import spoken
from tests.interop.raw_socket import RawSocket, frame, raw_socket, upgrade


class RawAgent:
    """One connection of one host."""

    def __init__(self, socket: RawSocket, host_id: str, key: Ed25519PrivateKey) -> None:
        self.socket = socket
        self.host_id = host_id
        self.key = key

    def say(self, text: str) -> None:
        self.socket.send(frame(text.encode()))

    def init(self, **more: object) -> spoken.Payload:
        """Step one; returns the challenge."""
        self.say(spoken.init(self.key, self.host_id, **more))
        return spoken.answer(self.socket.next_text(), "response", "agent.registration")

    def register(self, **more: object) -> spoken.Payload:
        """Both steps; returns the confirmation."""
        return self.complete(self.init(**more))

    def complete(self, challenge: spoken.Payload) -> spoken.Payload:
        """Step two; returns the confirmation."""
        self.say(spoken.complete(self.key, self.host_id, challenge))
        return spoken.answer(self.socket.next_text(), "response", "agent.registration.complete")

    def beat(self) -> None:
        self.say(spoken.heartbeat())

    def sign_the_nonce_alone(self) -> None:
        """The commonest mistake: server_time and host_id are not signed."""
        challenge = self.init()
        payload = {
            "registration_id": challenge["registration_id"],
            "host_id": self.host_id,
            "signature": spoken.signed(self.key, str(challenge["nonce"])),
        }
        self.say(spoken.message("request", "agent.registration.complete", payload))


@contextmanager
def raw_agent(port: int, host_id: str, key: Ed25519PrivateKey | None = None) -> Iterator[RawAgent]:
    """A connection that has said nothing yet."""
    with raw_socket(port) as socket:
        socket.open(upgrade(port))
        yield RawAgent(socket, host_id, key or Ed25519PrivateKey.generate())
