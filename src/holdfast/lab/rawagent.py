"""A raw, deliberately misbehaving agent: it says what an agent says, and everything can be overridden."""

import asyncio
import base64
import contextlib
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final

import msgspec
from nacl.signing import SigningKey

from holdfast.lab.rawwire import Place, Wire
from holdfast.protocol.envelope import Envelope, encode_base64, payload_json
from holdfast.protocol.limits import ATTEMPT_HEADER, CHALLENGE_HEADER

SKELETON: Final = {"org_id": "default-org", "agent_version": "1.0.0", "capabilities": {}, "platform": {}, "network": {}}
RESUME_FACTS: Final = ("instance", "boot_id", "last_exit", "agent_version")


class Left(Enum):
    """In place of a field's value: leave the field out."""

    OUT = "left out"


OUT: Final = Left.OUT
Fields = Mapping[str, object]


class ChallengeSaid(msgspec.Struct, frozen=True):
    """Step 2, as it came."""

    registration_id: str = ""
    nonce: str = ""
    server_time: str = ""


Signed = Callable[[ChallengeSaid, str], "bytes | str"]
Encoded = Callable[[bytes], str]


def right_text(challenge: ChallengeSaid, host_id: str) -> str:
    """What is to be signed."""
    return challenge.nonce + challenge.server_time + host_id


class RawAgent:
    """An agent on one connection, `wire`, that does as it is told. `uid` is set once it is registered."""

    def __init__(
        self, host_id: str, key: SigningKey | None = None, *, clock: Callable[[], float] = time.time,
        facts: Fields | None = None,
    ) -> None:  # fmt: skip
        """`facts` are further fields of every init: `boot_id`, `instance`, `machine_id_hash`."""
        self.host_id = host_id
        self.key = key or SigningKey.generate()
        self.public_key = encode_base64(bytes(self.key.verify_key))
        self.facts = dict(facts or {})
        self.clock = clock
        self.wire = Wire()
        self.uid = ""
        self.challenge = ChallengeSaid()
        self._beating: asyncio.Task[None] | None = None

    async def connect(
        self, place: Place, *, source: str | None = None, headers: Sequence[str] = (), drop: Sequence[str] = (),
        path: str | None = None, method: str = "GET",
    ) -> "RawAgent":  # fmt: skip
        """Connect and ask for the upgrade; `wire.status` tells the answer.

        Raises:
            OSError: no connection.
        """
        await self.wire.connect(place, source=source, headers=headers, drop=drop, path=path, method=method)
        return self

    @property
    def attempt(self) -> str:
        """The gateway's name for this connection."""
        return self.wire.header(ATTEMPT_HEADER)

    def envelope(self, channel: str, payload: Fields, /, **over: object) -> dict[str, object]:
        """An envelope, with whatever is to be different in it; `OUT` leaves a field out."""
        message: dict[str, object] = {
            "id": secrets.token_hex(8),
            "type": "request",
            "channel": channel,
            "timestamp": int(self.clock()),
            "payload": base64.b64encode(json.dumps(payload).encode()).decode(),
            "headers": {},
        }
        return {name: value for name, value in (message | over).items() if value is not OUT}

    async def send(self, channel: str, payload: Fields, /, **over: object) -> None:
        """One envelope."""
        await self.wire.send_text(json.dumps(self.envelope(channel, payload, **over)))

    async def ask(self, channel: str, payload: Fields, /, **over: object) -> Envelope | None:
        """One envelope, and what is answered to it."""
        await self.send(channel, payload, **over)
        return await self.wire.answer()

    def init_payload(self, extra: Fields | None = None) -> dict[str, object]:
        """The payload of step 1; `extra` overrides or, by `OUT`, leaves out."""
        whole = SKELETON | {"host_id": self.host_id, "agent_pubkey": self.public_key} | self.facts | dict(extra or {})
        return {name: value for name, value in whole.items() if value is not OUT}

    async def init(self, extra: Fields | None = None, **over: object) -> Envelope | None:
        """Step 1, and its answer; the challenge is kept."""
        answer = await self.ask("agent.registration", self.init_payload(extra), **over)
        if answer is not None and answer.type == "response":
            self.challenge = msgspec.json.decode(payload_json(answer.payload), type=ChallengeSaid)
        return answer

    async def complete(
        self, sign: Signed = right_text, encode: Encoded = encode_base64, *, key: SigningKey | None = None,
        extra: Fields | None = None, **over: object,
    ) -> Envelope | None:  # fmt: skip
        """Step 3, and its answer. `sign` gives the text, `encode` the form of the signature."""
        answer = await self.ask("agent.registration.complete", self.proof(sign, encode, key=key, extra=extra), **over)
        if answer is not None and answer.type == "response":
            self.uid = str(msgspec.json.decode(payload_json(answer.payload), type=dict[str, object])["agent_uid"])
        return answer

    def proof(
        self, sign: Signed = right_text, encode: Encoded = encode_base64, *, key: SigningKey | None = None,
        extra: Fields | None = None,
    ) -> dict[str, object]:  # fmt: skip
        """The payload of step 3."""
        text = sign(self.challenge, self.host_id)
        signature = (key or self.key).sign(text if isinstance(text, bytes) else text.encode()).signature
        said = {"registration_id": self.challenge.registration_id, "host_id": self.host_id}
        whole = said | {"signature": encode(signature)} | dict(extra or {})
        return {name: value for name, value in whole.items() if value is not OUT}

    async def register(self, extra: Fields | None = None) -> "RawAgent":
        """Both steps, rightly."""
        await self.init(extra)
        await self.complete()
        assert self.uid, f"{self.host_id} could not register: {self.wire.errors}"
        return self

    async def resume(self, extra: Fields | None = None) -> Envelope | None:
        """`auth` with the connection's own challenge."""
        return await self.ask("auth", self.auth_payload(extra))

    def auth_payload(self, extra: Fields | None = None) -> dict[str, object]:
        """The payload of `auth`, signed over what it finally holds."""
        told: dict[str, object] = {name: self.facts[name] for name in RESUME_FACTS if name in self.facts}
        said: dict[str, object] = {
            "agent_id": self.uid or self.host_id,
            "public_key": self.public_key,
            "timestamp": int(self.clock()),
            "nonce": self.wire.header(CHALLENGE_HEADER),
            **told,
            **(extra or {}),
        }
        text = ":".join(str(said[name]) for name in ("agent_id", "public_key", "timestamp", "nonce"))
        signature = encode_base64(self.key.sign(text.encode()).signature)
        return {"signature": signature} | said

    async def beat(self, channel: str = "agent.heartbeat", /, **over: object) -> None:
        """One heartbeat."""
        await self.send(channel, {}, **({"type": "heartbeat", "payload": ""} | over))

    def keep_beating(self, every_s: float) -> None:
        """Heartbeats until the connection ends or the agent is left."""
        self._beating = asyncio.create_task(self._beat_on(every_s))

    async def _beat_on(self, every_s: float) -> None:
        with contextlib.suppress(ConnectionError):
            while not self.wire.ended.is_set():
                await self.beat()
                await asyncio.sleep(every_s)

    def stop_beating(self) -> None:
        """No heartbeats from now on."""
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None
