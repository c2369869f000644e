"""What is known of one connection: shared by the steps of registration, of resuming, and by the connection itself."""

from collections.abc import Mapping
from types import MappingProxyType

from holdfast.faults import Problem
from holdfast.gateway.answers import Answers
from holdfast.gateway.challenges import Challenges
from holdfast.gateway.compat import Profile
from holdfast.gateway.effects import Effect, Record, Send
from holdfast.gateway.moves import State
from holdfast.gateway.settings import GatewaySettings
from holdfast.gateway.watch import Watch
from holdfast.model import Admission, Registration, Step
from holdfast.model.events import Event, EventKind, Fact
from holdfast.protocol.envelope import Envelope
from holdfast.protocol.malformed import Origin
from holdfast.protocol.payloads import Challenge

HEARTBEAT_SHARE = 3  # heartbeats come at least three times within the time after which we call a connection dead


class Session:
    """State of one connection. `host_id` and `org_id` are claims until `agent_uid` is set."""

    __slots__ = (
        "agent_uid", "agent_version", "answers", "asked", "boot_id", "challenge", "challenges", "claim", "confirmed",
        "described", "heartbeat_s", "host_id", "instance", "org_id", "own_nonce", "peer", "pending", "settings",
        "state", "watch",
    )  # fmt: skip

    def __init__(
        self, *, attempt: str, peer: str, nonce: str, profile: Profile, settings: GatewaySettings,
        challenges: Challenges, mono: float, claimed_host: str | None,
    ) -> None:  # fmt: skip
        self.answers = Answers(attempt, profile)
        self.own_nonce = nonce
        self.settings = settings
        self.challenges = challenges
        self.peer = peer
        self.watch = Watch(mono, settings)
        self.state = State.HELLO
        self.agent_uid: str | None = None
        self.host_id = claimed_host
        self.org_id: str | None = None
        self.pending = False
        self.instance: str | None = None
        self.boot_id: str | None = None
        self.agent_version: str | None = None
        self.heartbeat_s = min(settings.heartbeat_interval_s, settings.dead_after_s / HEARTBEAT_SHARE)
        self.described: str | None = None  # the payload of an init that is too large to keep as objects
        self.claim: Registration | None = None  # the last init that was well-formed
        self.challenge: Challenge | None = None  # out, and not answered yet
        self.asked: Envelope | None = None  # the request that an asking effect will answer
        self.confirmed = False

    @property
    def attempt(self) -> str:
        """The id that names this connection in every log line, error, close, finding and API answer."""
        return self.answers.attempt

    def settle(self, agent_uid: str, *, org_id: str, host_id: str, admission: Admission, heartbeat_s: float) -> None:
        """A key was proved: from here on the connection is that agent's."""
        self.agent_uid, self.org_id, self.host_id = agent_uid, org_id, host_id
        self.pending = admission is Admission.PENDING
        self.heartbeat_s = min(heartbeat_s, self.settings.dead_after_s / HEARTBEAT_SHARE)
        self.watch.registered = True
        self.watch.heartbeat_s = max(self.heartbeat_s, self.answers.profile.heartbeat_s)
        self.watch.challenge_until = 0.0
        self.confirmed = True
        self.claim = self.asked = self.described = None

    def record(self, kind: EventKind, wall: float, *, step: Step | None = None, **facts: Fact) -> Record:
        """An event of this connection."""
        return Record(
            Event(
                at=wall, kind=kind, attempt=self.attempt, step=step, peer=self.peer, org_id=self.org_id,
                host_id=self.host_id, agent_uid=self.agent_uid, facts=facts,
            )
        )  # fmt: skip

    def refuse(
        self,
        problem: Problem,
        wall: float,
        asked: Envelope | Origin | None = None,
        operator: Mapping[str, str] = MappingProxyType({}),
    ) -> list[Effect]:
        """Tell the agent and the record what was wrong; nothing else changes. `operator` goes to the record alone."""
        channel = asked.channel if asked is not None else "error"
        frame = self.answers.error(problem, wall, channel=channel, reply_to=asked.id if asked is not None else None)
        event = Event(
            at=wall, kind=EventKind.REFUSED, attempt=self.attempt, code=problem.code, peer=self.peer,
            org_id=self.org_id, host_id=self.host_id, agent_uid=self.agent_uid,
            facts={
                "what": problem.what, "why": problem.why, "fix": problem.fix, "field": problem.field,
                "channel": channel[:64], "retry_after_s": problem.retry_after_s, **problem.evidence, **operator,
            },
        )  # fmt: skip
        return [Send(frame), Record(event)]
