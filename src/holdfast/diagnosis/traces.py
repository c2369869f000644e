"""What the engine remembers of one connection, while it lives and after it ended."""

from collections.abc import Mapping
from typing import Final

from holdfast.diagnosis.keys import PEER, Key, address_of, key_of
from holdfast.faults import printable
from holdfast.model import Step
from holdfast.model.events import Event, Fact
from holdfast.model.findings import Affected, FindingSubject

ORDER: Final[Mapping[Step, int]] = {step: place for place, step in enumerate(Step)}
STEPS: Final = tuple(Step)
MAX_CODES: Final = 8
NO_CLOSE_FRAME: Final = 1006
OUR_DOING: Final = frozenset({"slow-consumer", "aborted-by-gateway", "refused"})
NO_FACTS: Final[Mapping[str, Fact]] = {}


class Trace:
    """One connection. A plain class with slots: a healthy connection changes it eight times and must not feel it.

    Times are Unix seconds on the gateway's clock. What `end` sets is None (or 0) as long as the connection is open.
    `is_explained` marks an end that was shared with many others, `told_code` is the fault with which the gateway
    announced that it will close, and `step` an index of `STEPS`. `via` is what proxies left on the request, `path`
    the address of a trusted one, else that of the peer. `damage` tells where bytes were broken.
    """

    __slots__ = (
        "address",
        "age_s",
        "attempt",
        "beaten",
        "boot_id",
        "challenged_at",
        "close_code",
        "closed_by",
        "codes",
        "completed",
        "damage",
        "ended_at",
        "fingerprint",
        "heard_s",
        "host_id",
        "how",
        "inits",
        "instance", "is_explained",
        "key",
        "last_exit",
        "lost",
        "machine_id",
        "messages",
        "offset_s",
        "offsets",
        "opened_at",
        "org_id",
        "path",
        "pinged_s",
        "pings",
        "ponged_s",
        "quiet_s",
        "reason",
        "registered_at",
        "replaced_by",
        "sample",
        "silent",
        "step",
        "step_at",
        "told_code",
        "uid",
        "user_agent",
        "via",
    )  # fmt: skip

    def __init__(self, event: Event) -> None:
        facts = event.facts
        self.attempt = event.attempt
        self.address = address_of(event.peer)
        self.user_agent = str(facts.get("user_agent") or "")
        trusted = str(facts.get("via_proxy") or "")
        self.via = str(facts.get("via") or trusted)
        self.path = address_of(trusted) or self.address
        self.uid = event.agent_uid
        self.org_id, self.host_id = event.org_id, event.host_id
        self.key: Key = key_of(self.uid, self.address, self.org_id, self.host_id, self.user_agent)
        self.opened_at = self.step_at = event.at
        self.step = ORDER[event.step] if event.step is not None else 0
        self.challenged_at = self.registered_at = 0.0
        self.completed = self.beaten = self.lost = self.silent = False
        self.inits = self.offsets = self.messages = self.pings = 0
        self.codes: tuple[str, ...] = ()
        self.told_code: str | None = None
        self.instance: str | None = None
        self.boot_id: str | None = None
        self.machine_id: str | None = None
        self.fingerprint: str | None = None
        self.last_exit: str | None = None
        self.offset_s: float | None = None
        self.replaced_by: str | None = None
        self.is_explained = False
        self.damage: str | None = None
        self.sample: Mapping[str, Fact] = NO_FACTS
        self.ended_at = self.age_s = self.heard_s = 0.0
        self.quiet_s: float | None = None
        self.pinged_s: float | None = None
        self.ponged_s: float | None = None
        self.how = self.reason = self.closed_by = ""
        self.close_code = NO_CLOSE_FRAME

    def identify(self, event: Event) -> None:
        """Take over who the event says this is."""
        if event.agent_uid == self.uid and event.host_id == self.host_id and event.org_id == self.org_id:
            return
        self.uid, self.org_id, self.host_id = event.agent_uid, event.org_id, event.host_id
        self.key = key_of(self.uid, self.address, self.org_id, self.host_id, self.user_agent)

    def reach(self, step: Step, at: float) -> None:
        """A step was reached, perhaps not for the first time."""
        place = ORDER[step]
        self.step = max(self.step, place)
        self.step_at = at

    def describe(self, facts: Mapping[str, Fact]) -> None:
        """Take over what an init or `auth` says of the process and its machine."""
        for name, fact in (
            ("instance", "instance"), ("boot_id", "boot_id"), ("machine_id", "machine_id_hash"),
            ("last_exit", "last_exit"), ("fingerprint", "fingerprint"),
        ):  # fmt: skip
            value = facts.get(fact)
            if isinstance(value, str):
                setattr(self, name, value)

    def refused(self, code: str) -> None:
        """A message was refused."""
        if len(self.codes) < MAX_CODES:
            self.codes = (*self.codes, code)

    def end(self, event: Event) -> None:
        """The connection is gone; the event's facts say how."""
        facts = event.facts
        self.ended_at = event.at
        self.age_s = _number(facts.get("age_s")) or max(0.0, event.at - self.opened_at)
        self.heard_s = _number(facts.get("heard_s")) or 0.0
        self.quiet_s = _number(facts.get("quiet_s"))
        self.pinged_s = _number(facts.get("pinged_s"))
        self.ponged_s = _number(facts.get("ponged_s"))
        self.messages = int(_number(facts.get("messages")) or 0)
        self.pings = int(_number(facts.get("pings")) or 0)
        self.how = str(facts.get("how") or "")
        code = facts.get("close_code")
        self.close_code = code if isinstance(code, int) else NO_CLOSE_FRAME
        self.reason = str(facts.get("close_reason") or "")
        self.closed_by = str(facts.get("closed_by") or "")

    # ---- readings

    @property
    def is_registered(self) -> bool:
        """Whether a signature proved who this is."""
        return self.registered_at > 0.0

    @property
    def step_name(self) -> str:
        """The furthest step reached."""
        return STEPS[self.step].value

    @property
    def is_abrupt(self) -> bool:
        """Whether it ended without a close frame, and not by us."""
        return self.closed_by == "nobody" and self.how not in OUR_DOING

    @property
    def idle_s(self) -> float:
        """Seconds without any frame in either direction before the end.

        A message of the agent is answered at once and our own pings are known, so these two tell of both directions.
        """
        return self.heard_s if self.pinged_s is None else min(self.heard_s, self.pinged_s)

    @property
    def since_step_s(self) -> float:
        """Seconds between the last step that was told and the end."""
        return max(0.0, self.ended_at - self.step_at)

    def keys(self) -> tuple[Key, ...]:
        """Every key that findings about this connection may stand under, from the time before more was known."""
        return (
            self.key,
            key_of(None, self.address, self.org_id, self.host_id, self.user_agent),
            key_of(None, self.address, None, self.host_id, self.user_agent),
            (PEER, self.address, self.user_agent),
            (PEER, self.address, ""),
        )

    def subject(self) -> FindingSubject:
        """Whom a finding about this connection is about."""
        return FindingSubject(
            agent_uid=self.uid, org_id=self.org_id, host_id=_shown(self.host_id), key_id=self.fingerprint,
            peer=self.address, attempt=self.attempt, instance=self.instance,
        )  # fmt: skip

    def affected(self) -> Affected:
        """The same as one of many."""
        return Affected(agent_uid=self.uid, host_id=_shown(self.host_id), peer=self.address)


def _number(value: Fact) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _shown(host_id: str | None) -> str | None:
    """A claimed name as it may be shown and stored: a header can hold what is no text."""
    return printable(host_id, 255) if host_id else None
