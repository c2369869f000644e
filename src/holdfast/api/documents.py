"""From the model to the documents of the REST API."""

from holdfast.api.bodies import (
    AgentBody,
    AgentsBody,
    AttemptBody,
    AttemptsBody,
    AuditBody,
    AuditsBody,
    EnrolmentTokenBody,
    TimelineBody,
    TokenBody,
)
from holdfast.model import (
    Agent,
    AgentPage,
    ApiToken,
    Attempt,
    AttemptPage,
    AuditPage,
    AuditRecord,
    EnrolmentToken,
    TimelineEntry,
)
from holdfast.protocol.times import rfc3339_millis


def time_or_none(unix_s: float | None) -> str | None:
    """RFC 3339, or null where it has not happened."""
    return None if unix_s is None else rfc3339_millis(unix_s)


def agent_body(agent: Agent) -> AgentBody:
    """The document for one agent."""
    return AgentBody(
        agent_uid=agent.agent_uid,
        org_id=agent.org_id,
        host_id=agent.host_id,
        status=agent.status,
        status_since=rfc3339_millis(agent.status_since),
        status_why=agent.status_why,
        admission=agent.admission.value,
        expected=agent.expected,
        public_key=agent.public_key,
        fingerprint=agent.fingerprint,
        machine_id_hash=agent.machine_id_hash,
        agent_version=agent.agent_version,
        capabilities=agent.capabilities,
        platform=agent.platform,
        network=agent.network,
        labels=agent.labels,
        note=agent.note,
        registered_at=time_or_none(agent.registered_at),
        last_seen=time_or_none(agent.last_seen),
        connected_since=time_or_none(agent.connected_since),
        remote_address=agent.remote_address,
        clock_offset_s=agent.clock_offset_s,
        heartbeat_interval=agent.heartbeat_interval_s,
        instance=agent.instance,
        boot_id=agent.boot_id,
        version=agent.version,
    )


def agents_body(page: AgentPage) -> AgentsBody:
    """The document for one page of agents."""
    return AgentsBody(
        agents=[agent_body(agent) for agent in page.agents],
        total=page.total,
        total_is_exact=page.total_is_exact,
        next_cursor=page.next_cursor,
    )


def _timeline_body(entry: TimelineEntry) -> TimelineBody:
    return TimelineBody(at=rfc3339_millis(entry.at), step=entry.step, ok=entry.ok, code=entry.code, fact=entry.fact)


def attempt_body(attempt: Attempt) -> AttemptBody:
    """The document for one attempt."""
    return AttemptBody(
        attempt=attempt.attempt,
        started_at=rfc3339_millis(attempt.started_at),
        ended_at=time_or_none(attempt.ended_at),
        open=attempt.ended_at is None,
        step=attempt.step.value,
        remote_address=attempt.remote_address,
        user_agent=attempt.user_agent,
        claimed_org_id=attempt.claimed_org_id,
        claimed_host_id=attempt.claimed_host_id,
        claimed_agent_uid=attempt.claimed_agent_uid,
        claimed_fingerprint=attempt.claimed_fingerprint,
        agent_uid=attempt.agent_uid,
        ended_how=attempt.ended_how,
        close_code=attempt.close_code,
        close_reason=attempt.close_reason,
        codes=list(attempt.codes),
        timeline=[_timeline_body(entry) for entry in attempt.timeline],
        bytes_in=attempt.bytes_in,
        bytes_out=attempt.bytes_out,
        messages_in=attempt.messages_in,
        profile=attempt.profile,
    )


def attempts_body(page: AttemptPage) -> AttemptsBody:
    """The document for one page of attempts."""
    return AttemptsBody(attempts=[attempt_body(attempt) for attempt in page.attempts], next_cursor=page.next_cursor)


def _audit_body(record: AuditRecord) -> AuditBody:
    return AuditBody(
        seq=record.seq,
        at=rfc3339_millis(record.at),
        actor=record.actor,
        action=record.action,
        subject=record.subject,
        detail=record.detail,
    )


def audits_body(page: AuditPage) -> AuditsBody:
    """The document for one page of the audit log."""
    return AuditsBody(records=[_audit_body(record) for record in page.records], next_cursor=page.next_cursor)


def token_body(token: ApiToken) -> TokenBody:
    """The document for one API token."""
    return TokenBody(
        token_id=token.token_id,
        name=token.name,
        role=token.role,
        created_at=rfc3339_millis(token.created_at),
        expires_at=time_or_none(token.expires_at),
        last_used_at=time_or_none(token.last_used_at),
        revoked_at=time_or_none(token.revoked_at),
    )


def enrolment_token_body(token: EnrolmentToken) -> EnrolmentTokenBody:
    """The document for one enrolment token."""
    return EnrolmentTokenBody(
        token_id=token.token_id,
        name=token.name,
        org_id=token.org_id,
        labels=token.labels,
        created_at=rfc3339_millis(token.created_at),
        expires_at=time_or_none(token.expires_at),
        max_uses=token.max_uses,
        uses=token.uses,
        revoked_at=time_or_none(token.revoked_at),
    )
