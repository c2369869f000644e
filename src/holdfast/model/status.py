"""What is true of an agent, and how the one word `status` follows from it.

Three independent facts are stored: whether it may take part (`Admission`), whether it is connected (`Presence`) and
what diagnosis thinks of it (`Condition`). `status` is derived from them by one rule, written here for Python and in
`holdfast.store.tables` as a generated column; a test holds the two together.
"""

from enum import StrEnum
from typing import Final

import msgspec


class Admission(StrEnum):
    """Whether the agent may take part. Changed by operators and by the registration policy only."""

    PENDING = "pending"
    APPROVED = "approved"
    REVOKED = "revoked"


class Presence(StrEnum):
    """Whether the agent is connected. Changed by the gateway that holds the connection only."""

    NEVER_CONNECTED = "never-connected"
    ONLINE = "online"
    OFFLINE = "offline"


class Condition(StrEnum):
    """What diagnosis has found about the agent; normally nothing."""

    DEGRADED = "degraded"
    FLAPPING = "flapping"
    DUPLICATE = "duplicate"


class Status(StrEnum):
    """The one word an agent is shown with."""

    NEVER_CONNECTED = "never-connected"
    PENDING = "pending"
    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    FLAPPING = "flapping"
    DUPLICATE = "duplicate"
    REVOKED = "revoked"


class Cause(msgspec.Struct, frozen=True):
    """Since when something holds (Unix seconds) and why, in a sentence a person can read."""

    since: float
    why: str


_BY_ADMISSION: Final = frozenset({Status.REVOKED, Status.PENDING})
_BY_CONDITION: Final = frozenset({Status.DUPLICATE, Status.FLAPPING, Status.DEGRADED})


def derive_status(admission: Admission, presence: Presence, condition: Condition | None) -> Status:
    """revoked > pending > duplicate > flapping > degraded (only while online) > presence."""
    if admission is Admission.REVOKED:
        return Status.REVOKED
    if admission is Admission.PENDING:
        return Status.PENDING
    if condition is Condition.DUPLICATE:
        return Status.DUPLICATE
    if condition is Condition.FLAPPING:
        return Status.FLAPPING
    if condition is Condition.DEGRADED and presence is Presence.ONLINE:
        return Status.DEGRADED
    return Status(presence.value)


def winning_cause(status: Status, *, admission: Cause, presence: Cause, condition: Cause | None) -> Cause:
    """Since when and why `status` holds: the cause of the fact that `derive_status` let win."""
    if status in _BY_ADMISSION:
        return admission
    if status in _BY_CONDITION and condition is not None:
        return condition
    return presence
