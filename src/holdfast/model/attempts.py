"""One connection's story, kept also for peers that never registered."""

from enum import StrEnum

import msgspec


class Step(StrEnum):
    """How far a connection came, in the order in which an agent gets there."""

    TCP = "tcp"
    TLS = "tls"
    UPGRADE = "upgrade"
    FIRST_MESSAGE = "first-message"
    INIT = "init"
    CHALLENGE = "challenge"
    SIGNATURE = "signature"
    REGISTERED = "registered"
    FIRST_HEARTBEAT = "first-heartbeat"


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened on a connection. `at` is Unix seconds; `fact` is safe to show."""

    at: float
    step: str
    ok: bool = True
    code: str | None = None
    fact: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One connection, from its first byte to its end.

    What starts with `claimed_` is what the peer said; `agent_uid` is set only where a signature proved it. An attempt
    without `ended_at` is open.
    """

    attempt: str
    started_at: float
    ended_at: float | None = None
    remote_address: str | None = None
    user_agent: str | None = None
    claimed_org_id: str | None = None
    claimed_host_id: str | None = None
    claimed_agent_uid: str | None = None
    claimed_fingerprint: str | None = None
    agent_uid: str | None = None
    step: Step = Step.TCP
    ended_how: str | None = None
    close_code: int | None = None
    close_reason: str | None = None
    codes: tuple[str, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    bytes_in: int = 0
    bytes_out: int = 0
    messages_in: int = 0
    profile: str | None = None

    @property
    def identity(self) -> str:
        """Who this attempt counts as when attempts are pruned: what was proved, else claimed, else the address."""
        if self.agent_uid:
            return f"uid {self.agent_uid}"
        if self.claimed_host_id:
            return f"host {self.claimed_org_id or ''} {self.claimed_host_id}"
        if self.claimed_agent_uid:
            return f"claimed {self.claimed_agent_uid}"
        return f"address {self.remote_address or ''}"


class AttemptQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which attempts to list, the newest first. `open` asks for live (True) or ended (False) ones.

    `failed` asks for those on which something was wrong, or that have not registered (True), or for all others.
    """

    open: bool | None = None
    failed: bool | None = None
    host_id: str | None = None
    agent_uid: str | None = None
    code: str | None = None
    step: Step | None = None
    address: str | None = None
    cursor: str | None = None
    limit: int = 50


class AttemptPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of attempts. `next_cursor` is None on the last page."""

    attempts: tuple[Attempt, ...]
    next_cursor: str | None
