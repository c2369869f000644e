"""The agent's key, as much of it as the core may use."""

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from holdfast.protocol.envelope import encode_base64
from holdfast.protocol.signing import KEY_BYTES


class Signer:
    """Signs with one Ed25519 key. Neither its `repr` nor any attribute without underscore shows the private part."""

    __slots__ = ("_key", "public_key")

    def __init__(self, seed: bytes) -> None:
        """`seed` is 32 bytes (RFC 8032).

        Raises:
            ValueError: it is not 32 bytes.
        """
        if len(seed) != KEY_BYTES:
            raise ValueError(f"an Ed25519 seed has {KEY_BYTES} bytes, not {len(seed)}")
        try:
            self._key = SigningKey(seed)
        except CryptoError as error:
            raise ValueError(str(error)) from error
        self.public_key = encode_base64(bytes(self._key.verify_key))

    def sign(self, text: bytes) -> str:
        """Base64 of the 64-byte signature over `text`."""
        return encode_base64(self._key.sign(text).signature)
