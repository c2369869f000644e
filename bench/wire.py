"""The agent's side of the wire as bytes, built ahead of time so that the load generator hardly costs anything.

Client frames are masked as RFC 6455, 5.3 demands. The key is the same for every frame, which no server can tell from
a random one, and lets a heartbeat be patched in place: only its 16-digit `id` changes, and once a second its timestamp.
"""

import base64
import json
import time
from collections.abc import Mapping
from typing import Final

from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_seed_keypair

MASK: Final = b"\x37\xfa\x21\x3d"  # the example key of RFC 6455, 5.7
OP_TEXT: Final = 0x1
OP_CLOSE: Final = 0x8
OP_PING: Final = 0x9
OP_PONG: Final = 0xA
FIN: Final = 0x80
MASKED: Final = 0x80

_ID_DIGITS: Final = 16
_ID_AT: Final = len('{"id":"')
_ID_MASK: Final = int.from_bytes((MASK * 5)[_ID_AT % 4 :][:_ID_DIGITS], "big")


class Identity:
    """A host with its key and its own address: as in the field, no two agents share one."""

    __slots__ = ("address", "host_id", "public_key", "secret_key")

    def __init__(self, number: int) -> None:
        self.host_id = f"bench-{number:07d}"
        self.address = f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        seed = b"holdfast bench".ljust(24, b".") + number.to_bytes(8, "big")
        self.public_key, self.secret_key = crypto_sign_seed_keypair(seed)

    def registration(self) -> bytes:
        payload = {
            "org_id": "default-org",
            "host_id": self.host_id,
            "agent_pubkey": base64.b64encode(self.public_key).decode(),
            "machine_id_hash": self.public_key.hex(),
            "agent_version": "1.0.0",
            "capabilities": {"metrics": True, "actions": True},
            "platform": {"os": "linux", "arch": "amd64"},
            "network": {"hostname": self.host_id},
        }
        return frame(_envelope("init", "request", "agent.registration", payload))

    def resumption(self, challenge: str) -> bytes:
        """`auth` over the `Holdfast-Challenge` of the upgrade answer, as an agent comes back."""
        public_key, now = base64.b64encode(self.public_key).decode(), int(time.time())
        signed = f"{self.host_id}:{public_key}:{now}:{challenge}".encode()
        signature = crypto_sign(signed, self.secret_key)[:crypto_sign_BYTES]
        payload = {
            "agent_id": self.host_id,
            "public_key": public_key,
            "timestamp": now,
            "nonce": challenge,
            "signature": base64.b64encode(signature).decode(),
        }
        return frame(_envelope("auth", "request", "auth", payload))

    def completion(self, challenge: bytes) -> bytes:
        """The answer to the gateway's `challenge` envelope (its JSON text)."""
        asked = json.loads(base64.b64decode(json.loads(challenge)["payload"]))
        signed = (asked["nonce"] + asked["server_time"] + self.host_id).encode()
        signature = crypto_sign(signed, self.secret_key)[:crypto_sign_BYTES]
        payload = {
            "registration_id": asked["registration_id"],
            "host_id": self.host_id,
            "signature": base64.b64encode(signature).decode(),
        }
        return frame(_envelope("complete", "request", "agent.registration.complete", payload))


class Heartbeat:
    """A heartbeat frame that is finished but for its id. Its timestamp is that of its making, or of `refresh`."""

    __slots__ = ("_head", "_second", "_tail")

    def __init__(self) -> None:
        self._make()

    def refresh(self) -> None:
        """Tell the present time: a server may well look into a clock that seems to have stopped."""
        if int(time.time()) != self._second:
            self._make()

    def _make(self) -> None:
        self._second = int(time.time())
        whole = frame(_envelope("0" * _ID_DIGITS, "heartbeat", "agent.heartbeat", {"uptime_s": 86400, "load_1m": 0.42}))
        at = whole.index(MASK) + len(MASK) + _ID_AT
        self._head, self._tail = whole[:at], whole[at + _ID_DIGITS :]

    def numbered(self, number: int) -> bytes:
        digits = int.from_bytes(b"%016d" % number, "big") ^ _ID_MASK
        return self._head + digits.to_bytes(_ID_DIGITS, "big") + self._tail


def upgrade(port: int) -> bytes:
    return (
        f"GET /ws/agent HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nUser-Agent: holdfast-bench\r\n\r\n"
    ).encode()


def frame(payload: bytes, opcode: int = OP_TEXT) -> bytes:
    """One final, masked frame of up to 64 KiB."""
    size = len(payload)
    length = bytes([MASKED | size]) if size < 126 else bytes([MASKED | 126]) + size.to_bytes(2, "big")
    mask = int.from_bytes((MASK * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(payload, "big") ^ mask).to_bytes(size, "big")
    return bytes([FIN | opcode]) + length + MASK + masked


def _envelope(id_: str, type_: str, channel: str, payload: Mapping[str, object]) -> bytes:
    message = {
        "id": id_,
        "type": type_,
        "channel": channel,
        "timestamp": int(time.time()),
        "payload": base64.b64encode(json.dumps(payload).encode()).decode(),
        "headers": {},
    }
    return json.dumps(message, separators=(",", ":")).encode()
