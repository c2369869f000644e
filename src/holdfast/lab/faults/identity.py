"""Who is who, and who is let in."""

import asyncio
import secrets
from typing import Final

import httpx
from nacl.signing import SigningKey

from holdfast.lab.context import Context
from holdfast.lab.injections import Injection
from holdfast.lab.specs import APPROVING, TOKENS


def _machine() -> dict[str, object]:
    return {
        "machine_id_hash": secrets.token_hex(32),
        "boot_id": secrets.token_hex(16),
        "instance": secrets.token_hex(8),
    }


async def _cloned(ctx: Context) -> None:
    """Two machines from one image: both hold the key, and each evicts the other."""
    key, host_id = SigningKey.generate(), ctx.subject.new_host()
    first, second = _machine(), _machine()
    for facts in (first, second, first):
        await ctx.registered(host_id=host_id, key=key, facts=facts)
        await ctx.sleep(0.2)


async def _host_new_key(ctx: Context) -> None:
    host_id = ctx.subject.new_host()
    before = await ctx.registered(host_id=host_id)
    await before.wire.close(1001)
    await ctx.registered(host_id=host_id)


async def _key_new_host(ctx: Context) -> None:
    before = await ctx.registered()
    await before.wire.close(1001)
    await ctx.registered(key=before.key)


async def _revoked(ctx: Context) -> None:
    agent = await ctx.registered()
    agent.keep_beating(ctx.timeouts.heartbeat_interval_s)
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {await _api_token(ctx)}"}
        said = await client.post(f"{ctx.target.api_url}/agents/{agent.uid}/revoke", headers=headers, json={})
        said.raise_for_status()
    await agent.wire.wait_closed()
    again = await ctx.agent(host_id=agent.host_id, key=agent.key)
    again.uid = agent.uid
    await again.resume()


async def _pending(ctx: Context) -> None:
    await ctx.registered()


async def _enrolled(ctx: Context, token: str, **claims: object) -> None:
    agent = await ctx.agent()
    await agent.init({"enrolment_token": token, **claims})
    if agent.challenge.nonce:
        await agent.complete()


async def _wrong_org(ctx: Context) -> None:
    await _enrolled(ctx, await _enrolment_token(ctx, "--org", "finance"), org_id="nope")


async def _token_expired(ctx: Context) -> None:
    token = await _enrolment_token(ctx, "--expires", "1s")
    await asyncio.sleep(1.5)
    await _enrolled(ctx, token)


async def _token_exhausted(ctx: Context) -> None:
    token = await _enrolment_token(ctx, "--max-uses", "1")
    await _enrolled(ctx, token)
    await _enrolled(ctx, token)


async def _token_invalid(ctx: Context) -> None:
    token = await _enrolment_token(ctx)
    await _enrolled(ctx, token[:-2])


async def _enrolment_token(ctx: Context, *options: str) -> str:
    return await _made(ctx, "enrolment", "create", "--name", ctx.code, *options)


async def _api_token(ctx: Context) -> str:
    return ctx.target.token or await _made(ctx, "tokens", "create", "--name", "lab", "--role", "admin")


async def _made(ctx: Context, *arguments: str) -> str:
    """A token of the lab's own control plane, made on its store as an operator does."""
    assert ctx.target.data_dir is not None, "only the lab's own control planes are asked for tokens"
    made = (await ctx.command([*arguments, "--data-dir", str(ctx.target.data_dir)])).decode().strip()
    assert made, f"holdfast {' '.join(arguments)} printed no token"
    return made


FAULTS: Final = (
    Injection(
        code="ID-CLONED",
        how="one key on two machines, connected at the same time",
        inject=_cloned,
        beside=("LIFE-NO-HEARTBEAT",),
    ),
    Injection(
        code="ID-HOST-NEW-KEY",
        how="a host that registers again with a new key",
        inject=_host_new_key,
        beside=("LIFE-NO-HEARTBEAT", "LIFE-GOING-AWAY-1001"),
    ),
    Injection(
        code="ID-KEY-NEW-HOST",
        how="a key that registers under a new host_id",
        inject=_key_new_host,
        beside=("LIFE-NO-HEARTBEAT", "LIFE-GOING-AWAY-1001"),
    ),
    Injection(
        code="ID-REVOKED", how="an agent that comes back after it was revoked", inject=_revoked, plane=APPROVING,
        beside=("ID-PENDING",),
    ),
    Injection(
        code="ID-PENDING", how="a registration where an operator has to approve", inject=_pending, plane=APPROVING
    ),
    Injection(code="ID-WRONG-ORG", how="a token of another organisation", inject=_wrong_org, plane=TOKENS),
    Injection(code="ID-TOKEN-EXPIRED", how="a token that was valid for a second", inject=_token_expired, plane=TOKENS),
    Injection(
        code="ID-TOKEN-EXHAUSTED", how="a token for one agent, used by a second", inject=_token_exhausted,
        plane=TOKENS, beside=("LIFE-NO-HEARTBEAT",),
    ),
    Injection(code="ID-TOKEN-INVALID", how="a token whose end was cut off", inject=_token_invalid, plane=TOKENS),
)  # fmt: skip
