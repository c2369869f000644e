"""The payloads of registration and `auth`, both directions, and how a received one is named when it is wrong."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

import msgspec

from holdfast.faults.problem import Problem, Refused
from holdfast.protocol.envelope import payload_json
from holdfast.protocol.limits import MAX_HOST_ID_CHARS, MAX_TIMESTAMP, MIN_TIMESTAMP
from holdfast.protocol.malformed import missing_field, wrong_value
from holdfast.protocol.misencoded import name_payload

Short = Annotated[str, msgspec.Meta(max_length=512)]
Labels = Annotated[dict[Annotated[str, msgspec.Meta(min_length=1, max_length=63)], Short], msgspec.Meta(max_length=64)]


class Init(msgspec.Struct, frozen=True, kw_only=True):
    """Step 1, agent to gateway. `agent_pubkey` is base64 of the raw 32-byte Ed25519 key. The rest tells of the host."""

    host_id: str
    agent_pubkey: str
    org_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] = "default-org"
    machine_id_hash: Short | None = None
    agent_version: Short | None = None
    capabilities: dict[str, object] | list[object] | None = None
    platform: dict[str, object] | str | None = None
    network: dict[str, object] | list[object] | str | None = None
    labels: Labels | None = None
    instance: Short | None = None
    boot_id: Short | None = None
    last_exit: Short | None = None
    enrolment_token: Short | None = None


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """Step 2, gateway to agent. `server_time` is RFC 3339 UTC in whole seconds, `nonce` base64 of 32 random bytes."""

    registration_id: str
    nonce: str
    server_time: str
    sign: str = "nonce + server_time + host_id"
    answer_on: str = "agent.registration.complete"
    payload_encoding: str = "base64"
    expires_in: int = 120


class Complete(msgspec.Struct, frozen=True, kw_only=True):
    """Step 3, agent to gateway. `signature` is base64 of the 64-byte Ed25519 signature over the three texts."""

    registration_id: str
    host_id: str
    signature: str


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """Step 4, gateway to agent; sent only after the registration is durable. `heartbeat_interval` in seconds."""

    agent_uid: str
    status: str
    heartbeat_interval: float
    server_time: str


class Auth(msgspec.Struct, frozen=True, kw_only=True):
    """Resume: the agent proves a key that is registered already. `agent_id` is its uid or host_id."""

    agent_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_HOST_ID_CHARS)]
    public_key: str
    timestamp: Annotated[int, msgspec.Meta(ge=MIN_TIMESTAMP, le=MAX_TIMESTAMP)]
    nonce: Annotated[str, msgspec.Meta(max_length=512)]
    signature: str
    instance: Short | None = None
    boot_id: Short | None = None
    last_exit: Short | None = None
    agent_version: Short | None = None


class AuthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `auth`. `expires_at` in Unix seconds: when the gateway will want to see the proof again."""

    success: bool
    agent_uid: str
    expires_at: int
    heartbeat_interval: float
    status: str = "registered"


class ServerTime(msgspec.Struct, frozen=True):
    """The payload of an `ack`."""

    server_time: str


class ErrorPayload(msgspec.Struct, frozen=True, kw_only=True):
    """A `Problem` on the wire. `retry_after` in seconds; null where waiting does not help."""

    code: str
    title: str
    detail: str
    fix: str
    docs: str
    attempt: str
    retry_after: float | None = None
    field: str | None = None
    evidence: dict[str, str | int | float | bool | None] = {}


PayloadT = TypeVar("PayloadT", Init, Complete, Auth)
_decoders: Final[dict[type, msgspec.json.Decoder[object]]] = {
    t: msgspec.json.Decoder(t) for t in (Init, Complete, Auth)
}
_check_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_PATH: Final = re.compile(r"\$\.([^`]+)")
_EXPECTED: Final = re.compile(r"Expected (.+?)(?:, got (.+))?")
_WORDS: Final[Mapping[str, str]] = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
}
_WHERE: Final[Mapping[type, str]] = {
    Init: "the payload of agent.registration",
    Complete: "the payload of agent.registration.complete",
    Auth: "the payload of auth",
}


def decode_payload(payload: str, kind: type[PayloadT]) -> PayloadT:
    """The typed payload inside an envelope's `payload` text.

    Raises:
        Refused: with the MSG-PAYLOAD-* or MSG-FIELD-* problem that names the defect and the field.
    """
    try:
        raw = payload_json(payload)
    except ValueError as error:
        raise Refused(name_payload(payload)) from error
    try:
        value = _decoders[kind].decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Refused(_name_fields(raw, kind, error)) from error
    assert isinstance(value, kind)
    return value


def _name_fields(raw: bytes, kind: type[msgspec.Struct], error: Exception) -> Problem:
    document = _check_names(raw)
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in document:
            return missing_field(field.name, document, where=_WHERE[kind], path=f"payload.{field.name}")
    # msgspec's sentence carries the path: "Expected `str`, got `int` - at `$.host_id`".
    said, _, path = str(error).partition(" - at ")
    inside = _PATH.search(path)
    field_name = f"payload.{inside[1]}" if inside else "payload"
    match = _EXPECTED.fullmatch(said)
    if match is None:
        return wrong_value(field_name, "a value within the limits of JSON", said)
    subject = "keys that are " if path.startswith("`key` in") else ""
    return wrong_value(field_name, subject + _in_words(match[1]), _in_words(match[2] or "another value"))


def _in_words(types: str) -> str:
    """`object | null` as "an object or null"."""
    return " or ".join(_WORDS.get(part, part) for part in types.replace("`", "").split(" | "))


def host_id_problem(host_id: str) -> Problem | None:
    """Why `host_id` cannot be one: 1-255 printable characters, no surrounding space."""
    expected = f"1 to {MAX_HOST_ID_CHARS} printable characters without surrounding space"
    if not 1 <= len(host_id) <= MAX_HOST_ID_CHARS:
        return wrong_value("payload.host_id", expected, f"{len(host_id)} characters")
    if host_id != host_id.strip() or not host_id.isprintable():
        return wrong_value("payload.host_id", expected, host_id)
    return None


__all__ = [
    "Auth",
    "AuthAnswer",
    "Challenge",
    "Complete",
    "Confirmation",
    "ErrorPayload",
    "Init",
    "ServerTime",
    "decode_payload",
    "host_id_problem",
]
