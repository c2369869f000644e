"""What lets a person or program use the API, and what lets an agent in."""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What the holder of an API token may do: read, act on agents, or everything. Each includes the one before."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what `other` may do."""
        order = tuple(Role)
        return order.index(self) >= order.index(other)


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """An API token as it is known after its creation: without its secret, of which only a SHA-256 is kept."""

    token_id: str
    name: str
    role: Role
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None
    revoked_at: float | None = None


class EnrolmentToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that lets agents register. `org_id` None admits to any org; `max_uses` None is without a limit.

    `labels` are given to every agent that it lets in.
    """

    token_id: str
    name: str
    created_at: float
    org_id: str | None = None
    labels: dict[str, str] = {}
    expires_at: float | None = None
    max_uses: int | None = None
    uses: int = 0
    revoked_at: float | None = None


class IssuedApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new API token with its secret: the only time that it can be shown."""

    secret: str
    token: ApiToken


class IssuedEnrolmentToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new enrolment token with its secret: the only time that it can be shown."""

    secret: str
    token: EnrolmentToken
