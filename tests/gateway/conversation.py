"""An agent's half of a conversation with a connection's core, in memory: no socket, no loop, time by hand."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from nacl.signing import SigningKey

from holdfast.gateway.challenges import Challenges
from holdfast.gateway.compat import STANDARD, Profile
from holdfast.gateway.connection import Connection
from holdfast.gateway.effects import Admit, Close, Effect, Record, Register, Send
from holdfast.gateway.settings import GatewaySettings
from holdfast.model import Admission, Registered, agent_uid
from holdfast.protocol.envelope import decode_base64, encode_base64
from holdfast.protocol.signing import registration_text

NONCE = encode_base64(bytes(range(32)))
WALL = 1_764_000_000.0

Json = dict[str, Any]


def sent(effects: list[Effect]) -> list[Json]:
    """The envelopes among the effects, their payloads opened."""
    envelopes = [json.loads(effect.frame) for effect in effects if isinstance(effect, Send)]
    for envelope in envelopes:
        text = envelope["payload"]
        envelope["payload"] = json.loads(text if text[:1] == "{" else decode_base64(text))
    return envelopes


def codes(effects: list[Effect]) -> list[str]:
    """The fault codes that the agent was told."""
    return [envelope["payload"]["code"] for envelope in sent(effects) if envelope["type"] == "error"]


def kinds(effects: list[Effect]) -> list[str]:
    """The kinds of events recorded."""
    return [effect.event.kind.value for effect in effects if isinstance(effect, Record)]


def closes(effects: list[Effect]) -> list[Close]:
    """The closes asked for."""
    return [effect for effect in effects if isinstance(effect, Close)]


@dataclass
class Agent:
    """A well-behaved agent whose every message can be changed; `wall` and `mono` are moved by the test."""

    host_id: str = "web-01"
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    profile: Profile = STANDARD
    challenges: Challenges = field(default_factory=Challenges)
    attempt: str = "a-test"
    key: SigningKey = field(default_factory=SigningKey.generate)
    wall: float = WALL
    mono: float = 1000.0

    def __post_init__(self) -> None:
        self.core = Connection(
            attempt=self.attempt,
            peer="192.0.2.7:40000",
            nonce=NONCE,
            profile=self.profile,
            settings=self.settings,
            challenges=self.challenges,
            mono=self.mono,
        )
        self.challenge: Json = {}
        self._count = 0

    @property
    def public_key(self) -> str:
        return encode_base64(bytes(self.key.verify_key))

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass and wake the core as the wheel would."""
        self.mono += seconds
        self.wall += seconds
        return self.core.on_wake(mono=self.mono, wall=self.wall)

    def envelope(self, channel: str, payload: object, **changes: object) -> Json:
        self._count += 1
        raw = json.dumps(payload).encode()
        whole: Json = {
            "id": f"m-{self._count}",
            "type": "request",
            "channel": channel,
            "timestamp": int(self.wall),
            "payload": encode_base64(raw),
            "headers": {},
        }
        return {name: value for name, value in (whole | changes).items() if value is not ...}

    def say(self, channel: str, payload: object, **changes: object) -> list[Effect]:
        return self.frame(json.dumps(self.envelope(channel, payload, **changes)))

    def frame(self, text: str | bytes) -> list[Effect]:
        raw = text.encode() if isinstance(text, str) else text
        self.core.watch.heard_at = self.mono
        return self.core.on_text(raw, mono=self.mono, wall=self.wall)

    def init(self, **changes: object) -> list[Effect]:
        """Step 1; a claim that may be challenged is challenged at once."""
        payload = {"org_id": "default-org", "host_id": self.host_id, "agent_pubkey": self.public_key} | changes
        effects = self.say("agent.registration", {k: v for k, v in payload.items() if v is not ...})
        if any(isinstance(effect, Admit) for effect in effects):
            effects += self.core.on_admitted(
                registration_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.attempt} {self._count}")),
                nonce=NONCE,
                mono=self.mono,
                wall=self.wall,
            )
            self.challenge = sent(effects)[-1]["payload"]
        return effects

    def signature(self, text: bytes | None = None) -> str:
        if text is None:
            text = registration_text(
                nonce=self.challenge["nonce"], server_time=self.challenge["server_time"], host_id=self.host_id
            )
        return encode_base64(self.key.sign(text).signature)

    def complete(self, **changes: object) -> list[Effect]:
        """Step 2; a proved registration is stored at once."""
        payload = {
            "registration_id": self.challenge.get("registration_id", ""),
            "host_id": self.host_id,
        } | changes
        if "signature" not in payload:
            payload["signature"] = self.signature()
        effects = self.say("agent.registration.complete", {k: v for k, v in payload.items() if v is not ...})
        if any(isinstance(effect, Register) for effect in effects):
            effects += self.stored()
        return effects

    def stored(self, admission: Admission = Admission.APPROVED) -> list[Effect]:
        """The registry's answer: the registration is durable."""
        registered = Registered(
            agent_uid=agent_uid(bytes(self.key.verify_key)),
            admission=admission,
            first_time=True,
            heartbeat_interval_s=20.0,
        )
        return self.core.on_registered(registered, wall=self.wall)

    def beat(self, **changes: object) -> list[Effect]:
        return self.say("agent.heartbeat", {}, **({"type": "heartbeat"} | changes))

    def register(self) -> "Agent":
        self.init()
        self.complete()
        return self
