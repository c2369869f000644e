"""The texts that agents sign, and their verification.

Ed25519 by libsodium, which refuses small-order keys and non-canonical signatures by itself (fault catalogue, part 3.3).
"""

from typing import Final

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError, CryptoError

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
NONCE_BYTES: Final = 32
SIGNED_TEXT: Final = "nonce + server_time + host_id"


def registration_text(*, nonce: str, server_time: str, host_id: str) -> bytes:
    """The exact bytes an agent signs to complete its registration (the guide, issue 3).

    The three texts as they stood in the messages, concatenated, UTF-8. `nonce` is 44 characters of base64 and
    `server_time` 20 of RFC 3339, and `host_id` comes last, so no two inputs share an encoding.
    """
    return (nonce + server_time + host_id).encode("utf-8", "surrogatepass")


def auth_text(*, agent_id: str, public_key: str, timestamp: int, nonce: str) -> bytes:
    """The exact bytes an agent signs to resume: the four texts of its `auth` payload, joined by colons."""
    return f"{agent_id}:{public_key}:{timestamp}:{nonce}".encode("utf-8", "surrogatepass")


def verifies(public_key: bytes, text: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is the holder of `public_key` (32 bytes) signing `text`.

    43 µs: call it inline. A thread would cost more than it saves, libsodium's work is that short.
    """
    if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + text, public_key)
    except (BadSignatureError, CryptoError):
        return False
    return True
