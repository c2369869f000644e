"""An agent as it is shown, and as it asks to be let in."""

from typing import Any

import msgspec

from holdfast.model.status import Admission, Status

JsonValue = Any
"""Whatever JSON a peer sent; kept and shown as it came, never interpreted."""


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """One agent of the registry. Times are Unix seconds, UTC; None where it has not happened yet.

    `expected` marks a host that an operator announced and that has shown no key so far: its `public_key` and
    `fingerprint` are empty. `version` counts the changes that operators made and guards their next one.
    """

    agent_uid: str
    org_id: str
    host_id: str
    public_key: str
    fingerprint: str
    machine_id_hash: str | None = None
    agent_version: str | None = None
    capabilities: JsonValue = None
    platform: JsonValue = None
    network: JsonValue = None
    labels: dict[str, str] = {}
    note: str = ""
    registered_at: float | None = None
    last_seen: float | None = None
    connected_since: float | None = None
    remote_address: str | None = None
    clock_offset_s: float | None = None
    heartbeat_interval_s: float | None = None
    status: Status
    status_since: float
    status_why: str
    admission: Admission
    expected: bool = False
    instance: str | None = None
    boot_id: str | None = None
    version: int = 1


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent claims in its init, after the protocol has checked its form and its signature has proved the key.

    `public_key` is the raw 32 bytes. `attempt` names the connection that asks.
    """

    org_id: str
    host_id: str
    public_key: bytes
    attempt: str
    machine_id_hash: str | None = None
    agent_version: str | None = None
    capabilities: JsonValue = None
    platform: JsonValue = None
    network: JsonValue = None
    labels: dict[str, str] = {}
    instance: str | None = None
    boot_id: str | None = None
    enrolment_token: str | None = None
    remote_address: str | None = None


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A registration that is durable.

    `other_keys` are the uids of other agents that use the same org and host_id (the newest first, at most 20);
    `previous_host_id` is set when this key was known under another host_id until now.
    """

    agent_uid: str
    admission: Admission
    first_time: bool
    heartbeat_interval_s: float
    other_keys: tuple[str, ...] = ()
    previous_host_id: str | None = None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a known key."""

    agent_uid: str
    org_id: str
    host_id: str
    admission: Admission
    heartbeat_interval_s: float


class AgentQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which agents to list. Every filter that is set must hold; an absent one asks nothing.

    `labels` maps a key to the value wanted, or to None where any value will do. `platform` is the operating system's
    name. `q` is found anywhere in host_id, uid, fingerprint, address, version, note or labels. `sort` is one of
    registered_at, host_id, last_seen, status and version, with `-` in front for the other direction.
    """

    status: tuple[Status, ...] = ()
    labels: dict[str, str | None] = {}
    org_id: str | None = None
    host_id: str | None = None
    version: str | None = None
    platform: str | None = None
    q: str | None = None
    sort: str = "registered_at"
    cursor: str | None = None
    limit: int = 50


class AgentPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of agents. `next_cursor` is None on the last page.

    `total` counts all agents that match, exactly up to 10 000; beyond that it may be some seconds old, and
    `total_is_exact` says so.
    """

    agents: tuple[Agent, ...]
    total: int
    total_is_exact: bool
    next_cursor: str | None
