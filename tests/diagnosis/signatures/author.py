"""An agent's author, right or mistaken: makes real signatures with a real key over whatever he takes for the text."""

import base64
import json
from collections.abc import Callable

import msgspec
from nacl.signing import SigningKey

from holdfast.diagnosis.signatures.failure import FailedSignature

KEY = SigningKey(bytes(range(7, 39)))
NONCE_BYTES = bytes.fromhex("fb" * 3 + "00ff10" * 9 + "c3a5")
NONCE = base64.b64encode(NONCE_BYTES).decode()
SERVER_TIME = "2026-11-23T06:01:46Z"
SERVER_UNIX = 1795413706
REGISTRATION_ID = "6f2c1f0a-3f5e-4a55-9d57-0a8d1b1f4f10"
RESPONSE = json.dumps(
    {
        "registration_id": REGISTRATION_ID,
        "nonce": NONCE,
        "server_time": SERVER_TIME,
        "sign": "nonce + server_time + host_id",
        "expires_in": 120,
    },
    separators=(",", ":"),
)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Signs for one host. `registered` is the key that was announced, `signing` the one in use."""

    host_id: str = "web-01"
    init_host_id: str = ""
    registered: bytes = bytes(KEY.verify_key)
    signing: SigningKey = KEY
    host_keys: tuple[bytes, ...] = ()
    header_key: bytes | None = None
    registration_id: str = REGISTRATION_ID
    peer: str = "192.0.2.7"
    legacy: bool = False

    def failure(self, text: str | bytes, *, encode: Callable[[bytes], str] = b64) -> FailedSignature:
        """What the gateway knows after this author signed `text` and sent the signature through `encode`."""
        raw = text if isinstance(text, bytes) else text.encode()
        return self.sent(encode(self.signing.sign(raw).signature))

    def sent(self, signature: str) -> FailedSignature:
        """What the gateway knows after this text arrived as signature."""
        complete = {"registration_id": self.registration_id, "host_id": self.host_id, "signature": signature}
        return FailedSignature(
            nonce=NONCE,
            server_time=SERVER_TIME,
            host_id=self.host_id,
            init_host_id=self.init_host_id or self.host_id,
            registration_id=self.registration_id,
            org_id="default-org",
            public_key=self.registered,
            signature=signature,
            arrived_at=SERVER_UNIX + 2.7,
            response_payload=RESPONSE,
            complete_payload=json.dumps(complete),
            host_keys=self.host_keys,
            header_key=self.header_key,
            peer=self.peer,
            decodes_nonce=self.legacy,
        )

    @property
    def right(self) -> str:
        return NONCE + SERVER_TIME + self.host_id
