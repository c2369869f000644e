"""The agent's conversation with the gateway, on the agent's own way of dialling: init, signature, registration."""

import asyncio
import hashlib
import time
from typing import Final, TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from holdfast.agent import messages
from holdfast.agent.dialling import Dialler
from holdfast.agent.facts import version
from holdfast.agent.failures import loss_problem
from holdfast.agent.messages import ChallengeRead, ErrorRead, Standing
from holdfast.doctor.case import Case
from holdfast.doctor.identity import Identity
from holdfast.doctor.keyplace import user_of
from holdfast.doctor.report import Check, Fact, failed, passed, skipped, warned
from holdfast.doctor.wire import USER_AGENT
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, Refused, printable
from holdfast.protocol.envelope import (
    Envelope,
    MessageType,
    NotAnEnvelope,
    decode_base64,
    decode_envelope,
    encode_envelope,
    pack_payload,
)
from holdfast.protocol.limits import ATTEMPT_HEADER
from holdfast.protocol.payloads import Complete, Init
from holdfast.protocol.signing import registration_text, verifies

DRY_RUN: Final = {"dry-run": "registration"}
VERIFIED: Final = "verified"
_CREDENTIAL_CODES: Final = frozenset({"ID-TOKEN-INVALID", "ID-TOKEN-EXPIRED", "ID-TOKEN-EXHAUSTED"})

ReadT = TypeVar("ReadT", ChallengeRead, Standing)


class Conversation:
    """One connection as the agent makes it. Answers are matched to questions; everything else is passed over."""

    def __init__(self, connection: ClientConnection, identity: Identity, *, limit_s: float) -> None:
        self.identity = identity
        self.challenge: ChallengeRead | None = None
        self.signature = ""
        self.standing: Standing | None = None
        self._connection = connection
        self._limit_s = limit_s
        self._count = 0

    async def ask(
        self, kind: MessageType, channel: str, payload: object | None, headers: dict[str, str] | None = None
    ) -> Envelope | Problem:
        """Send one message and wait for its answer: the answer, or why there is none."""
        self._count += 1
        asked = f"doctor-{self._count}"
        packed = "" if payload is None else pack_payload(payload)
        frame = encode_envelope(Envelope(asked, kind, channel, int(time.time()), packed, headers or {}))
        try:
            async with asyncio.timeout(self._limit_s):
                await self._connection.send(frame, text=True)
                return await self._answer(asked, channel)
        except TimeoutError:
            why = f"the message on {channel} stayed without an answer for {self._limit_s:g} s"
            return problem("NET-MTU-BLACKHOLE" if len(frame) > 1000 else "SRV-LOOP-LAG", what="no answer", why=why)
        except ConnectionClosed as closed:
            return loss_problem(closed)

    async def _answer(self, asked: str, channel: str) -> Envelope | Problem:
        while True:
            raw = await self._connection.recv()
            try:
                message = decode_envelope(raw.encode() if isinstance(raw, str) else raw)
            except NotAnEnvelope as error:
                why = f"what came on {channel} is no envelope: {printable(str(error), 120)}"
                return problem("MSG-NOT-JSON", what="the gateway's answer cannot be read", why=why)
            mine = message.headers.get("reply_to")
            if mine == asked or (mine is None and message.channel == channel):
                if message.type != "error":
                    return message
                error_read = messages.read_payload(message, ErrorRead)
                return error_read if isinstance(error_read, Problem) else messages.problem_of_error(error_read)

    async def close(self) -> None:
        """An orderly goodbye; bounded by the library's own close timeout."""
        await self._connection.close()


async def dial(case: Case) -> list[Check]:
    """The line `websocket`: the agent's own client, with the agent's own settings."""
    assert case.identity is not None
    try:
        dialler = Dialler(case.options.url, tls=case.tls, user_agent=USER_AGENT, open_s=case.timeout_s * 2)
    except Refused as refused:
        return [failed("websocket", refused.problem)]
    opened = await dialler.dial()
    if isinstance(opened, Problem):
        return [failed("websocket", opened)]
    case.talk = Conversation(opened, case.identity, limit_s=case.timeout_s * 2)
    assert opened.response is not None
    attempt = opened.response.headers.get(ATTEMPT_HEADER)
    case.attempt = printable(attempt, 64) if attempt else case.attempt
    return [passed("websocket", "the agent's own client is connected", {"attempt": case.attempt})]


