"""Gateways and agents as streams of events: what the gateway would record, written by hand, with time by hand."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.diagnosis.changes import Change, ConditionJudged, FindingTold, HeartbeatAdvised
from holdfast.diagnosis.engine import Engine
from holdfast.model import Step
from holdfast.model.events import Event, EventKind, Fact
from holdfast.model.findings import Finding

BEGIN = 1_764_000_000.0
HEALTHY_TCP: dict[str, Fact] = {
    "unacked": 0, "retransmits": 0, "backoff": 0, "last_data_recv": 20, "last_ack_recv": 20, "last_data_sent": 20,
    "rtt": 400, "rttvar": 100, "total_retrans": 0, "segs_out": 100,
}  # fmt: skip
LOST_TCP: dict[str, Fact] = HEALTHY_TCP | {
    "unacked": 2, "retransmits": 4, "backoff": 4, "last_data_recv": 60_000, "last_ack_recv": 60_000,
    "last_data_sent": 20_000,
}  # fmt: skip


class Gateway:
    """One gateway's event stream into an engine, and everything the engine said."""

    def __init__(self, **timers: float) -> None:
        self.engine = Engine()
        self.now = BEGIN
        self.events: list[Event] = []
        self.changes: list[Change] = []
        self.findings: dict[str, Finding] = {}
        self._attempts = itertools.count(1)
        self.tell(EventKind.GATEWAY_STARTED, facts=dict(timers))
        self.wait(60)

    def tell(
        self,
        kind: EventKind,
        *,
        attempt: str = "",
        step: Step | None = None,
        code: str | None = None,
        peer: str | None = None,
        org_id: str | None = None,
        host_id: str | None = None,
        agent_uid: str | None = None,
        facts: dict[str, Fact] | None = None,
    ) -> None:
        """Record one event now."""
        event = Event(
            at=self.now, kind=kind, attempt=attempt, step=step, code=code, peer=peer, org_id=org_id, host_id=host_id,
            agent_uid=agent_uid, facts=facts or {},
        )  # fmt: skip
        self.events.append(event)
        self._take(self.engine.on_event(event))

    def wait(self, seconds: float) -> None:
        """Let time pass, with ticks as the shell makes them."""
        until = self.now + seconds
        while (due := self.engine.wake_at(self.now + 0.01)) < until:
            self.now = due
            self._take(self.engine.on_tick(due))
        self.now = until
        self._take(self.engine.on_tick(until))

    def _take(self, changes: list[Change]) -> None:
        self.changes += changes
        for change in changes:
            if isinstance(change, FindingTold):
                self.findings[change.finding.id] = change.finding

    def open(self, code: str | None = None) -> list[Finding]:
        """The open findings, in the order in which they were first seen."""
        found = [f for f in self.findings.values() if f.resolved_at is None and code in (None, f.code)]
        return sorted(found, key=lambda finding: (finding.first_seen, finding.code))

    def open_codes(self) -> list[str]:
        return [finding.code for finding in self.open()]

    def one(self, code: str) -> Finding:
        """The only finding of this code, open or resolved."""
        (found,) = [finding for finding in self.findings.values() if finding.code == code]
        return found

    def codes(self) -> set[str]:
        """The codes of all findings, open or resolved."""
        return {finding.code for finding in self.findings.values()}

    def conditions(self) -> list[tuple[str, str | None]]:
        return [
            (change.agent_uid, change.condition.value if change.condition else None)
            for change in self.changes
            if isinstance(change, ConditionJudged)
        ]

    def advice(self) -> list[HeartbeatAdvised]:
        return [change for change in self.changes if isinstance(change, HeartbeatAdvised)]

    def connect(self, agent: "Host", *, via: str = "") -> "Link":
        """Upgrade a new connection."""
        link = Link(self, agent, f"a-{next(self._attempts):04d}")
        facts: dict[str, Fact] = {"user_agent": agent.user_agent, "profile": "standard"}
        link.tell(EventKind.UPGRADED, step=Step.UPGRADE, facts=facts | ({"via": via} if via else {}))
        return link

    def join(self, agent: "Host", *, via: str = "", beat: bool = True) -> "Link":
        """Connect and register, or resume where the key is known, as a healthy agent does."""
        link = self.connect(agent, via=via)
        link.first_message()
        if agent.registered:
            link.resume()
        else:
            link.init().challenge().complete().register()
        return link.beat() if beat else link


