"""The registry: which agents there are, who may be one, and who is connected."""

import time
from collections.abc import Sequence
from typing import Final

import msgspec

from holdfast.bus import Bus
from holdfast.faults import Refused
from holdfast.model import (
    Admission,
    AdmissionChanged,
    Agent,
    AgentDeleted,
    AgentPage,
    AgentQuery,
    Attempt,
    AttemptPage,
    AttemptQuery,
    AuditPage,
    AuditQuery,
    DisconnectRequested,
    Identity,
    Registered,
    Registration,
    Signal,
    agent_uid,
)
from holdfast.registry import changes
from holdfast.registry.admission import UNKNOWN_TOKEN, RegistrationPolicy, check_token
from holdfast.registry.agent_minutes import AgentMinutes
from holdfast.registry.aggregates import Aggregates
from holdfast.registry.attempts import Attempts
from holdfast.registry.audit import SYSTEM, AuditLog
from holdfast.registry.clock import Clock
from holdfast.registry.counts import Counts
from holdfast.registry.enrolment import look_up_tokens
from holdfast.registry.enrolment_tokens import EnrolmentTokens
from holdfast.registry.expecting import expect
from holdfast.registry.findings import Findings
from holdfast.registry.identities import Identities
from holdfast.registry.listing import Listing
from holdfast.registry.nonces import Claim, NonceClaims, nonce_digest
from holdfast.registry.presence import PresenceBoard
from holdfast.registry.presence_rows import PresenceStatements
from holdfast.registry.registration import Admissions, entrant
from holdfast.registry.secret_text import read_enrolment_secret, secret_hash
from holdfast.registry.sessions import Sessions
from holdfast.registry.tokens import ApiTokens
from holdfast.registry.write_behind import WriteBehind
from holdfast.store import Store

HEARTBEAT_INTERVAL_S: Final = 20.0


