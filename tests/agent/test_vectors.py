"""The agent's core against the published test vectors, which strangers' agents are checked against too."""

import json
from typing import Final

import msgspec
import pytest

from holdfast.agent.events import Moment
from holdfast.agent.messages import ChallengeRead, challenge_problem
from holdfast.agent.requests import Requests
from holdfast.agent.signer import Signer
from holdfast.protocol.envelope import decode_envelope, payload_json
from holdfast.protocol.payloads import Auth, Complete, Init
from tests.processes import ROOT

VECTORS: Final = ROOT / "docs" / "reference" / "vectors"
SIGNATURES: Final = json.loads((VECTORS / "signatures.json").read_text())


def requests_of(seed_hex: str, host_id: str) -> Requests:
    signer = Signer(bytes.fromhex(seed_hex))
    profile = Init(host_id=host_id, agent_pubkey=signer.public_key, instance="i")
    return Requests(signer=signer, profile=profile, instance="i")


@pytest.mark.parametrize("vector", SIGNATURES["registration"])
def test_a_registration_is_signed_as_published(vector: dict[str, str]) -> None:
    challenge = ChallengeRead("r-1", vector["nonce"], vector["server_time"])

    frame = requests_of(vector["seed_hex"], vector["host_id"]).complete(challenge, Moment(0.0, 0.0, 0.0))

    assert challenge_problem(challenge) is None
    complete = msgspec.json.decode(payload_json(decode_envelope(frame).payload), type=Complete)
    assert (complete.host_id, complete.signature) == (vector["host_id"], vector["signature"])


@pytest.mark.parametrize(
    ("seed_hex", "published"), [(vector["seed_hex"], vector["payload"]) for vector in SIGNATURES["auth"]]
)
def test_a_resumption_is_signed_as_published(seed_hex: str, published: dict[str, object]) -> None:
    expected = msgspec.convert(published, Auth)
    at = Moment(0.0, float(expected.timestamp), 0.0)

    frame = requests_of(seed_hex, "host").auth(uid=expected.agent_id, nonce=expected.nonce, at=at)

    auth = msgspec.json.decode(payload_json(decode_envelope(frame).payload), type=Auth)
    assert (auth.public_key, auth.signature) == (expected.public_key, expected.signature)
