"""Signatures over the wrong text, in the wrong form, or by the wrong key."""

import base64
import hashlib
import json
import time
from datetime import datetime, timedelta, timezone
from typing import Final

from nacl.signing import SigningKey

from holdfast.lab.context import Context
from holdfast.lab.injections import Inject, Injection
from holdfast.lab.rawagent import ChallengeSaid, Encoded, Signed, right_text


def _signing(sign: Signed) -> Inject:
    async def inject(ctx: Context) -> None:
        agent = await ctx.agent()
        await agent.init()
        await agent.complete(sign)

    return inject


def _encoding(encode: Encoded) -> Inject:
    async def inject(ctx: Context) -> None:
        agent = await ctx.agent()
        await agent.init()
        await agent.complete(encode=encode)

    return inject


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(challenge: ChallengeSaid, host: str) -> str:
    return json.dumps({"nonce": challenge.nonce, "server_time": challenge.server_time, "host_id": host})


def _decoded(challenge: ChallengeSaid, host: str) -> bytes:
    return base64.b64decode(challenge.nonce) + (challenge.server_time + host).encode()


def _hex_nonce(challenge: ChallengeSaid, host: str) -> str:
    return base64.b64decode(challenge.nonce).hex() + challenge.server_time + host


def _local_time(challenge: ChallengeSaid, host: str) -> str:
    zone = timezone(timedelta(hours=5, minutes=30))
    local = datetime.fromisoformat(challenge.server_time).astimezone(zone).isoformat()
    return challenge.nonce + local + host


def _own_time(challenge: ChallengeSaid, host: str) -> str:
    return challenge.nonce + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3)) + host


def _hashed(challenge: ChallengeSaid, host: str) -> bytes:
    return hashlib.sha256(right_text(challenge, host).encode()).digest()


async def _combined(ctx: Context) -> None:
    """NaCl's `sign` returns signature and message in one."""
    agent = await ctx.agent()
    await agent.init()
    message = right_text(agent.challenge, agent.host_id).encode()
    await agent.complete(encode=lambda signature: _b64(signature + message))


async def _other_key(ctx: Context) -> None:
    """The host registered before; now it claims its new key and signs with the old one."""
    before = await ctx.registered()
    await before.wire.drop()
    agent = await ctx.agent(host_id=before.host_id, key=SigningKey.generate())
    await agent.init()
    await agent.complete(key=before.key)


FAULTS: Final = (
    Injection(
        code="SIG-ORDER",
        how="nonce + host_id + server_time signed",
        inject=_signing(lambda c, h: c.nonce + h + c.server_time),
    ),
    Injection(code="SIG-NONCE-DECODED", how="the nonce's 32 bytes signed", inject=_signing(_decoded)),
    Injection(code="SIG-NONCE-ENCODING", how="the nonce signed in hex", inject=_signing(_hex_nonce)),
    Injection(code="SIG-JSON", how="a JSON object of the three fields signed", inject=_signing(_json)),
    Injection(
        code="SIG-TRAILING", how="a newline signed at the end", inject=_signing(lambda c, h: right_text(c, h) + "\n")
    ),
    Injection(
        code="SIG-SEPARATOR",
        how="the fields joined with colons",
        inject=_signing(lambda c, h: ":".join((c.nonce, c.server_time, h))),
    ),
    Injection(
        code="SIG-TIME-FORMAT",
        how="server_time signed with +00:00 for Z",
        inject=_signing(lambda c, h: c.nonce + c.server_time.replace("Z", "+00:00") + h),
    ),
    Injection(code="SIG-TIME-LOCAL", how="server_time signed in the zone +05:30", inject=_signing(_local_time)),
    Injection(code="SIG-TIME-OWN", how="the agent's own clock signed", inject=_signing(_own_time)),
    Injection(
        code="SIG-HOST-FORM",
        how="the host_id signed in capitals",
        inject=_signing(lambda c, h: c.nonce + c.server_time + h.upper()),
    ),
    Injection(code="SIG-HASHED", how="the text's SHA-256 signed", inject=_signing(_hashed)),
    Injection(code="SIG-FIELD-SET", how="the nonce alone signed", inject=_signing(lambda c, _: c.nonce)),
    Injection(code="SIG-ENC-HEX", how="the signature in hex", inject=_encoding(bytes.hex)),
    Injection(
        code="SIG-ENC-B64URL",
        how="the signature in the URL-safe alphabet, unpadded",
        inject=_encoding(lambda b: base64.urlsafe_b64encode(b).decode().rstrip("=")),
    ),
    Injection(
        code="SIG-ENC-DOUBLE", how="the signature encoded twice", inject=_encoding(lambda b: _b64(_b64(b).encode()))
    ),
    Injection(code="SIG-ENC-REPR", how="the signature as b'...'", inject=_encoding(lambda b: str(base64.b64encode(b)))),
    Injection(code="SIG-NACL-COMBINED", how="signature and message in one, as NaCl gives them", inject=_combined),
    Injection(code="SIG-LENGTH", how="63 bytes of the signature", inject=_encoding(lambda b: _b64(b[:63]))),
    Injection(
        code="SIG-OTHER-KEY",
        how="signed with the key the host had before",
        inject=_other_key,
        beside=("LIFE-NO-CLOSE-FRAME", "LIFE-KILLED"),
    ),
    Injection(code="SIG-UNEXPLAINED", how="fifty times x signed", inject=_signing(lambda *_: "x" * 50)),
)
