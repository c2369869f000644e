"""Public keys in the wrong form, and keys that change."""

import base64
import os
from collections.abc import Callable
from typing import Final

from nacl.signing import SigningKey

from holdfast.lab.context import Context
from holdfast.lab.injections import Inject, Injection
from holdfast.lab.rawagent import RawAgent

KeyText = Callable[[RawAgent], str]
SPKI: Final = bytes.fromhex("302a300506032b6570032100")


def _claiming(key: KeyText) -> Inject:
    async def inject(ctx: Context) -> None:
        agent = await ctx.agent()
        await agent.init({"agent_pubkey": key(agent)})

    return inject


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _raw(agent: RawAgent) -> bytes:
    return bytes(agent.key.verify_key)


async def _private_sent(ctx: Context) -> None:
    """The seed in place of the public key: it has the same 32 bytes, and the signature gives it away."""
    agent = await ctx.agent()
    await agent.init({"agent_pubkey": _b64(bytes(agent.key))})
    await agent.complete()


async def _regenerated(ctx: Context) -> None:
    host_id = ctx.subject.new_host()
    address = ctx.subject.new_address()
    facts = {"machine_id_hash": os.urandom(32).hex()}
    for _ in range(4):
        agent = await ctx.registered(host_id=host_id, key=SigningKey.generate(), facts=facts, source=address)
        await agent.beat()
        await agent.wire.close(1001)


FAULTS: Final = (
    Injection(
        code="KEY-PEM", how="the public key as DER (SubjectPublicKeyInfo)",
        inject=_claiming(lambda agent: _b64(SPKI + _raw(agent))),
    ),
    Injection(code="KEY-ENCODING", how="the public key in hex", inject=_claiming(lambda agent: _raw(agent).hex())),
    Injection(code="KEY-LENGTH", how="33 bytes as public key", inject=_claiming(lambda _: _b64(os.urandom(33)))),
    Injection(code="KEY-PRIVATE-SENT", how="the seed sent as public key", inject=_private_sent),
    Injection(
        code="KEY-SMALL-ORDER", how="the point 1 as public key",
        inject=_claiming(lambda _: _b64(bytes([1]) + bytes(31))),
    ),
    Injection(
        code="KEY-REGENERATED",
        how="four starts of one host, each with a new key",
        inject=_regenerated,
        beside=("ID-HOST-NEW-KEY", "LIFE-GOING-AWAY-1001"),
    ),
)  # fmt: skip