@dataclass
class Host:
    """A machine with an agent on it."""

    host_id: str = "web-01"
    address: str = "192.0.2.7"
    uid: str = ""
    user_agent: str = "agent/1.0"
    instance: str | None = "i-1"
    boot_id: str | None = "boot-1"
    machine_id: str | None = None
    org_id: str = "default-org"
    offset_s: float = 0.0
    registered: bool = False
    ports: Iterator[int] = field(default_factory=lambda: itertools.count(40_000))

    def __post_init__(self) -> None:
        self.uid = self.uid or f"agt_{self.host_id}"
        self.machine_id = self.machine_id or f"machine-{self.host_id}"

    def process(self) -> dict[str, Fact]:
        told = {"instance": self.instance, "boot_id": self.boot_id, "machine_id_hash": self.machine_id}
        return {name: value for name, value in told.items() if value}


class Link:
    """One connection, as the gateway tells of it."""

    def __init__(self, gateway: Gateway, agent: Host, attempt: str) -> None:
        self.gateway = gateway
        self.agent = agent
        self.attempt = attempt
        self.peer = f"{agent.address}:{next(agent.ports)}"
        self.opened_at = gateway.now
        self.host_id: str | None = None
        self.uid: str | None = None
        self.messages = 0
        self.spoke_at = 0.0

    def tell(
        self,
        kind: EventKind,
        *,
        step: Step | None = None,
        code: str | None = None,
        facts: dict[str, Fact] | None = None,
    ) -> "Link":
        org = self.agent.org_id if self.host_id else None
        self.gateway.tell(
            kind, attempt=self.attempt, step=step, code=code, peer=self.peer, org_id=org, host_id=self.host_id,
            agent_uid=self.uid, facts=facts,
        )  # fmt: skip
        return self

    def said(self) -> None:
        self.messages += 1
        self.spoke_at = self.gateway.now

    def first_message(self) -> "Link":
        self.said()
        self.tell(EventKind.FIRST_MESSAGE, step=Step.FIRST_MESSAGE)
        return self.clock(self.agent.offset_s)

    def clock(self, offset_s: float) -> "Link":
        return self.tell(EventKind.CLOCK, facts={"offset_s": offset_s})

    def init(self, **facts: Fact) -> "Link":
        self.host_id = self.agent.host_id
        told: dict[str, Fact] = {"fingerprint": f"ed25519:{self.agent.uid}"} | self.agent.process() | facts
        return self.tell(EventKind.INIT, step=Step.INIT, facts=told)

    def challenge(self) -> "Link":
        return self.tell(EventKind.CHALLENGED, step=Step.CHALLENGE, facts={"registration_id": "r-1"})

    def complete(self) -> "Link":
        self.said()
        return self.tell(EventKind.COMPLETE, step=Step.CHALLENGE)

    def register(self, **facts: Fact) -> "Link":
        self.host_id, self.uid = self.agent.host_id, self.agent.uid
        told: dict[str, Fact] = {"first_time": not self.agent.registered, "admission": "approved"}
        self.agent.registered = True
        return self.tell(EventKind.REGISTERED, step=Step.REGISTERED, facts=told | self.agent.process() | facts)

    def resume(self, **facts: Fact) -> "Link":
        self.host_id, self.uid = self.agent.host_id, self.agent.uid
        told: dict[str, Fact] = {"admission": "approved"} | self.agent.process() | facts
        return self.tell(EventKind.RESUMED, step=Step.REGISTERED, facts=told)

    def beat(self) -> "Link":
        self.said()
        return self.tell(EventKind.FIRST_HEARTBEAT, step=Step.FIRST_HEARTBEAT)

    def refuse(self, code: str, **facts: Fact) -> "Link":
        self.said()
        told: dict[str, Fact] = {"what": f"{code} happened", "why": "it was so", "fix": "Mend it"}
        return self.tell(EventKind.REFUSED, code=code, facts=told | facts)

    def sample(self, tcp: dict[str, Fact]) -> "Link":
        return self.tell(EventKind.SAMPLED, facts=tcp)

    def lose(self, tcp: dict[str, Fact] = LOST_TCP) -> "Link":
        """The gateway heard nothing for a minute and gives up."""
        self.tell(EventKind.REFUSED, code="LIFE-HALF-OPEN", facts={"why": "nothing came for 60 s"})
        self.sample(tcp)
        return self.end("closed-by-gateway", code=4408, by="gateway", heard_s=63.0, pinged_s=3.0)

    def end(self, how: str = "fin", *, code: int = 1006, by: str = "nobody", **facts: Fact) -> "Link":
        """The connection is gone: by default a FIN without a close frame, a moment after the last frame."""
        gateway = self.gateway
        if how == "fin":
            self.sample(HEALTHY_TCP)
        told: dict[str, Fact] = {
            "how": how, "close_code": code, "close_reason": "", "closed_by": by,
            "age_s": gateway.now - self.opened_at, "heard_s": 0.5, "pinged_s": 5.0, "ponged_s": 5.0, "pings": 0,
            "quiet_s": facts.get("heard_s", 0.5) if self.spoke_at else None, "messages": self.messages,
        }  # fmt: skip
        return self.tell(EventKind.ENDED, facts=told | facts)
