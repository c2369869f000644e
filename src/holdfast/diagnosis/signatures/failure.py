"""What is known when a registration's signature does not verify: the input of the explainer."""

import base64
import binascii
import hashlib

import msgspec

from holdfast.model.identity import agent_uid
from holdfast.protocol.signing import registration_text


class FailedSignature(msgspec.Struct, frozen=True, kw_only=True):
    """One failed verification. All texts stand here as they were sent or received, nothing normalised.

    `host_id` is that of the completing message, `init_host_id` that of the opening one. `response_payload` is the JSON
    text of our challenge, `complete_payload` that of the agent's answer to it (empty where unknown). `arrived_at` is
    the arrival of the answer in Unix seconds by the gateway's clock. `host_keys` are other keys known for this same
    host and organisation, the latest first; `header_key` is one announced in the handshake. Keys of other hosts and
    challenges of other connections never belong here (fault catalogue, 3.3). `peer` is the address budgets count by.
    `decodes_nonce` is set on a connection in the legacy profile, where the bytes of the decoded nonce are expected.
    """

    nonce: str
    server_time: str
    host_id: str
    init_host_id: str
    registration_id: str
    org_id: str
    public_key: bytes
    signature: str
    arrived_at: float
    agent_uid: str = ""
    response_payload: str = ""
    complete_payload: str = ""
    host_keys: tuple[bytes, ...] = ()
    header_key: bytes | None = None
    peer: str = ""
    decodes_nonce: bool = False

    def expected(self) -> bytes:
        """The one text whose signature is accepted."""
        if self.decodes_nonce and (decoded := self.decoded_nonce()) is not None:
            return decoded + utf8(self.server_time + self.host_id)
        return registration_text(nonce=self.nonce, server_time=self.server_time, host_id=self.host_id)

    def decoded_nonce(self) -> bytes | None:
        """The bytes that the nonce stands for; None when it is no base64."""
        try:
            return base64.b64decode(self.nonce, validate=True)
        except (binascii.Error, ValueError):
            return None

    def uid(self) -> str:
        """The agent's uid, which follows from its key."""
        return self.agent_uid or agent_uid(self.public_key)

    def fingerprint(self) -> bytes:
        """32 bytes that stand for this signature by this key over this challenge."""
        parts = (self.public_key, utf8(self.registration_id), utf8(self.signature))
        return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


def utf8(text: str) -> bytes:
    """UTF-8 of any text that JSON can carry, lone surrogates included, so that nothing a peer sends can raise here."""
    return text.encode("utf-8", "surrogatepass")
