"""How events become the story of one attempt: pure, and bounded."""

from typing import Any, Final

import msgspec

from holdfast.model import Attempt, Step, TimelineEntry
from holdfast.model.events import Event, EventKind

MAX_ENTRIES: Final = 48
MAX_CODES: Final = 16
MAX_FACT_CHARS: Final = 400
ORDER: Final = {step: place for place, step in enumerate(Step)}
COPIED: Final = (
    "started_at", "ended_at", "ended_how", "close_code", "close_reason", "agent_uid", "step", "messages_in", "bytes_in",
    "bytes_out",
)  # fmt: skip
FIELDS: Final = (
    "claimed_org_id", "claimed_host_id", "remote_address", "user_agent", "profile", "claimed_fingerprint",
)  # fmt: skip
FROM_FACTS: Final = (("user_agent", "user_agent"), ("profile", "profile"), ("claimed_fingerprint", "fingerprint"))
# What an agent that left by itself, with nothing wrong so far, left undone. The doctor does so on purpose.
LEFT_UNDONE: Final = {Step.UPGRADE: "LIFE-SILENT", Step.CHALLENGE: "REG-NEVER-COMPLETED"}
DOCTOR: Final = "holdfast-doctor/"
UNTOLD: Final = frozenset({EventKind.SAMPLED, EventKind.OPENED, EventKind.CLOCK, EventKind.LATE_PONG})
TITLES: Final = {
    EventKind.UPGRADED: "WebSocket connection established",
    EventKind.FIRST_MESSAGE: "first message",
    EventKind.INIT: "registration init",
    EventKind.CHALLENGED: "challenge sent",
    EventKind.COMPLETE: "registration complete",
    EventKind.REGISTERED: "registered",
    EventKind.RESUMED: "resumed by auth",
    EventKind.FIRST_HEARTBEAT: "first heartbeat",
    EventKind.SILENT: "no message so far",
    EventKind.UNFINISHED: "the challenge expired unanswered",
    EventKind.NO_HEARTBEAT: "no heartbeat for three intervals",
    EventKind.NO_PONG: "no pong",
    EventKind.REPLACED: "replaced by a newer connection",
    EventKind.ENDED: "ended",
}


class Story:
    """One attempt as it is told. `is_whole` is False where only the store holds its beginning."""

    __slots__ = (
        "agent_uid", "bytes_in", "bytes_out", "close_code", "close_reason", "codes", "ended_at", "ended_how", "entries",
        "fields", "is_whole", "last_at", "left_by_itself", "messages_in", "started_at", "step", "told", "written",
    )  # fmt: skip

    def __init__(self, started_at: float, *, is_whole: bool) -> None:
        self.started_at = self.last_at = started_at
        self.is_whole = is_whole
        self.told = self.written = 0
        self.ended_at: float | None = None
        self.ended_how: str | None = None
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self.agent_uid: str | None = None
        self.step = Step.TCP
        self.entries: list[TimelineEntry] = []
        self.codes: list[str] = []
        self.fields: dict[str, str] = {}
        self.messages_in = 0
        self.bytes_in = self.bytes_out = 0
        self.left_by_itself = False

    @property
    def is_unwritten(self) -> bool:
        """Whether something was told that the store does not hold."""
        return self.told != self.written

    def tell(self, event: Event) -> None:
        """Add an event."""
        self.told += 1
        self.last_at = event.at
        self._identify(event)
        kind, step, code = event.kind, event.step, event.code
        if code is not None and code not in self.codes and len(self.codes) < MAX_CODES:
            self.codes.append(code)
        if kind is EventKind.HANDSHAKE_FAILED:
            self.ended_at, self.ended_how = event.at, "refused"
        elif step is not None and ORDER[step] > ORDER[self.step]:
            self.step = step
        if kind is EventKind.ENDED:
            self._end(event)
        if kind not in UNTOLD:
            self._add(_entry(event, self.step))

    def _identify(self, event: Event) -> None:
        fields, facts = self.fields, event.facts
        if event.org_id:
            fields["claimed_org_id"] = event.org_id
        if event.host_id:
            fields["claimed_host_id"] = event.host_id
        if event.peer:
            fields["remote_address"] = event.peer
        if event.agent_uid:
            self.agent_uid = event.agent_uid
        for name, key in FROM_FACTS if facts else ():
            fact = facts.get(key)
            if isinstance(fact, str) and fact:
                fields[name] = fact

    def _end(self, event: Event) -> None:
        facts = event.facts
        self.ended_at = event.at
        self.ended_how = str(facts.get("how", ""))
        self.left_by_itself = facts.get("closed_by") != "gateway"
        code = facts.get("close_code")
        self.close_code = code if isinstance(code, int) else None
        self.close_reason = str(facts.get("close_reason") or "")
        self.messages_in = int(facts.get("messages") or 0)
        self.bytes_in = int(facts.get("bytes_in") or 0)
        self.bytes_out = int(facts.get("bytes_out") or 0)

    def _add(self, entry: TimelineEntry) -> None:
        if len(self.entries) >= MAX_ENTRIES:
            # The beginning tells what happened, the end how it ended; a loop in between repeats itself.
            del self.entries[MAX_ENTRIES // 2]
        self.entries.append(entry)

    def continue_from(self, before: Attempt) -> None:
        """Put what the store holds of this attempt in front of what was told since."""
        self.is_whole = True
        self.started_at = before.started_at
        self.step = max(self.step, before.step, key=ORDER.__getitem__)
        self.codes = list(dict.fromkeys((*before.codes, *self.codes)))[:MAX_CODES]
        # What was told meanwhile did not know how far the attempt had come.
        told = [
            msgspec.structs.replace(entry, step=self.step.value) if entry.step == Step.TCP.value else entry
            for entry in self.entries
        ]
        self.entries = [*before.timeline, *told]
        while len(self.entries) > MAX_ENTRIES:
            del self.entries[MAX_ENTRIES // 2]
        self.fields = {name: getattr(before, name) for name in FIELDS if getattr(before, name)} | self.fields
        for name in ("ended_at", "ended_how", "close_code", "close_reason", "agent_uid"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(before, name))

    def attempt(self, attempt: str) -> Attempt:
        """The row to write."""
        told: dict[str, Any] = self.fields | {name: getattr(self, name) for name in COPIED}
        codes, entries = tuple(self.codes), tuple(self.entries)
        if (undone := self._left_undone()) is not None and entries:
            codes, entries = (undone,), (*entries[:-1], msgspec.structs.replace(entries[-1], ok=False, code=undone))
        return Attempt(attempt=attempt, codes=codes, timeline=entries, **told)

    def _left_undone(self) -> str | None:
        """Asked of the whole story alone: what the store holds of its beginning may say more."""
        by_doctor = self.fields.get("user_agent", "").startswith(DOCTOR)
        if not self.left_by_itself or self.codes or by_doctor:
            return None
        return LEFT_UNDONE.get(self.step)


def _entry(event: Event, step: Step) -> TimelineEntry:
    code = event.code
    return TimelineEntry(at=event.at, step=event.step or step, ok=code is None, code=code, fact=_fact(event))


def _fact(event: Event) -> str:
    facts = event.facts
    title = TITLES.get(event.kind, "")
    if event.kind is EventKind.ENDED:
        return f"{title}: {facts.get('how')}, code {facts.get('close_code')} {facts.get('close_reason') or ''}".strip()
    what, why = facts.get("what"), facts.get("why")
    if what or why:
        said = f"{what}; {why}" if what and why else str(what or why)
        return (f"{title}: {said}" if title else said)[:MAX_FACT_CHARS]
    return title or event.kind
