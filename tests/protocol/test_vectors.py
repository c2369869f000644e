"""The published vectors hold for our core, and for an implementation of Ed25519 that is not ours."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import TypedDict

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from holdfast.faults.problem import Refused
from holdfast.model.identity import agent_uid, fingerprint
from holdfast.protocol.envelope import NotAnEnvelope, decode_envelope, payload_json
from holdfast.protocol.malformed import name_frame
from holdfast.protocol.payloads import Auth, Complete, Init, decode_payload
from holdfast.protocol.signing import auth_text, registration_text, verifies
from tests.protocol.refusals import NOW
from tests.protocol.vectors import DIRECTORY, stale


class Identity(TypedDict):
    seed_hex: str
    public_key_hex: str
    agent_pubkey: str
    sha256_hex: str
    agent_uid: str
    fingerprint: str


class Proof(msgspec.Struct, kw_only=True, frozen=True):
    agent_pubkey: str
    nonce: str
    server_time: str
    host_id: str
    signature: str
    name: str = ""
    seed_hex: str = ""
    signed_text: str = ""
    signed_hex: str = ""


class Resumption(msgspec.Struct, frozen=True):
    seed_hex: str
    payload: Auth
    signed_text: str
    signed_hex: str


class Signatures(msgspec.Struct, frozen=True):
    registration: list[Proof]
    auth: list[Resumption]
    refused: list[Proof]


class Message(msgspec.Struct, kw_only=True, frozen=True):
    name: str
    frame: str | None = None
    frame_base64: str | None = None
    payload: dict[str, object] = {}
    code: str = ""
    field: str | None = None

    @property
    def raw(self) -> bytes:
        return self.frame.encode() if self.frame is not None else base64.b64decode(self.frame_base64 or "")


class Messages(msgspec.Struct, frozen=True):
    valid: list[Message]
    refused: list[Message]
    refused_first: list[Message]


IDENTITIES = msgspec.json.decode((DIRECTORY / "identities.json").read_bytes(), type=dict[str, list[Identity]])
SIGNATURES = msgspec.json.decode((DIRECTORY / "signatures.json").read_bytes(), type=Signatures)
MESSAGES = msgspec.json.decode((DIRECTORY / "messages.json").read_bytes(), type=Messages)


def verified_elsewhere(public_key: bytes, text: bytes, signature: bytes) -> bool:
    """What OpenSSL says, by way of `cryptography`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def signed_elsewhere(seed_hex: str, text: bytes) -> str:
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed_hex)).sign(text)).decode()


def test_the_files_are_what_the_generator_writes() -> None:
    assert stale() == []


@pytest.mark.parametrize("vector", IDENTITIES["identities"], ids=lambda vector: str(vector["agent_uid"]))
def test_an_agent_is_named_by_the_hash_of_its_raw_key(vector: Identity) -> None:
    raw = bytes.fromhex(vector["public_key_hex"])
    digest = hashlib.sha256(raw).digest()

    assert (
        Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed_hex"])).public_key().public_bytes_raw() == raw
    )
    assert base64.b64decode(vector["agent_pubkey"]) == raw
    assert vector["sha256_hex"] == digest.hex()
    assert vector["agent_uid"] == "agt_" + base64.b32encode(digest).decode().lower()[:26] == agent_uid(raw)
    assert vector["fingerprint"] == fingerprint(raw)


@pytest.mark.parametrize("vector", SIGNATURES.registration, ids=lambda vector: vector.host_id[:16])
def test_the_signed_text_of_a_registration_is_three_texts_joined(vector: Proof) -> None:
    text = registration_text(nonce=vector.nonce, server_time=vector.server_time, host_id=vector.host_id)

    assert text == (vector.nonce + vector.server_time + vector.host_id).encode()
    assert (text.decode(), text.hex()) == (vector.signed_text, vector.signed_hex)
    assert signed_elsewhere(vector.seed_hex, text) == vector.signature
    assert verifies(base64.b64decode(vector.agent_pubkey), text, base64.b64decode(vector.signature))


