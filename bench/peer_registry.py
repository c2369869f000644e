"""What the minimal gateways keep and answer: dictionaries, json, base64 and PyNaCl, as one writes it in an afternoon.

Both peers share it, so that they differ in their WebSocket server alone. There is no store, no log and no diagnosis:
a registration that is confirmed here is gone when the process is.
"""

import base64
import hashlib
import json
import os
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

HEARTBEAT_INTERVAL_S = 20


class Connection:
    """One agent's connection: the challenge it was given and who it turned out to be."""

    def __init__(self, registry: "Registry") -> None:
        self.registry = registry
        self.challenge: dict[str, str] = {}
        self.agent_uid = ""

    def receive(self, text: str) -> str:
        """The answer to one envelope; every envelope gets one."""
        message: dict[str, str] = {}
        try:
            message = json.loads(text)
            channel = message["channel"]
            if channel.endswith("heartbeat"):
                return self._heartbeat(message)
            payload = json.loads(base64.b64decode(message["payload"]))
            if channel == "agent.registration":
                return self._challenge(message, payload)
            if channel == "agent.registration.complete":
                return self._complete(message, payload)
        except (ValueError, KeyError, BadSignatureError) as error:
            return envelope("error", message.get("channel", "error"), {"detail": repr(error)}, message.get("id", ""))
        return envelope("error", channel, {"detail": f"no such channel: {channel}"}, message["id"])

    def _heartbeat(self, message: dict[str, str]) -> str:
        if not self.agent_uid:
            return envelope("error", message["channel"], {"detail": "register first"}, message["id"])
        self.registry.agents[self.agent_uid]["last_seen"] = time.time()
        return envelope("ack", message["channel"], {"server_time": rfc3339_now()}, message["id"])

    def _challenge(self, message: dict[str, str], payload: dict[str, str]) -> str:
        self.challenge = {
            "registration_id": str(uuid.uuid4()),
            "nonce": base64.b64encode(os.urandom(32)).decode(),
            "server_time": rfc3339_now(),
            "host_id": payload["host_id"],
            "agent_pubkey": payload["agent_pubkey"],
        }
        answer = {
            "registration_id": self.challenge["registration_id"],
            "nonce": self.challenge["nonce"],
            "server_time": self.challenge["server_time"],
            "sign": "nonce + server_time + host_id",
            "expires_in": 120,
        }
        return envelope("response", message["channel"], answer, message["id"])

    def _complete(self, message: dict[str, str], payload: dict[str, str]) -> str:
        asked, self.challenge = self.challenge, {}
        if payload["registration_id"] != asked["registration_id"] or payload["host_id"] != asked["host_id"]:
            raise ValueError("this challenge belongs to another registration")
        key = base64.b64decode(asked["agent_pubkey"])
        signed = asked["nonce"] + asked["server_time"] + asked["host_id"]
        VerifyKey(key).verify(signed.encode(), base64.b64decode(payload["signature"]))
        self.agent_uid = "agt_" + hashlib.sha256(key).hexdigest()[:16]
        self.registry.agents[self.agent_uid] = {
            "host_id": asked["host_id"],
            "public_key": asked["agent_pubkey"],
            "last_seen": time.time(),
        }
        answer = {
            "agent_uid": self.agent_uid,
            "status": "registered",
            "heartbeat_interval": HEARTBEAT_INTERVAL_S,
            "server_time": rfc3339_now(),
        }
        return envelope("response", message["channel"], answer, message["id"])


class Registry:
    """All agents by uid, in memory."""

    def __init__(self) -> None:
        self.agents: dict[str, dict[str, object]] = {}


def envelope(type_: str, channel: str, payload: Mapping[str, object], reply_to: str) -> str:
    return json.dumps(
        {
            "id": str(uuid.uuid4()),
            "type": type_,
            "channel": channel,
            "timestamp": int(time.time()),
            "payload": base64.b64encode(json.dumps(payload).encode()).decode(),
            "headers": {"reply_to": reply_to},
        }
    )


def rfc3339_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
