"""Where it all began: "invalid signature", and nothing more."""

import base64
from collections.abc import Callable

import pytest
from nacl.signing import SigningKey

from holdfast.faults import CATALOGUE, Severity
from holdfast.lab.rawagent import ChallengeSaid, right_text
from holdfast.protocol.envelope import encode_base64
from tests.doctor.places import line
from tests.threads.ground import Ground

Signed = Callable[[ChallengeSaid, str], bytes | str]
Encoded = Callable[[bytes], str]


@pytest.mark.parametrize(
    ("sign", "encode", "code"),
    [
        (lambda c, h: f"{h}:{c.nonce}", encode_base64, "SIG-FIELD-SET"),
        (lambda c, _: c.nonce, encode_base64, "SIG-FIELD-SET"),
        (lambda c, h: c.nonce + h + c.server_time, encode_base64, "SIG-ORDER"),
        (lambda c, h: base64.b64decode(c.nonce) + (c.server_time + h).encode(), encode_base64, "SIG-NONCE-DECODED"),
        (lambda c, h: right_text(c, h) + "\n", encode_base64, "SIG-TRAILING"),
        (right_text, bytes.hex, "SIG-ENC-HEX"),
        (right_text, lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="), "SIG-ENC-B64URL"),
    ],
)
async def test_invalid_signature(plane: Ground, sign: Signed, encode: Encoded, code: str) -> None:
    """The troubleshooting guide: every author of an agent met it and searched for hours. Now it says which it was."""
    agent = await plane.connect("web-01")
    await agent.init()

    await agent.complete(sign, encode)

    (said,) = agent.wire.errors
    assert said.code == code
    assert "nonce + server_time + host_id" in f"{said.detail} {said.fix}" or code.startswith("SIG-ENC-")
    finding = await plane.finding(code)
    assert (finding["blame"], finding["basis"], finding["confidence"]) == ("agent", "proof", 1.0)
    assert CATALOGUE[code].severity is Severity.ERROR


async def test_invalid_signature_because_of_another_key(plane: Ground) -> None:
    """The troubleshooting guide: the key on disk is not the key that was sent."""
    agent = await plane.connect("web-01")
    await agent.init()

    await agent.complete(key=SigningKey.generate())

    assert agent.wire.errors[0].code in ("SIG-OTHER-KEY", "SIG-UNEXPLAINED")
    assert not agent.uid


async def test_the_servers_own_verifier_is_wrong(plane: Ground) -> None:
    """The troubleshooting guide: perhaps it is the server. Both sides verify one signature, and have to agree."""
    report = await plane.doctor()

    assert line(report, "signature").status.value == "PASS"
    assert line(report, "registration").because == "the gateway verified the signature, and stored nothing"
