"""Profiles of a connection: the standard one, and that of agents built for the original system.

The differences live here and nowhere else (protocol page, "Compatibility with agents in the field"). A profile is
chosen by the User-Agent or by configuration; the payload form alone also by a message's `accept-payload` header.
"""

import secrets
from collections.abc import Mapping
from typing import Final, Literal, Protocol

import msgspec

from holdfast.protocol.envelope import decode_base64, encode_base64
from holdfast.protocol.payloads import Auth, AuthAnswer, Confirmation
from holdfast.protocol.signing import registration_text

LEGACY_USER_AGENT: Final = "Aegis-Agent/"
ACCEPT_HEADER: Final = "accept-payload"

_encode = msgspec.json.Encoder().encode


class LegacyConfirmation(Confirmation, frozen=True, kw_only=True):
    """Step 4 for legacy agents: they refuse an empty `bootstrap_token`, and never use it for anything we accept."""

    bootstrap_token: str


class LegacyGreeting(msgspec.Struct, frozen=True, kw_only=True):
    """What a legacy agent wants to hear before it registers. It grants nothing but the right to register."""

    session_token: str
    backend_key: str
    expires_at: int
    success: bool = True
    message: str = "Authentication successful: now register"


class LegacyResumption(AuthAnswer, frozen=True, kw_only=True):
    """The answer to `auth` by a known key, with the fields that legacy agents insist on."""

    session_token: str
    backend_key: str
    message: str = "Authentication successful"


class Profile(Protocol):
    """How one kind of agent wants to be spoken to."""

    name: str
    acks_heartbeats: bool
    decodes_nonce: bool  # signs the nonce's 32 bytes where others sign its text
    wants_news: bool  # gives up where no message comes for a minute, whatever pings do
    heartbeat_s: float  # beats at least this far apart, whatever it is told; 0 where it does as it is told

    def pack(self, payload: object, headers: Mapping[str, str]) -> str:
        """The text of an answer's `payload`; `headers` are those of the message it answers."""
        ...

    def signed_text(self, *, nonce: str, server_time: str, host_id: str) -> bytes:
        """The bytes that this kind of agent signs to complete its registration."""
        ...

    def confirmation(self, plain: Confirmation) -> Confirmation:
        """Step 4 as this kind of agent expects it."""
        ...

    def greeting(self, auth: Auth, expires_at: int) -> msgspec.Struct | None:
        """The answer to a good `auth` by an unknown key, where that is more than "register first"."""
        ...

    def resumption(self, plain: AuthAnswer, auth: Auth) -> AuthAnswer:
        """The answer to a good `auth` by a known key, as this kind of agent expects it."""
        ...


class Standard:
    """The protocol as published. `plain` sends payloads of answers as JSON text to everybody (configuration)."""

    name = "standard"
    acks_heartbeats = True
    decodes_nonce = False
    wants_news = False
    heartbeat_s = 0.0

    def __init__(self, *, plain: bool = False) -> None:
        self._plain = plain

    def pack(self, payload: object, headers: Mapping[str, str]) -> str:
        raw = _encode(payload)
        return raw.decode() if self._plain or headers.get(ACCEPT_HEADER) == "json" else encode_base64(raw)

    def signed_text(self, *, nonce: str, server_time: str, host_id: str) -> bytes:
        return registration_text(nonce=nonce, server_time=server_time, host_id=host_id)

    def confirmation(self, plain: Confirmation) -> Confirmation:
        return plain

    def greeting(self, auth: Auth, expires_at: int) -> msgspec.Struct | None:  # noqa: ARG002  a profile's signature
        return None

    def resumption(self, plain: AuthAnswer, auth: Auth) -> AuthAnswer:  # noqa: ARG002  a profile's signature
        return plain


class Legacy:
    """Agents that send `User-Agent: Aegis-Agent/1.0`: `auth` before init, decoded nonce, no acks.

    They read the answers of registration as plain JSON, and that of `auth` as base64.
    """

    name = "legacy"
    acks_heartbeats = False
    decodes_nonce = True
    wants_news = True
    heartbeat_s = 60.0

    def pack(self, payload: object, headers: Mapping[str, str]) -> str:  # noqa: ARG002  a profile's signature
        raw = _encode(payload)
        return encode_base64(raw) if isinstance(payload, LegacyGreeting | LegacyResumption) else raw.decode()

    def signed_text(self, *, nonce: str, server_time: str, host_id: str) -> bytes:
        return decode_base64(nonce) + (server_time + host_id).encode()

    def confirmation(self, plain: Confirmation) -> Confirmation:
        token = secrets.token_urlsafe(24)
        return LegacyConfirmation(**msgspec.structs.asdict(plain), bootstrap_token=token)

    def greeting(self, auth: Auth, expires_at: int) -> msgspec.Struct | None:  # noqa: ARG002  a profile's signature
        return LegacyGreeting(session_token=_token(), backend_key=_token(), expires_at=expires_at)

    def resumption(self, plain: AuthAnswer, auth: Auth) -> AuthAnswer:  # noqa: ARG002  a profile's signature
        return LegacyResumption(**msgspec.structs.asdict(plain), session_token=_token(), backend_key=_token())


def _token() -> str:
    # Legacy agents refuse to go on without a session token and a 32-byte backend key; we never accept either.
    return encode_base64(secrets.token_bytes(32))


STANDARD: Final = Standard()
PLAIN: Final = Standard(plain=True)
LEGACY: Final = Legacy()


def choose_profile(user_agent: str, compatibility: Literal["auto", "on", "off"]) -> Profile:
    """The profile of a connection: by its User-Agent where `auto`, plain payloads for everybody where `on`."""
    if compatibility != "off" and user_agent.startswith(LEGACY_USER_AGENT):
        return LEGACY
    return PLAIN if compatibility == "on" else STANDARD
