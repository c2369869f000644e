"""The gateway's questions about signatures, carried to the diagnosis: neither knows the other."""

import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.search import SignatureExplainer
from holdfast.faults import HoldfastError
from holdfast.gateway import Explained, FailedProof
from holdfast.model import AgentQuery
from holdfast.registry import Registry

MAX_HOST_KEYS: Final = 4  # fault catalogue, 3.1, step 7


@asynccontextmanager
async def signature_explainer() -> AsyncIterator["Explaining"]:
    """An explainer without a registry, for test stands."""
    async with SignatureExplainer() as explainer:
        yield Explaining(explainer)


class Explaining:
    """The gateway's explainer: hands a failed proof to the signature search and returns what the agent may know."""

    def __init__(self, explainer: SignatureExplainer, registry: Registry | None = None) -> None:
        self._explainer = explainer
        self._registry = registry

    async def __call__(self, proof: FailedProof) -> Explained:
        failed = FailedSignature(
            nonce=proof.nonce,
            server_time=proof.server_time,
            host_id=proof.completed_host_id,
            init_host_id=proof.host_id,
            registration_id=proof.registration_id,
            org_id=proof.org_id,
            public_key=proof.public_key,
            signature=proof.signature,
            arrived_at=proof.at,
            response_payload=proof.challenge_payload,
            complete_payload=proof.complete_payload,
            decodes_nonce=proof.decodes_nonce,
            host_keys=await self._keys_of_host(proof),
            peer=proof.peer.rpartition(":")[0],
        )
        found = await self._explainer.explain(failed, now=time.monotonic())
        return Explained(problem=found.problem(), operator=found.operator)

    async def _keys_of_host(self, proof: FailedProof) -> tuple[bytes, ...]:
        """Other keys registered under this very host and organisation; no other record is ever tried."""
        if self._registry is None:
            return ()
        query = AgentQuery(org_id=proof.org_id, host_id=proof.host_id, sort="-last_seen", limit=MAX_HOST_KEYS + 1)
        try:
            page = await self._registry.list_agents(query)
        except HoldfastError:
            return ()  # the explanation is worth having without them
        keys = (base64.b64decode(agent.public_key) for agent in page.agents if agent.public_key)
        return tuple(key for key in keys if key != proof.public_key)[:MAX_HOST_KEYS]