class Registry:
    """Everything that is known of agents, on one store. To be used from one event loop.

    Every method that touches the store raises `Unavailable` (SRV-DB-DOWN, SRV-DISK-FULL) while the store is ill.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        *,
        policy: RegistrationPolicy | str = RegistrationPolicy.OPEN,
        node_id: str,
        heartbeat_interval_s: float = HEARTBEAT_INTERVAL_S,
        clock: Clock = time.time,
    ) -> None:
        self.policy = RegistrationPolicy(policy)
        self.presence = PresenceBoard(clock)
        self.tokens = ApiTokens(store, clock)
        self.enrolment_tokens = EnrolmentTokens(store, clock)
        self.sessions = Sessions(store, clock)
        self.audit = AuditLog(store)
        self.aggregates = Aggregates(store)
        self.agent_minutes = AgentMinutes(store)
        self.attempts = Attempts(store, clock, node=node_id)
        self.findings = Findings(store, clock, node=node_id)
        self._store = store
        self._bus = bus
        self._node_id = node_id
        self._heartbeat_interval_s = heartbeat_interval_s
        self._clock = clock
        self._admit = Admissions(self.policy, store.dialect)
        self._claim_nonces = NonceClaims(store.dialect)
        self._identify = Identities(heartbeat_interval_s)
        self._presence_statements = PresenceStatements(node_id)
        self._write_behind = WriteBehind(store, self.presence, self._presence_statements, self.tokens.write_uses)
        self._counts = Counts(store)

    async def start(self) -> None:
        """Put right what a crash of this node left behind, then begin to write presence."""
        now = self._clock()
        await self._store.write(lambda connection: self._presence_statements.end_what_a_crash_left(connection, now))
        await self.attempts.end_what_a_crash_left()
        self._write_behind.start()

    async def close(self) -> None:
        """Write what is unwritten. Agents still connected here are offline from now on: the gateway is gone."""
        self.presence.end_all(at=self._clock())
        await self._write_behind.close()
        await self._counts.close()

    async def register(self, registration: Registration) -> Registered:
        """Let an agent in, durably: when this returns, it is in the list, and its presence is online.

        If the connection ended meanwhile, tell `presence.disconnected` with the same attempt, before or after.

        Raises:
            Refused: ID-REVOKED, ID-TOKEN-INVALID, ID-TOKEN-EXPIRED, ID-TOKEN-EXHAUSTED or ID-WRONG-ORG.
            Unavailable: it is not known whether it was stored; registering again is harmless.
        """
        now = self._clock()
        ready = entrant(
            registration,
            token=self._token_hash(registration.enrolment_token),
            node=self._node_id,
            interval_s=self._heartbeat_interval_s,
            now=now,
        )
        registered = await self._store.commits.submit(self._admit, ready)
        self.presence.registered(
            registered.agent_uid, at=now, attempt=registration.attempt, remote_address=registration.remote_address
        )
        return registered

    async def check_enrolment(self, token: str | None, org_id: str, public_key: bytes | None = None) -> None:
        """Refuse early, before a challenge is made, what `register` would refuse for its token. Uses nothing up.

        With `public_key`, an agent that is known already needs no token.

        Raises:
            Refused: as `register`.
        """
        if self.policy is not RegistrationPolicy.TOKEN:
            return
        if public_key is not None:
            known = await self.identify("", public_key)
            if known is not None and known.org_id == org_id:
                return
        shown = self._token_hash(token)
        if isinstance(shown, str):
            found = await self._store.reads.submit(look_up_tokens, shown)
            check_token(found or UNKNOWN_TOKEN, org_id=org_id, now=self._clock())
        else:
            check_token(shown, org_id=org_id, now=self._clock())

    async def identify(self, agent_id: str, public_key: bytes) -> Identity | None:  # noqa: ARG002 - see below
        """Who holds this key; None where nobody does. Many at once share one read.

        The key alone decides. `agent_id` (a uid or host_id) is what the agent calls itself: compare it with the
        answer, whose host_id is the one it registered with.
        """
        return await self._store.reads.submit(self._identify, agent_uid(public_key))

    async def list_agents(self, query: AgentQuery | None = None) -> AgentPage:
        """One page of agents, with `last_seen` exact for those connected here.

        Raises:
            InvalidQuery: the sort, limit or cursor means nothing.
        """
        query = query or AgentQuery()
        listing, known_total = Listing(query), self._counts.fresh(query)
        page = await self._store.read(lambda connection: listing.page(connection, known_total))
        return self._with_newest_sightings(self._counts.complete(page, query))

    async def get_agent(self, uid_or_host_id: str) -> Agent | None:
        """One agent; where several share a host_id, the one that is online, else the one seen last."""
        return await self._store.read(lambda connection: changes.find(connection, uid_or_host_id))

    async def update_agent(
        self,
        uid: str,
        *,
        labels: dict[str, str] | None = None,
        note: str | None = None,
        version: int | None = None,
        actor: str = SYSTEM,
    ) -> Agent:
        """Replace labels or note, if the agent is still at `version` or none is given.

        Raises:
            NotFound: there is no such agent.
            Conflict: it is at another version.
            InvalidQuery: a label or the note is too long.
        """
        now = self._clock()
        return await self._store.write(
            lambda connection: changes.update(
                connection, uid, labels=labels, note=note, version=version, actor=actor, at=now
            )
        )

    async def approve(self, uid: str, actor: str = SYSTEM) -> Agent:
        """Let a pending or revoked agent take part."""
        return await self._set_admission(uid, Admission.APPROVED, actor=actor, reason="")

    async def revoke(self, uid: str, actor: str = SYSTEM, reason: str = "") -> Agent:
        """Keep an agent out until it is approved again."""
        return await self._set_admission(uid, Admission.REVOKED, actor=actor, reason=reason)

    async def request_disconnect(self, uid: str, actor: str = SYSTEM, reason: str = "") -> None:
        """Have the agent's connection ended, wherever it is; it may come back."""
        now = self._clock()
        said = reason or f"asked for by {actor}"
        await self._store.write(
            lambda connection: changes.request_disconnect(connection, uid, actor=actor, reason=said, at=now)
        )
        self._bus.publish(DisconnectRequested(agent_uid=uid, reason=said, at=now))

    async def delete_agent(self, uid: str, actor: str = SYSTEM) -> None:
        """Forget an agent; its connection is ended, and its key may register again."""
        now = self._clock()
        await self._store.write(lambda connection: changes.delete(connection, uid, actor=actor, at=now))
        self._bus.publish(AgentDeleted(agent_uid=uid, reason=f"deleted by {actor}", at=now))

    async def expect_host(
        self,
        org_id: str,
        host_id: str,
        *,
        labels: dict[str, str] | None = None,
        note: str = "",
        actor: str = SYSTEM,
    ) -> Agent:
        """Announce a host that is to connect; listed as never-connected until it does."""
        now = self._clock()
        return await self._store.write(
            lambda connection: expect(connection, org_id, host_id, labels=labels or {}, note=note, actor=actor, at=now)
        )

    async def changes_since(self, since: float) -> list[Signal]:
        """What gateways have to act on from `since` (Unix seconds) on; ask with some seconds of overlap.

        A signal carries the time at which its change began, which may be a little before others could read it.
        """
        return await self._store.read(lambda connection: changes.changes_since(connection, since))

    async def save_attempts(self, saved: Sequence[Attempt]) -> None:
        """Store connection attempts, new or changed."""
        await self.attempts.save(saved)

    async def list_attempts(self, query: AttemptQuery | None = None) -> AttemptPage:
        """One page of connection attempts, the newest first."""
        return await self.attempts.list(query or AttemptQuery())

    async def get_attempt(self, attempt: str) -> Attempt | None:
        """One connection attempt."""
        return await self.attempts.get(attempt)

    async def list_audit(self, query: AuditQuery | None = None) -> AuditPage:
        """One page of the audit log, the newest first."""
        return await self.audit.list(query or AuditQuery())

    async def claim_nonce(self, public_key: bytes, nonce: str, *, expires_at: float) -> bool:
        """Whether this key uses `nonce` for the first time, on any gateway; remembered until `expires_at`.

        Durable before it returns, so that a replay is seen after a restart, too. Many at once share one transaction.
        """
        claim = Claim(digest=nonce_digest(public_key, nonce), expires_at=expires_at, now=self._clock())
        return await self._store.commits.submit(self._claim_nonces, claim)

    async def flush(self) -> None:
        """Write presence now instead of within its half second."""
        await self._write_behind.flush()

    async def _set_admission(self, uid: str, admission: Admission, *, actor: str, reason: str) -> Agent:
        now = self._clock()
        agent = await self._store.write(
            lambda connection: changes.set_admission(connection, uid, admission, actor=actor, reason=reason, at=now)
        )
        # After the commit: a subscriber reads the row as soon as it hears of it.
        self._bus.publish(AdmissionChanged(agent_uid=uid, admission=admission, reason=reason, at=now))
        return agent

    def _with_newest_sightings(self, page: AgentPage) -> AgentPage:
        agents = tuple(
            msgspec.structs.replace(agent, last_seen=seen)
            if (seen := self.presence.last_seen(agent.agent_uid)) is not None and seen > (agent.last_seen or 0)
            else agent
            for agent in page.agents
        )
        return msgspec.structs.replace(page, agents=agents)

    def _token_hash(self, shown: str | None) -> str | Refused | None:
        if shown is None or self.policy is not RegistrationPolicy.TOKEN:
            return None
        try:
            return secret_hash(read_enrolment_secret(shown))
        except Refused as refusal:
            return refusal
