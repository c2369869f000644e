"""The documents of the REST API: times as RFC 3339 in UTC, secrets only when they are new."""

from typing import Literal

import msgspec

from holdfast.model import JsonValue, Role, Status


class AgentBody(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. `version` is also its ETag; send it as If-Match to change only what you have read."""

    agent_uid: str
    org_id: str
    host_id: str
    status: Status
    status_since: str
    status_why: str
    admission: str
    expected: bool
    public_key: str
    fingerprint: str
    machine_id_hash: str | None
    agent_version: str | None
    capabilities: JsonValue
    platform: JsonValue
    network: JsonValue
    labels: dict[str, str]
    note: str
    registered_at: str | None
    last_seen: str | None
    connected_since: str | None
    remote_address: str | None
    clock_offset_s: float | None
    heartbeat_interval: float | None
    instance: str | None
    boot_id: str | None
    version: int


class AgentsBody(msgspec.Struct, frozen=True, kw_only=True):
    """One page of agents. `total` counts all that match the filters; `next_cursor` is null on the last page."""

    agents: list[AgentBody]
    total: int
    total_is_exact: bool
    next_cursor: str | None


class TimelineBody(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened on a connection."""

    at: str
    step: str
    ok: bool
    code: str | None
    fact: str


class AttemptBody(msgspec.Struct, frozen=True, kw_only=True):
    """One connection. What starts with `claimed_` is what the peer said; `agent_uid` was proved by a signature."""

    attempt: str
    started_at: str
    ended_at: str | None
    open: bool
    step: str
    remote_address: str | None
    user_agent: str | None
    claimed_org_id: str | None
    claimed_host_id: str | None
    claimed_agent_uid: str | None
    claimed_fingerprint: str | None
    agent_uid: str | None
    ended_how: str | None
    close_code: int | None
    close_reason: str | None
    codes: list[str]
    timeline: list[TimelineBody]
    bytes_in: int
    bytes_out: int
    messages_in: int
    profile: str | None


class AttemptsBody(msgspec.Struct, frozen=True, kw_only=True):
    """One page of attempts, the newest first."""

    attempts: list[AttemptBody]
    next_cursor: str | None


class AuditBody(msgspec.Struct, frozen=True, kw_only=True):
    """One change: who, what, to whom, and what was different afterwards."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: dict[str, JsonValue]


class AuditsBody(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the audit log, the newest first."""

    records: list[AuditBody]
    next_cursor: str | None


class TokenBody(msgspec.Struct, frozen=True, kw_only=True):
    """An API token without its secret."""

    token_id: str
    name: str
    role: Role
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class TokensBody(msgspec.Struct, frozen=True, kw_only=True):
    """All API tokens."""

    tokens: list[TokenBody]


class IssuedTokenBody(msgspec.Struct, frozen=True, kw_only=True):
    """A new API token with its secret: the only time that it is shown."""

    secret: str
    token: TokenBody


class EnrolmentTokenBody(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment token without its secret."""

    token_id: str
    name: str
    org_id: str | None
    labels: dict[str, str]
    created_at: str
    expires_at: str | None
    max_uses: int | None
    uses: int
    revoked_at: str | None


class EnrolmentTokensBody(msgspec.Struct, frozen=True, kw_only=True):
    """All enrolment tokens."""

    enrolment_tokens: list[EnrolmentTokenBody]


class IssuedEnrolmentTokenBody(msgspec.Struct, frozen=True, kw_only=True):
    """A new enrolment token with its secret: the only time that it is shown."""

    secret: str
    token: EnrolmentTokenBody


class HealthBody(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers. Whether it can also do its work is told by /readyz."""

    status: Literal["ok"]
    service: Literal["actions-api"]
    version: str
    uptime_s: float
    timestamp: str


class CheckBody(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the service stands on, tested a moment ago."""

    ok: bool
    took_ms: float
    code: str | None = None
    why: str | None = None


class ReadyBody(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service can do its work, and who may register: `unknown` where gateways elsewhere decide that."""

    status: Literal["ready"]
    service: Literal["actions-api"]
    registration: str
    checks: dict[str, CheckBody]
