"""One failed signature put to the proof: does this key's signature verify over the text of that recipe?"""

from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign_ed25519ph_final_verify,
    crypto_sign_ed25519ph_state,
    crypto_sign_ed25519ph_update,
    has_crypto_core_ed25519,
)
from nacl.exceptions import BadSignatureError, CryptoError
from nacl.signing import SigningKey

from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.recipes import Kitchen, Recipe
from holdfast.protocol.keys import is_weak_point
from holdfast.protocol.signing import verifies

# RFC 8032, 5.1: the order of the group; S of a signature is below it.
_GROUP_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
MAX_OTHER_KEYS: Final = 4


class Trial:
    """Verifies recipes against one signature; a text is verified once, whichever recipes give it."""

    def __init__(self, failed: FailedSignature, signature: bytes) -> None:
        self.tried = 0
        self._signature = signature
        self._kitchen = Kitchen(failed)
        self._seen: set[tuple[bytes, bytes | None, bool]] = set()

    def matches(self, key: bytes, recipe: Recipe) -> bool:
        """Whether the signature is that of `key` over the recipe's text. False as well for a text tried before."""
        text = self._kitchen.text(recipe)
        case = (key, text, recipe.is_prehashed)
        if text is None or case in self._seen:
            return False
        self._seen.add(case)
        self.tried += 1
        check = _prehash_verifies if recipe.is_prehashed else verifies
        return check(key, text, self._signature)


def is_possible_signature(signature: bytes) -> bool:
    """Whether anybody can have made these 64 bytes by signing. Two comparisons, no cryptography.

    S is below the group order (one random string of 16 passes) and R is encoded canonically and not of small order.
    """
    return int.from_bytes(signature[32:], "little") < _GROUP_ORDER and not is_weak_point(signature[:32])


def is_curve_point(raw: bytes) -> bool:
    """Whether 32 bytes are a point of the prime-order group, as every honest public key and every R is."""
    if not has_crypto_core_ed25519:  # a build of libsodium without it: nothing is refused on this ground
        return True
    return bool(crypto_core_ed25519_is_valid_point(raw))


def other_keys(failed: FailedSignature) -> tuple[tuple[bytes, str], ...]:
    """The keys besides the registered one that may have signed, and where each is known from; at most four.

    First the key that results if the registered "public key" is in truth a private one.
    """
    found = {bytes(SigningKey(failed.public_key).verify_key): PRIVATE_SENT}
    if failed.header_key is not None:
        found.setdefault(failed.header_key, "the header of the handshake")
    for key in failed.host_keys:
        found.setdefault(key, "an earlier registration of this host")
    found.pop(failed.public_key, None)
    return tuple(found.items())[:MAX_OTHER_KEYS]


PRIVATE_SENT: Final = "the private key that was sent"


def _prehash_verifies(key: bytes, text: bytes, signature: bytes) -> bool:
    """Ed25519ph (RFC 8032, 5.1): the variant of the scheme that hashes the text first."""
    state = crypto_sign_ed25519ph_state()
    crypto_sign_ed25519ph_update(state, text)
    try:
        return bool(crypto_sign_ed25519ph_final_verify(state, signature, key))
    except (BadSignatureError, CryptoError):
        return False
