"""A gateway that follows a script, one line per connection: it stands for gateways that misbehave, restart or refuse.

It listens on a real socket and speaks the protocol by `websockets`; only what it decides is written down by the test.
"""

import asyncio
import http
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from holdfast.protocol.envelope import (
    Envelope,
    MessageType,
    decode_base64,
    decode_envelope,
    encode_base64,
    encode_envelope,
    pack_payload,
    payload_json,
)
from holdfast.protocol.payloads import Auth, Complete, Init
from holdfast.protocol.signing import auth_text, registration_text, verifies
from holdfast.protocol.times import rfc3339_seconds

UID: Final = "agt_0123456789abcdef"

PayloadT = TypeVar("PayloadT", Init, Complete, Auth)


class Conversation:
    """One connection, from the gateway's side."""

    def __init__(self, connection: ServerConnection, challenge: str, user_agent: str) -> None:
        self.connection = connection
        self.challenge = challenge
        self.user_agent = user_agent
        self.heard: list[Envelope] = []
        self._count = 0

    async def hear(self) -> Envelope:
        """The agent's next message."""
        message = decode_envelope(await self.connection.recv(decode=False))
        self.heard.append(message)
        return message

    async def say(
        self, kind: MessageType, channel: str, payload: Mapping[str, object], reply_to: Envelope | None = None
    ) -> None:
        self._count += 1
        headers = {} if reply_to is None else {"reply_to": reply_to.id}
        message = Envelope(f"g-{self._count}", kind, channel, 0, pack_payload(payload), headers)
        await self.connection.send(encode_envelope(message), text=True)

    async def refuse(self, code: str, *, to: Envelope | None = None, retry_after: float | None = None) -> None:
        """An `error` envelope."""
        payload = {
            "code": code,
            "title": f"title of {code}",
            "detail": "detail",
            "fix": "fix",
            "docs": "",
            "attempt": "",
        }
        channel = "error" if to is None else to.channel
        await self.say("error", channel, {**payload, "retry_after": retry_after}, reply_to=to)

    async def register(self, *, status: str = "registered", interval_s: float = 20.0) -> Init:
        """Both steps, the signature checked; answers what the agent told of itself."""
        first = await self.hear()
        assert first.channel == "agent.registration", first.channel
        return await self.challenge_and_confirm(first, status=status, interval_s=interval_s)

    async def challenge_and_confirm(self, first: Envelope, *, status: str = "registered", interval_s: float) -> Init:
        init = read(first, Init)
        nonce, server_time = encode_base64(secrets.token_bytes(32)), rfc3339_seconds(int(time.time()))
        await self.say(
            "response",
            "agent.registration",
            {"registration_id": "r-1", "nonce": nonce, "server_time": server_time, "expires_in": 120},
            reply_to=first,
        )
        second = await self.hear()
        complete = read(second, Complete)
        text = registration_text(nonce=nonce, server_time=server_time, host_id=init.host_id)
        assert verifies(decode_base64(init.agent_pubkey), text, decode_base64(complete.signature))
        await self.say(
            "response",
            "agent.registration.complete",
            {"agent_uid": UID, "status": status, "heartbeat_interval": interval_s, "server_time": server_time},
            reply_to=second,
        )
        return init

    async def resume(self, *, interval_s: float = 20.0) -> Auth:
        """`auth` with this connection's challenge, checked and accepted."""
        first = await self.hear()
        auth = read(first, Auth)
        assert auth.nonce == self.challenge
        text = auth_text(agent_id=auth.agent_id, public_key=auth.public_key, timestamp=auth.timestamp, nonce=auth.nonce)
        assert verifies(decode_base64(auth.public_key), text, decode_base64(auth.signature))
        answer = {"success": True, "agent_uid": auth.agent_id, "expires_at": 0, "heartbeat_interval": interval_s}
        await self.say("response", "auth", answer, reply_to=first)
        return auth

    async def close(self, code: int, reason: str = "") -> None:
        await self.connection.close(code, reason)

    async def acknowledge(self) -> None:
        """Answer heartbeats until the connection ends."""
        while True:
            message = await self.hear()
            await self.say("ack", message.channel, {"server_time": rfc3339_seconds(int(time.time()))}, reply_to=message)


Line = Callable[[Conversation], Awaitable[None]]


async def welcome_back(conversation: Conversation) -> None:
    """Resume, then acknowledge for ever."""
    await conversation.resume()
    await conversation.acknowledge()


async def welcome(conversation: Conversation) -> None:
    """Register, then acknowledge for ever."""
    await conversation.register()
    await conversation.acknowledge()


class ScriptedGateway:
    """Plays `script`, one line per connection in order; when it is played out, the last line is repeated."""

    def __init__(self, script: Sequence[Line | http.HTTPStatus]) -> None:
        self.script = list(script)
        self.conversations: list[Conversation] = []
        self.failures: list[BaseException] = []
        self.dials = 0
        self.url = ""
        self._server: Server | None = None

    async def start(self, port: int = 0, *, tls: ssl.SSLContext | None = None) -> None:
        self._server = await serve(
            self._converse,
            "127.0.0.1",
            port,
            ssl=tls,
            process_request=self._upgrade,
            process_response=self._introduce,
            close_timeout=1,
        )
        self.url = f"{'ws' if tls is None else 'wss'}://127.0.0.1:{self.port}/ws/agent"

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def spoken(self, count: int) -> Conversation:
        """The `count`-th conversation, from 1, as soon as it has begun."""
        async with asyncio.timeout(30):
            while len(self.conversations) < count:
                await asyncio.sleep(0.005)
        return self.conversations[count - 1]

    def _line(self, index: int) -> Line | http.HTTPStatus:
        return self.script[min(index, len(self.script) - 1)]

    def _introduce(self, connection: ServerConnection, _request: Request, response: Response) -> None:
        response.headers["Holdfast-Attempt"] = f"att-{self.dials}"
        response.headers["Holdfast-Challenge"] = encode_base64(secrets.token_bytes(32))

    def _upgrade(self, connection: ServerConnection, _request: Request) -> Response | None:
        self.dials += 1
        line = self._line(self.dials - 1)
        if not isinstance(line, http.HTTPStatus):
            connection.username = str(self.dials - 1)  # which line this connection plays
            return None
        body = {"code": "WS-RATE-429", "title": "slow down", "detail": "too many", "fix": "wait", "retry_after": 0.0}
        return connection.respond(line, msgspec.json.encode(body).decode())

    async def _converse(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.response is not None
        challenge = connection.response.headers["Holdfast-Challenge"]
        conversation = Conversation(connection, challenge, connection.request.headers.get("User-Agent", ""))
        self.conversations.append(conversation)
        line = self._line(int(connection.username))
        assert not isinstance(line, http.HTTPStatus)
        try:
            await line(conversation)
        except ConnectionClosed:
            return
        except BaseException as error:
            self.failures.append(error)
            raise


def read(message: Envelope, kind: type[PayloadT]) -> PayloadT:
    return msgspec.json.decode(payload_json(message.payload), type=kind)


@asynccontextmanager
async def scripted_gateway(
    *script: Line | http.HTTPStatus, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedGateway]:
    """A started gateway; at the end it must have met nothing that its script did not foresee."""
    gateway = ScriptedGateway(script)
    await gateway.start(tls=tls)
    try:
        yield gateway
    finally:
        await gateway.stop()
    assert gateway.failures == []
