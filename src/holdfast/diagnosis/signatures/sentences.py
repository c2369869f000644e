"""What the explainer says about each mistake: one sentence that names it and one that puts it right.

In a `fix`, `{words}` and `{python}` stand for the text that is expected, as a formula and as a Python expression.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

RIGHT_WORDS: Final = "nonce + server_time + host_id"
NO_MISTAKE: Final = "no known mistake explains it"
NOT_SEARCHED: Final = "what was signed instead was not searched to the end"


class Sentences(NamedTuple):
    label: str
    fix: str


SENTENCES: Final[Mapping[str, Sentences]] = {
    "SIG-ORDER": Sentences(
        "The fields were signed in another order",
        "Sign {words} in exactly this order",
    ),
    "SIG-NONCE-DECODED": Sentences(
        "The nonce was base64-decoded before signing",
        "Sign {python} with the nonce text as received; do not base64-decode it",
    ),
    "SIG-NONCE-ENCODING": Sentences(
        "The nonce was put into another form before signing",
        "Sign {words} and put the nonce into no other form",
    ),
    "SIG-JSON": Sentences(
        "A document was signed instead of the plain concatenation",
        "Sign the plain text {words}: no JSON, no quotes, no field names",
    ),
    "SIG-TRAILING": Sentences(
        "An extra byte at the end was signed",
        "Sign {words} and nothing after it (in a shell: printf %s, not echo)",
    ),
    "SIG-SEPARATOR": Sentences(
        "The fields were joined with a separator",
        "Sign {words} with nothing between the three texts",
    ),
    "SIG-TIME-FORMAT": Sentences(
        "server_time was parsed and printed in another form before signing",
        "Sign {words} with the server_time text as received; do not parse it",
    ),
    "SIG-TIME-LOCAL": Sentences(
        "server_time was turned into local time before signing",
        "Sign {words} with the server_time text as received; do not parse it",
    ),
    "SIG-TIME-OWN": Sentences(
        "The agent's own clock was signed in place of server_time",
        "Sign {words} with the server_time received from the gateway, not the time of the agent",
    ),
    "SIG-HOST-FORM": Sentences(
        "The host_id that was signed differs from the host_id that was sent",
        "Sign {words} with exactly the host_id text of the same message",
    ),
    "SIG-HASHED": Sentences(
        "The text was hashed or converted before signing",
        "Sign the bytes of {words} themselves: Ed25519 hashes inside",
    ),
    "SIG-FIELD-SET": Sentences(
        "Other fields than the three required ones were signed",
        "Sign exactly {words}: no field fewer, no field more",
    ),
    "SIG-OTHER-KEY": Sentences(
        "Signed by a key other than the registered one",
        "Send in the first message the public key that belongs to the key which signs",
    ),
    "SIG-UNEXPLAINED": Sentences(
        f"The signature does not verify and {NO_MISTAKE}",
        "Compare your signed bytes with the expected length and SHA-256 of {words}, or run holdfast doctor sign",
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
    "Sign {words} with the Ed25519 key and send those 64 bytes in base64",
)
SOUND: Final = Sentences(
    "The signature is valid over the expected text: the mistake is on the gateway's side",
    "Report this with the attempt's id; the agent is right",
)
# In the legacy profile alone, where the plain text is the mistake.
NONCE_TEXT: Final = Sentences(
    "The nonce text was signed, but this User-Agent is that of agents which sign the decoded nonce",
    "Sign the base64-decoded nonce, or send another User-Agent than Aegis-Agent and sign the text",
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
