"""What the engine hands out: the only way in which anything learns of its conclusions."""

import msgspec

from holdfast.model import Condition
from holdfast.model.findings import Finding, KeptFinding


class FindingTold(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it is now. `change` is opened, reopened, updated or resolved."""

    change: str
    kept: KeptFinding

    @property
    def finding(self) -> Finding:
        """The finding itself."""
        return self.kept.finding


class ConditionJudged(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be thought of an agent from now on; None takes it back."""

    agent_uid: str
    condition: Condition | None
    why: str
    at: float


class HeartbeatAdvised(msgspec.Struct, frozen=True, kw_only=True):
    """This agent's path forgets quiet connections: a heartbeat every `interval_s` seconds keeps it alive."""

    agent_uid: str
    interval_s: float
    finding_id: str


Change = FindingTold | ConditionJudged | HeartbeatAdvised
