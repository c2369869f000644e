"""One simulated host: its key and what it says, as finished text frames."""

import secrets

from nacl.signing import SigningKey
from websockets.frames import Frame, Opcode

from holdfast.protocol.envelope import Envelope, MessageType, encode_base64, encode_envelope, pack_payload
from holdfast.protocol.payloads import Auth, Challenge, Complete, Init
from holdfast.protocol.signing import auth_text, registration_text

VERSION = "1.0.0"


class Host:
    """A key of its own, an instance and a boot id of its own. `address` is None where the machine chooses it."""

    __slots__ = ("_boot_id", "_count", "_init", "_instance", "_key", "address", "host_id", "public_key")

    def __init__(
        self, host_id: str, *, org_id: str, address: str | None, enrolment_token: str | None, boot_id: str
    ) -> None:
        self.host_id = host_id
        self.address = address
        self._key = SigningKey.generate()
        self.public_key = encode_base64(bytes(self._key.verify_key))
        self._instance = secrets.token_hex(8)
        self._boot_id = boot_id
        self._count = 0
        self._init = Init(
            host_id=host_id,
            org_id=org_id,
            agent_pubkey=self.public_key,
            machine_id_hash=secrets.token_hex(32),
            agent_version=VERSION,
            platform={"system": "Linux", "machine": "x86_64"},
            network={"hostname": host_id},
            labels={"holdfast": "swarm"},
            instance=self._instance,
            boot_id=boot_id,
            enrolment_token=enrolment_token,
        )

    def init(self, unix_s: float) -> bytes:
        """Step 1 of a registration."""
        return self._frame("request", "agent.registration", pack_payload(self._init), unix_s)

    def complete(self, challenge: Challenge, unix_s: float) -> bytes:
        """Step 3: the challenge signed."""
        text = registration_text(nonce=challenge.nonce, server_time=challenge.server_time, host_id=self.host_id)
        said = Complete(registration_id=challenge.registration_id, host_id=self.host_id, signature=self._sign(text))
        return self._frame("request", "agent.registration.complete", pack_payload(said), unix_s)

    def auth(self, uid: str, nonce: str, unix_s: float) -> bytes:
        """Resume as `uid` over the connection's own challenge."""
        timestamp = int(unix_s)
        text = auth_text(agent_id=uid, public_key=self.public_key, timestamp=timestamp, nonce=nonce)
        said = Auth(
            agent_id=uid, public_key=self.public_key, timestamp=timestamp, nonce=nonce, signature=self._sign(text),
            instance=self._instance, boot_id=self._boot_id, agent_version=VERSION,
        )  # fmt: skip
        return self._frame("request", "auth", pack_payload(said), unix_s)

    def heartbeat(self, unix_s: float) -> bytes:
        """A sign of life, without content."""
        return self._frame("heartbeat", "agent.heartbeat", "", unix_s)

    def _sign(self, text: bytes) -> str:
        return encode_base64(self._key.sign(text).signature)

    def _frame(self, kind: MessageType, channel: str, payload: str, unix_s: float) -> bytes:
        self._count += 1
        envelope = Envelope(f"{self._instance}-{self._count}", kind, channel, int(unix_s), payload)
        return Frame(Opcode.TEXT, encode_envelope(envelope)).serialize(mask=True)