async def ask_challenge(case: Case) -> list[Check]:
    """The line `init`: step 1 of a registration, and what its challenge looks like."""
    talk, options = case.talk, case.options
    assert talk is not None
    profile = Init(
        host_id=talk.identity.host_id, agent_pubkey=talk.identity.signer.public_key, org_id=options.org_id,
        agent_version=f"doctor {version()}", enrolment_token=options.enrolment_token,
    )  # fmt: skip
    answer = await talk.ask("request", messages.INIT, profile)
    if isinstance(answer, Problem):
        if answer.code in _CREDENTIAL_CODES and options.enrolment_token is None:
            because = "the gateway wants an enrolment token first; give one with --enrolment-token-file"
            return [skipped("init", f"{because}: {answer.why}", {"code": answer.code})]
        return [failed("init", answer)]
    challenge = messages.read_payload(answer, ChallengeRead)
    if isinstance(challenge, Problem):
        return [failed("init", challenge)]
    theirs = messages.server_unix_s(challenge.server_time)
    if theirs is not None and case.clock_offset_s is None:
        case.clock_offset_s, case.clock_source = time.time() - theirs, "server_time of the challenge"
    evidence: dict[str, Fact] = {"registration_id": challenge.registration_id, "server_time": challenge.server_time}
    if wrong := messages.challenge_problem(challenge):
        return [failed("init", wrong, evidence)]
    talk.challenge = challenge
    return [passed("init", "the gateway answered with a challenge", evidence)]


async def sign(case: Case) -> list[Check]:
    """The line `signature`: made with the key, and verified here as the gateway will."""
    talk = case.talk
    if talk is None or talk.challenge is None:
        return [skipped("signature", "there is no challenge to sign")]
    challenge, signer = talk.challenge, talk.identity.signer
    text = registration_text(nonce=challenge.nonce, server_time=challenge.server_time, host_id=talk.identity.host_id)
    talk.signature = signer.sign(text)
    evidence: dict[str, Fact] = {"signed_bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    if not verifies(decode_base64(signer.public_key), text, decode_base64(talk.signature)):
        why = "the public key does not verify what the private key has signed"
        return [failed("signature", problem("SIG-OTHER-KEY", why=why), evidence)]
    return [passed("signature", "signed and verified on this host", evidence)]


async def register(case: Case) -> list[Check]:
    """The line `registration`: as a dry run, or for real where that was asked for."""
    talk, options = case.talk, case.options
    if talk is None or talk.challenge is None or not talk.signature:
        return [skipped("registration", "there is no challenge to answer")]
    if not options.register and not options.dry_run:
        return [skipped("registration", "--no-register was given")]
    if options.register and not talk.identity.own:
        return [skipped("registration", "--register needs the agent's own key: give --state-dir")]
    if options.register and (holder := _user(case)) is not None:
        return [skipped("registration", f"process {holder} runs with this key, and registering would cut it off")]
    payload = Complete(
        registration_id=talk.challenge.registration_id, host_id=talk.identity.host_id, signature=talk.signature
    )
    answer = await talk.ask("request", messages.COMPLETE, payload, None if options.register else dict(DRY_RUN))
    if isinstance(answer, Problem):
        return [failed("registration", answer)]
    standing = messages.read_payload(answer, Standing)
    if isinstance(standing, Problem):
        return [failed("registration", standing)]
    evidence: dict[str, Fact] = {"agent_uid": standing.agent_uid, "status": standing.status}
    if standing.status == VERIFIED:
        return [passed("registration", "the gateway verified the signature, and stored nothing", evidence)]
    talk.standing = standing
    if options.register:
        return [passed("registration", f"the agent is {printable(standing.status, 40)}", evidence)]
    why = f"this gateway knows no dry run: it registered {talk.identity.host_id} as {printable(standing.agent_uid, 60)}"
    return [warned("registration", f"{why}: remove it, and give --no-register next time", evidence)]


def _user(case: Case) -> int | None:
    folder = case.options.state_dir
    return None if folder is None else user_of(folder, case.surroundings.root)


async def beat(case: Case) -> list[Check]:
    """The line `heartbeat`; with it the conversation is over."""
    talk = case.talk
    if talk is None:
        return [skipped("heartbeat", "there is no connection")]
    try:
        return [await _beat(talk)]
    finally:
        await talk.close()


async def _beat(talk: Conversation) -> Check:
    if talk.standing is None:
        return skipped("heartbeat", "only a registered agent may send one, and nothing was registered")
    begun = time.perf_counter()
    answer = await talk.ask("heartbeat", messages.HEARTBEAT, None)
    if isinstance(answer, Problem):
        return failed("heartbeat", answer)
    took_ms = (time.perf_counter() - begun) * 1000
    return passed("heartbeat", f"acknowledged in {took_ms:.1f} ms", {"interval_s": talk.standing.heartbeat_interval})
