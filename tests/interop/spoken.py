"""What an agent says, written from the protocol page alone: nothing of Holdfast is imported here."""

import base64
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BEATS: Final = 5

Payload = dict[str, object]
Send = Callable[[str], Awaitable[None]]
Receive = Callable[[], Awaitable[str]]


def public_text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def signed(key: Ed25519PrivateKey, text: str | bytes) -> str:
    return base64.b64encode(key.sign(text.encode() if isinstance(text, str) else text)).decode()


def message(kind: str, channel: str, payload: Mapping[str, object], **changes: object) -> str:
    """One envelope as the text of a frame."""
    envelope = {
        "id": str(uuid.uuid4()),
        "type": kind,
        "channel": channel,
        "timestamp": int(time.time()),
        "payload": base64.b64encode(json.dumps(payload).encode()).decode(),
        "headers": {},
        **changes,
    }
    return json.dumps(envelope)


def init(key: Ed25519PrivateKey, host_id: str, **more: object) -> str:
    payload = {"org_id": "default-org", "host_id": host_id, "agent_pubkey": public_text(key), **more}
    return message("request", "agent.registration", payload)


def complete(key: Ed25519PrivateKey, host_id: str, challenge: Payload) -> str:
    text = f"{challenge['nonce']}{challenge['server_time']}{host_id}"
    payload = {"registration_id": challenge["registration_id"], "host_id": host_id, "signature": signed(key, text)}
    return message("request", "agent.registration.complete", payload)


def heartbeat(channel: str = "agent.heartbeat") -> str:
    return message("heartbeat", channel, {})


def read(text: str | bytes) -> tuple[str, str, Payload]:
    """Type, channel and payload of what the gateway sent."""
    envelope = json.loads(text)
    payload = json.loads(base64.b64decode(envelope["payload"], validate=True) or b"{}")
    assert isinstance(payload, dict)
    return envelope["type"], envelope["channel"], payload


def answer(text: str | bytes, kind: str, channel: str) -> Payload:
    """The payload of the answer that has to come now; an error of the gateway fails with all it says."""
    came_kind, came_channel, payload = read(text)
    assert (came_kind, came_channel) == (kind, channel), payload
    return payload


async def register(send: Send, receive: Receive, key: Ed25519PrivateKey, host_id: str) -> Payload:
    """Both steps; returns the confirmation."""
    await send(init(key, host_id))
    challenge = answer(await receive(), "response", "agent.registration")
    await send(complete(key, host_id, challenge))
    return answer(await receive(), "response", "agent.registration.complete")


async def beat(send: Send, receive: Receive, *, times: int = BEATS) -> None:
    """Heartbeats, each acknowledged before the next."""
    for _ in range(times):
        await send(heartbeat())
        assert str(answer(await receive(), "ack", "agent.heartbeat")["server_time"]).endswith("Z")
