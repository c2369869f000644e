"""What gateways have to hear about when somebody changes an agent elsewhere."""

import msgspec

from holdfast.model.status import Admission


class AdmissionChanged(msgspec.Struct, frozen=True, kw_only=True, tag="admission-changed"):
    """An agent was approved or revoked; `reason` is what the operator gave."""

    agent_uid: str
    admission: Admission
    reason: str = ""
    at: float = 0.0


class DisconnectRequested(msgspec.Struct, frozen=True, kw_only=True, tag="disconnect-requested"):
    """Somebody wants this agent's connection ended, now; it may come back."""

    agent_uid: str
    reason: str
    at: float = 0.0


class AgentDeleted(msgspec.Struct, frozen=True, kw_only=True, tag="agent-deleted"):
    """The agent's row is gone: a live connection is to be ended, and the agent has to register again."""

    agent_uid: str
    reason: str = ""
    at: float = 0.0


Signal = AdmissionChanged | DisconnectRequested | AgentDeleted
