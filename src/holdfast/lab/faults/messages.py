"""Messages that are malformed, misplaced, or too much."""

import base64
import gzip
import json
import os
from typing import Final

from holdfast.lab.context import Context
from holdfast.lab.frames import BINARY, frame
from holdfast.lab.injections import Injection
from holdfast.lab.rawagent import OUT, RawAgent


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _init_json(agent: RawAgent) -> bytes:
    return json.dumps(agent.init_payload()).encode()


def _init_text(agent: RawAgent) -> str:
    return json.dumps(agent.envelope("agent.registration", agent.init_payload()))


async def _not_json(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.wire.send_text("hello")
    await agent.wire.answer()


async def _python_repr(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.wire.send_text(str(agent.envelope("agent.registration", {"host_id": agent.host_id})))
    await agent.wire.answer()


async def _binary(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.wire.send_frame(_init_text(agent).encode(), BINARY)
    await agent.wire.answer()


async def _concatenated(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.wire.send_text(_init_text(agent) + "\n" + _init_text(agent))
    await agent.wire.answer()


async def _field_missing(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init({"agent_pubkey": OUT})


async def _field_type(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(headers=[])


async def _ts_millis(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(timestamp=int(agent.clock() * 1000))


async def _ts_string(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(timestamp="2026-01-01T00:00:00Z")


async def _payload_not_b64(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(payload="%%%")


async def _payload_raw_json(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(payload=_init_json(agent).decode())


async def _payload_object(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(payload=agent.init_payload())


async def _payload_b64url(ctx: Context) -> None:
    agent = await ctx.agent()
    said = agent.init_payload({"platform": {"note": "ÿÿÿ>>>???"}})
    text = base64.urlsafe_b64encode(json.dumps(said, ensure_ascii=False).encode()).decode()
    assert "-" in text or "_" in text
    await agent.init(payload=text)


async def _payload_double(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(payload=_b64(_b64(_init_json(agent)).encode()))


async def _payload_not_json(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(payload=_b64(gzip.compress(_init_json(agent))))


async def _channel_unknown(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.ask("agent.register", agent.init_payload())


async def _channel_legacy(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init()
    await agent.ask("registration.complete", agent.proof())


async def _type_unknown(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(type="req")


async def _id_duplicate(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.init(id="1")
    await agent.complete(id="1")
    await agent.beat(id="1")
    await agent.wire.answer(1.0)


async def _too_big(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.wire.send_text("x" * (65_536 + 1))
    await agent.wire.wait_closed()


async def _bad_utf8(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.wire.send_text(b"\xff\xfe{}")
    await agent.wire.wait_closed()


async def _before_registered(ctx: Context) -> None:
    agent = await ctx.agent()
    await agent.beat()
    await agent.wire.answer()


async def _heartbeat_channel(ctx: Context) -> None:
    agent = await ctx.registered()
    await agent.beat("agent.somebody-else.heartbeat")
    await agent.wire.answer()


async def _interleaved(ctx: Context) -> None:
    """What two threads without a lock put on the wire: the second frame begins inside the first."""
    agent = await ctx.registered()
    for _ in range(3):
        first = frame(json.dumps(agent.envelope("agent.heartbeat", {}, type="heartbeat", payload="")).encode())
        second = frame(json.dumps(agent.envelope("agent.heartbeat", {}, type="heartbeat", payload="")).encode())
        middle = len(first) // 2 + os.urandom(1)[0] % 8
        await agent.wire.send_bytes(first[:middle] + second + first[middle:])
    await agent.wire.wait_closed()


async def _auth_legacy(ctx: Context) -> None:
    agent = await ctx.agent()
    said = {"agent_id": agent.host_id, "public_key": agent.public_key, "timestamp": 0, "nonce": "", "signature": ""}
    await agent.ask("auth", said)


FAULTS: Final = (
    Injection(code="MSG-NOT-JSON", how="a text frame that says hello", inject=_not_json),
    Injection(code="MSG-PYTHON-REPR", how="an envelope printed with str(dict)", inject=_python_repr),
    Injection(code="MSG-BINARY", how="a right init in a binary frame", inject=_binary),
    Injection(code="MSG-CONCATENATED", how="two inits in one frame, a newline between", inject=_concatenated),
    Injection(code="MSG-FIELD-MISSING", how="init without agent_pubkey", inject=_field_missing),
    Injection(code="MSG-FIELD-TYPE", how="init whose headers are a list", inject=_field_type),
    Injection(code="MSG-TS-MILLIS", how="init with a timestamp in milliseconds", inject=_ts_millis),
    Injection(code="MSG-TS-STRING", how="init with an ISO 8601 timestamp", inject=_ts_string),
    Injection(code="MSG-PAYLOAD-NOT-B64", how="init with the payload %%%", inject=_payload_not_b64),
    Injection(code="MSG-PAYLOAD-RAW-JSON", how="init whose payload is JSON text", inject=_payload_raw_json),
    Injection(code="MSG-PAYLOAD-OBJECT", how="init whose payload is an object", inject=_payload_object),
    Injection(code="MSG-PAYLOAD-B64URL", how="init with a payload in the URL-safe alphabet", inject=_payload_b64url),
    Injection(code="MSG-PAYLOAD-DOUBLE-B64", how="init with a payload encoded twice", inject=_payload_double),
    Injection(code="MSG-PAYLOAD-NOT-JSON", how="init with a gzipped payload", inject=_payload_not_json),
    Injection(code="MSG-CHANNEL-UNKNOWN", how="init on agent.register", inject=_channel_unknown),
    Injection(code="MSG-CHANNEL-LEGACY", how="complete on registration.complete", inject=_channel_legacy),
    Injection(code="MSG-TYPE-UNKNOWN", how="init with the type req", inject=_type_unknown),
    Injection(code="MSG-ID-DUPLICATE", how="init, complete and heartbeat all with the id 1", inject=_id_duplicate),
    Injection(code="MSG-TOO-BIG", how="a message one byte over the limit", inject=_too_big),
    Injection(code="MSG-BAD-UTF8", how="a text frame with the bytes ff fe", inject=_bad_utf8),
    Injection(code="MSG-BEFORE-REGISTERED", how="a heartbeat as the first message", inject=_before_registered),
    Injection(code="MSG-HEARTBEAT-CHANNEL", how="a heartbeat on another agent's channel", inject=_heartbeat_channel),
    Injection(code="MSG-INTERLEAVED", how="a frame written into the middle of another", inject=_interleaved),
    Injection(code="MSG-AUTH-LEGACY", how="the original system's auth, without a signature", inject=_auth_legacy),
)