@pytest.mark.parametrize("vector", SIGNATURES.auth, ids=lambda vector: vector.payload.agent_id)
def test_the_signed_text_of_a_resumption_is_four_texts_joined_by_colons(vector: Resumption) -> None:
    said = vector.payload
    text = auth_text(agent_id=said.agent_id, public_key=said.public_key, timestamp=said.timestamp, nonce=said.nonce)

    assert text == f"{said.agent_id}:{said.public_key}:{said.timestamp}:{said.nonce}".encode()
    assert (text.decode(), text.hex()) == (vector.signed_text, vector.signed_hex)
    assert signed_elsewhere(vector.seed_hex, text) == said.signature
    assert verifies(base64.b64decode(said.public_key), text, base64.b64decode(said.signature))


@pytest.mark.parametrize("vector", SIGNATURES.refused, ids=lambda vector: vector.name)
def test_a_signature_over_anything_else_is_refused_by_both(vector: Proof) -> None:
    text = registration_text(nonce=vector.nonce, server_time=vector.server_time, host_id=vector.host_id)
    key, signature = base64.b64decode(vector.agent_pubkey), base64.b64decode(vector.signature)

    assert not verifies(key, text, signature)
    assert not verified_elsewhere(key, text, signature)


@pytest.mark.parametrize("vector", MESSAGES.valid, ids=lambda vector: vector.name)
def test_a_valid_message_is_read_as_it_was_meant(vector: Message) -> None:
    envelope = decode_envelope(vector.raw)

    assert json.loads(payload_json(envelope.payload)) == vector.payload


def test_every_request_of_the_valid_messages_has_a_payload_that_is_typed() -> None:
    envelopes = [decode_envelope(vector.raw) for vector in MESSAGES.valid]
    requests = {said.channel: said.payload for said in envelopes if said.type == "request"}

    assert decode_payload(requests["agent.registration"], Init).host_id == "web-01"
    assert decode_payload(requests["agent.registration.complete"], Complete).host_id == "web-01"
    assert decode_payload(requests["auth"], Auth).agent_id.startswith("agt_")
    assert len(requests) == 3


def refusals(raw: bytes) -> Iterator[tuple[str, str | None]]:
    """The code and field with which our core refuses `raw`; nothing where it does not."""
    try:
        envelope = decode_envelope(raw)
    except NotAnEnvelope:
        problem = name_frame(raw, now=NOW)
        yield problem.code, problem.field
        return
    try:
        decode_payload(envelope.payload, Init)
    except Refused as refusal:
        yield refusal.problem.code, refusal.problem.field


@pytest.mark.parametrize("vector", MESSAGES.refused, ids=lambda vector: vector.name)
def test_a_refused_message_gets_exactly_its_code_and_field(vector: Message) -> None:
    assert list(refusals(vector.raw)) == [(vector.code, vector.field)]


@pytest.mark.parametrize("vector", MESSAGES.refused_first, ids=lambda vector: vector.name)
def test_a_message_refused_for_its_place_is_an_envelope_all_the_same(vector: Message) -> None:
    assert json.loads(payload_json(decode_envelope(vector.raw).payload)) is not None


def test_the_vectors_cover_every_form_of_a_message_that_the_catalogue_knows() -> None:
    codes = {vector.code for vector in [*MESSAGES.refused, *MESSAGES.refused_first]}

    assert codes >= {
        "MSG-NOT-JSON",
        "MSG-PYTHON-REPR",
        "MSG-CONCATENATED",
        "MSG-FIELD-MISSING",
        "MSG-FIELD-TYPE",
        "MSG-TS-MILLIS",
        "MSG-TS-STRING",
        "MSG-PAYLOAD-NOT-B64",
        "MSG-PAYLOAD-RAW-JSON",
        "MSG-PAYLOAD-OBJECT",
        "MSG-PAYLOAD-B64URL",
        "MSG-PAYLOAD-DOUBLE-B64",
        "MSG-PAYLOAD-NOT-JSON",
        "MSG-CHANNEL-UNKNOWN",
        "MSG-CHANNEL-LEGACY",
        "MSG-TYPE-UNKNOWN",
        "MSG-BAD-UTF8",
        "MSG-BEFORE-REGISTERED",
    }
