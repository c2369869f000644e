"""What the explainer says about each mistake: one sentence that names it and one that puts it right."""

from collections.abc import Mapping
from typing import Final, NamedTuple

RIGHT_WORDS: Final = "nonce + server_time + host_id"
RIGHT_PYTHON: Final = "(nonce + server_time + host_id).encode()"


class Sentences(NamedTuple):
    label: str
    fix: str


SENTENCES: Final[Mapping[str, Sentences]] = {
    "SIG-ORDER": Sentences(
        "The fields were signed in another order",
        f"Sign {RIGHT_WORDS} in exactly this order",
    ),
    "SIG-NONCE-DECODED": Sentences(
        "The nonce was base64-decoded before signing",
        f"Sign {RIGHT_PYTHON} with the nonce text as received; do not base64-decode it",
    ),
    "SIG-NONCE-ENCODING": Sentences(
        "The nonce was put into another form before signing",
        f"Sign {RIGHT_WORDS} with the nonce text untouched, as it stood in the message",
    ),
    "SIG-JSON": Sentences(
        "A document was signed instead of the plain concatenation",
        f"Sign the plain text {RIGHT_WORDS}: no JSON, no quotes, no field names",
    ),
    "SIG-TRAILING": Sentences(
        "An extra byte at the end was signed",
        f"Sign {RIGHT_WORDS} and nothing after it (in a shell: printf %s, not echo)",
    ),
    "SIG-SEPARATOR": Sentences(
        "The fields were joined with a separator",
        f"Sign {RIGHT_WORDS} with nothing between the three texts",
    ),
    "SIG-TIME-FORMAT": Sentences(
        "server_time was parsed and printed in another form before signing",
        f"Sign {RIGHT_WORDS} with the server_time text as received; do not parse it",
    ),
    "SIG-TIME-LOCAL": Sentences(
        "server_time was turned into local time before signing",
        f"Sign {RIGHT_WORDS} with the server_time text as received; do not parse it",
    ),
    "SIG-TIME-OWN": Sentences(
        "The agent's own clock was signed in place of server_time",
        f"Sign {RIGHT_WORDS} with the server_time received from the gateway, not the time of the agent",
    ),
    "SIG-HOST-FORM": Sentences(
        "The host_id that was signed differs from the host_id that was sent",
        f"Sign {RIGHT_WORDS} with exactly the host_id text of the same message",
    ),
    "SIG-HASHED": Sentences(
        "The text was hashed or converted before signing",
        f"Sign the bytes of {RIGHT_WORDS} themselves: Ed25519 hashes inside",
    ),
    "SIG-FIELD-SET": Sentences(
        "Other fields than the three required ones were signed",
        f"Sign exactly {RIGHT_WORDS}: no field fewer, no field more",
    ),
    "SIG-OTHER-KEY": Sentences(
        "Signed by a key other than the registered one",
        "Send in the first message the public key that belongs to the key which signs",
    ),
    "SIG-UNEXPLAINED": Sentences(
        "The signature does not verify and no known mistake explains it",
        f"Compare your signed bytes with the expected length and SHA-256 of {RIGHT_WORDS}, or run holdfast doctor sign",
    ),
    "KEY-PRIVATE-SENT": Sentences(
        "The private key was sent in place of the public key",
        "Generate a new key pair, destroy this one, and send only the public key",
    ),
    "KEY-LENGTH": Sentences(
        "The registered 32 bytes are not a point of the curve: no signature can ever verify with them",
        "Send the public key that belongs to the Ed25519 key which signs: base64 of its 32 raw bytes",
    ),
}

NOT_A_SIGNATURE: Final = Sentences(
    "These 64 bytes are no Ed25519 signature at all: random or damaged bytes",
    f"Sign {RIGHT_WORDS} with the Ed25519 key and send those 64 bytes in base64",
)
SOUND: Final = Sentences(
    "The signature is valid over the expected text: the mistake is on the gateway's side",
    "Report this with the attempt's id; the agent is right",
)
UNVERIFIED: Final = Sentences(
    "The signature does not verify over its own message: another key made it, or it was damaged",
    "Send in the first message the public key that belongs to the key which signs",
)

# What the sender's code probably looks like for each encoding of the signature, and what it should be.
ENCODING_PYTHON: Final[Mapping[str, str]] = {
    "SIG-ENC-HEX": "signature.hex()",
    "SIG-ENC-B64URL": "base64.urlsafe_b64encode(signature).decode()",
    "SIG-ENC-DOUBLE": "base64.b64encode(base64.b64encode(signature)).decode()",
    "SIG-ENC-REPR": "str(base64.b64encode(signature))",
    "SIG-NACL-COMBINED": "base64.b64encode(signing_key.sign(text)).decode()",
}
RIGHT_ENCODING_PYTHON: Final = "base64.b64encode(signature).decode()"
RIGHT_COMBINED_PYTHON: Final = "base64.b64encode(signing_key.sign(text).signature).decode()"
