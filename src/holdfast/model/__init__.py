"""What Holdfast knows: frozen structs without behaviour, shared by every part of the control plane.

All times are Unix seconds (UTC) as floats.
"""

from holdfast.model.agents import Agent, AgentPage, AgentQuery, Identity, JsonValue, Registered, Registration
from holdfast.model.attempts import Attempt, AttemptPage, AttemptQuery, Step, TimelineEntry
from holdfast.model.audit import AuditPage, AuditQuery, AuditRecord
from holdfast.model.identity import agent_uid, expected_uid, fingerprint
from holdfast.model.signals import AdmissionChanged, AgentDeleted, DisconnectRequested, Signal
from holdfast.model.status import Admission, Cause, Condition, Presence, Status, derive_status, winning_cause
from holdfast.model.tokens import ApiToken, EnrolmentToken, IssuedApiToken, IssuedEnrolmentToken, Role

__all__ = [
    "Admission",
    "AdmissionChanged",
    "Agent",
    "AgentDeleted",
    "AgentPage",
    "AgentQuery",
    "ApiToken",
    "Attempt",
    "AttemptPage",
    "AttemptQuery",
    "AuditPage",
    "AuditQuery",
    "AuditRecord",
    "Cause",
    "Condition",
    "DisconnectRequested",
    "EnrolmentToken",
    "Identity",
    "IssuedApiToken",
    "IssuedEnrolmentToken",
    "JsonValue",
    "Presence",
    "Registered",
    "Registration",
    "Role",
    "Signal",
    "Status",
    "Step",
    "TimelineEntry",
    "agent_uid",
    "derive_status",
    "expected_uid",
    "fingerprint",
    "winning_cause",
]
