"""Which agents there are, who may be one, and who is connected."""

from holdfast.model import (
    AgentPage,
    AgentQuery,
    AttemptPage,
    AttemptQuery,
    AuditPage,
    AuditQuery,
    Identity,
    IssuedApiToken,
    IssuedEnrolmentToken,
    Registered,
    Registration,
)
from holdfast.registry.admission import RegistrationPolicy
from holdfast.registry.enrolment_tokens import EnrolmentTokens
from holdfast.registry.ledger import Ledger
from holdfast.registry.presence import PresenceBoard
from holdfast.registry.refusals import Conflict, InvalidQuery, NotFound
from holdfast.registry.registry import Registry
from holdfast.registry.tokens import ApiTokens

__all__ = [
    "AgentPage",
    "AgentQuery",
    "ApiTokens",
    "AttemptPage",
    "AttemptQuery",
    "AuditPage",
    "AuditQuery",
    "Conflict",
    "EnrolmentTokens",
    "Identity",
    "InvalidQuery",
    "IssuedApiToken",
    "IssuedEnrolmentToken",
    "Ledger",
    "NotFound",
    "PresenceBoard",
    "Registered",
    "Registration",
    "RegistrationPolicy",
    "Registry",
]
