"""How an agent is named: by its public key, and by nothing that can change."""

import hashlib
from typing import Final

AGENT_UID_PREFIX: Final = "agt_"
EXPECTED_UID_PREFIX: Final = "exp_"
_UID_CHARS: Final = 26  # 130 bits of the digest: more than enough that no two keys ever meet
_FINGERPRINT_HEX: Final = 16
# RFC 4648 base32 in lower case, two characters at a time: `base64.b32encode` takes three times as long.
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS: Final = range(256 - 10, 256 - 5 * _UID_CHARS - 1, -10)


def agent_uid(raw_key: bytes) -> str:
    """The uid of the agent that holds `raw_key`, the 32 bytes of an Ed25519 public key.

    The same key gives the same uid on every node and after every reinstall of the control plane, which is what makes
    registering again idempotent.
    """
    return AGENT_UID_PREFIX + _base32(raw_key)


def expected_uid(org_id: str, host_id: str) -> str:
    """The uid of a host that is expected and has shown no key yet."""
    return EXPECTED_UID_PREFIX + _base32(f"{org_id}\0{host_id}".encode("utf-8", "replace"))


def fingerprint(raw_key: bytes) -> str:
    """A short form of a key for people to compare; never used to decide anything."""
    return f"ed25519:{hashlib.sha256(raw_key).hexdigest()[:_FINGERPRINT_HEX]}"


def _base32(material: bytes) -> str:
    number = int.from_bytes(hashlib.sha256(material).digest())
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
