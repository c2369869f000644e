"""The text of a token: a prefix that says what it is for, 160 random bits, a checksum.

`hfa_` + 32 characters + 6 characters for the API, `hfe_` for enrolment; characters are lower-case base32. The
checksum tells a damaged copy from an unknown token without a look into the database, and scanners can find tokens
by their prefix.
"""

import base64
import hashlib
import re
import secrets
from typing import Final

from holdfast.faults import Refused, problem

API_PREFIX: Final = "hfa_"
ENROLMENT_PREFIX: Final = "hfe_"
_RANDOM_BYTES: Final = 20
_BODY_CHARS: Final = 32
_CHECK_CHARS: Final = 6
TOKEN_CHARS: Final = len(API_PREFIX) + _BODY_CHARS + _CHECK_CHARS
_ALPHABET: Final = re.compile(r"[a-z2-7]*")
BYTE_ORDER_MARK: Final = "\ufeff"
QUOTES: Final = "'\"`\u2018\u2019\u201c\u201d"
_KINDS: Final = {API_PREFIX: "an API token", ENROLMENT_PREFIX: "an enrolment token"}


def new_secret(prefix: str) -> str:
    """A new token's text. 160 bits from the operating system's generator."""
    body = base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode("ascii").lower()
    return prefix + body + _checksum(prefix + body)


def new_id(prefix: str) -> str:
    """A new token's public name, by which it is listed and revoked; it says nothing of the secret."""
    return f"{prefix.rstrip('_')}-{secrets.token_hex(6)}"


def secret_hash(secret: str) -> str:
    """What is stored in place of a token: 160 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def read_enrolment_secret(text: str) -> str:
    """The enrolment token in `text`, as it was issued. What copying puts around it is forgiven: blanks, line breaks and
    the mark that some editors put in front of a file.

    Raises:
        Refused: ID-TOKEN-INVALID; `why` names the exact damage.
    """
    token = text.strip().strip(BYTE_ORDER_MARK).strip()
    why = damage(token, ENROLMENT_PREFIX)
    if why is not None:
        raise Refused(
            problem(
                "ID-TOKEN-INVALID",
                what="the registration is refused",
                why=why,
                fix="Copy the token again, whole and without changes, or issue a new one",
                field="payload.enrolment_token",
            )
        )
    return token


def damage(token: str, prefix: str) -> str | None:
    """What is wrong with a token of this kind, as precisely as can be told without the database; None for nothing."""
    if not token:
        return "the token is empty"
    if not token.startswith(prefix):
        for other, kind in _KINDS.items():
            if token.startswith(other):
                return f"{kind} ({other}…) was given where {_KINDS[prefix]} ({prefix}…) is needed"
        if token.lower().startswith(prefix):
            return "its letters were turned into capitals"
        return _foreign(token, prefix)
    if re.search(r"\s", token):
        return "there is a blank or line break inside it"
    if len(token) < TOKEN_CHARS:
        return f"it was cut short: {len(token)} of {TOKEN_CHARS} characters"
    if len(token) > TOKEN_CHARS:
        return f"it is too long: {len(token)} characters instead of {TOKEN_CHARS}"
    if not _ALPHABET.fullmatch(token, len(prefix)):
        return "it holds a character that no token holds (only a-z and 2-7 occur)"
    if _checksum(token[:-_CHECK_CHARS]) != token[-_CHECK_CHARS:]:
        return "its checksum is wrong: at least one character was changed"
    return None


def _foreign(token: str, prefix: str) -> str:
    """What stands in place of the prefix."""
    if "\0" in token:
        return "every second character is NUL: it was read from a file saved as UTF-16"
    if token[0] in QUOTES and token[1:].startswith(prefix):
        return f"it stands in quotes ({token[0]})"
    return f"it does not begin with {prefix}"


def _checksum(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii").lower()[:_CHECK_CHARS]
