"""What the cores ask, answered by the registry: admission, registration, identification, explanation."""

import asyncio
import base64
import os
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from holdfast.faults import HoldfastError, Problem, problem
from holdfast.gateway.effects import Admit, Effect, Explain, Explained, FailedProof, Identify, Register
from holdfast.gateway.rates import AddressBuckets
from holdfast.gateway.settings import Limits
from holdfast.model import Registration
from holdfast.protocol.closes import CloseCode
from holdfast.protocol.signature_shape import parse_signature
from holdfast.registry import RegistrationPolicy, Registry

if TYPE_CHECKING:
    from holdfast.gateway.server import Gateway
    from holdfast.gateway.socket import AgentSocket

log = structlog.get_logger()

Explainer = Callable[[FailedProof], Awaitable[Explained]]


async def unexplained(proof: FailedProof) -> Explained:
    """The explainer of a gateway that has none: it names a wrong encoding, else that the signature does not verify."""
    read = parse_signature(proof.signature)
    if isinstance(read, Problem):
        return Explained(problem=read)
    why = "the signature does not verify over nonce + server_time + host_id"
    return Explained(problem=problem("SIG-UNEXPLAINED", why=why))


class Answering:
    """Performs asking effects. Every call ends in exactly one answer to the socket that asked."""

    def __init__(self, gateway: "Gateway", registry: Registry, limits: Limits, explain: Explainer) -> None:
        self._gateway = gateway
        self._registry = registry
        self._limits = limits
        self._explain_proof = explain
        self._rates = AddressBuckets(rate=limits.registrations_per_s, burst=limits.registration_burst)
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, sock: "AgentSocket", effect: Effect) -> None:
        """Start answering; the answer comes through `sock.answered`."""
        match effect:
            case Admit():
                self._admit(sock, effect.registration)
            case Register():
                self._spawn(sock, self._register(sock, effect))
            case Identify():
                self._spawn(sock, self._identify(sock, effect))
            case Explain():
                self._spawn(sock, self._explain(sock, effect))
            case _:
                raise AssertionError(f"{effect!r} asks nothing")

    def _spawn(self, sock: "AgentSocket", work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(sock, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, sock: "AgentSocket", work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception:  # a bug of ours: without an answer the connection would wait for ever
            log.exception("gateway.answer_failed", attempt=sock.attempt, code="LIFE-INTERNAL-1011")
            assert sock.core is not None
            _, wall = self._gateway.now()
            ours = problem("LIFE-INTERNAL-1011", why=f"an error of ours; our log has it under {sock.attempt}")
            sock.answered(sock.core.on_dismissed(ours, CloseCode.INTERNAL, wall=wall))

    async def stop(self) -> None:
        """Wait for what is being answered: a registration that was asked for is stored, and confirmed if it can be."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _admit(self, sock: "AgentSocket", claim: Registration) -> None:
        mono, _ = self._gateway.now()
        if wait_s := self._rates.take(sock.address, mono):
            why = f"more than {self._limits.registrations_per_s:g} registrations/s came from {sock.address}"
            self._refused(sock, problem("RATE-LIMITED", why=why, retry_after_s=round(wait_s, 2)))
        elif self._registry.policy is RegistrationPolicy.TOKEN:
            self._spawn(sock, self._admit_by_token(sock, claim))
        else:
            self._challenge(sock)

    async def _admit_by_token(self, sock: "AgentSocket", claim: Registration) -> None:
        try:
            await self._registry.check_enrolment(claim.enrolment_token, claim.org_id, claim.public_key)
        except HoldfastError as error:
            self._refused(sock, error.problem)
        else:
            self._challenge(sock)

    def _challenge(self, sock: "AgentSocket") -> None:
        assert sock.core is not None
        mono, wall = self._gateway.now()
        nonce = base64.b64encode(os.urandom(32)).decode()
        answer = sock.core.on_admitted(registration_id=str(uuid.uuid4()), nonce=nonce, mono=mono, wall=wall)
        sock.answered(answer)
        self._gateway.wheel.schedule(sock, sock.core.watch.wake_at)

    async def _register(self, sock: "AgentSocket", effect: Register) -> None:
        try:
            registered = await self._registry.register(effect.registration)
        except HoldfastError as error:
            self._refused(sock, error.problem)
            return
        assert sock.core is not None
        _, wall = self._gateway.now()
        answer = sock.core.on_registered(registered, wall=wall)
        self._gateway.bind(sock, registered.agent_uid, wall)
        sock.answered(answer)

    async def _identify(self, sock: "AgentSocket", effect: Identify) -> None:
        nonce = effect.nonce
        try:
            if nonce is not None and not await self._registry.claim_nonce(
                effect.public_key, nonce, expires_at=effect.nonce_expires_at
            ):
                self._refused(sock, problem("CLK-REPLAY", why="this key used the same nonce before"))
                return
            identity = await self._registry.identify(effect.agent_id, effect.public_key)
        except HoldfastError as error:
            self._refused(sock, error.problem)
            return
        assert sock.core is not None
        _, wall = self._gateway.now()
        answer = sock.core.on_identified(identity, wall=wall)
        if sock.core.session.confirmed and identity is not None:
            self._gateway.bind(sock, identity.agent_uid, wall)
        sock.answered(answer)

    async def _explain(self, sock: "AgentSocket", effect: Explain) -> None:
        explained = await self._explain_proof(effect.proof)
        self._refused(sock, explained.problem, explained.operator)

    def _refused(self, sock: "AgentSocket", wrong: Problem, operator: Mapping[str, str] = MappingProxyType({})) -> None:
        assert sock.core is not None
        _, wall = self._gateway.now()
        sock.answered(sock.core.on_refused(wrong, wall=wall, operator=operator))
