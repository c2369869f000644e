"""What an attempt comes to: how far it got, what it waits for, and what was wrong. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from holdfast.api.bodies import AttemptBody
from holdfast.dashboard.texts import unix
from holdfast.faults import Kind, Severity
from holdfast.faults.catalogue import CATALOGUE
from holdfast.faults.pages import WHERE
from holdfast.model import Step

ORDER: Final = tuple(Step)
ARRIVED: Final = frozenset({Step.REGISTERED, Step.FIRST_HEARTBEAT})
EXPECTED: Final[Mapping[Step, str]] = {
    Step.TCP: "its upgrade request to WebSocket",
    Step.TLS: "its upgrade request to WebSocket",
    Step.UPGRADE: "its first message",
    Step.FIRST_MESSAGE: "its registration init",
    Step.INIT: "our challenge",
    Step.CHALLENGE: "its registration complete, signed with its key",
    Step.SIGNATURE: "our confirmation",
    Step.REGISTERED: "its first heartbeat",
    Step.FIRST_HEARTBEAT: "its next heartbeat",
}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong: the code with its general words, and what was seen in this very case."""

    code: str
    title: str
    severity: str
    seen: str
    cause: str
    fix: str
    where: str


class StepMark(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the way in; `state` is done, failed, waiting or empty."""

    name: str
    state: str


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as pages tell it."""

    attempt: AttemptBody
    who: str
    has_arrived: bool
    steps: tuple[StepMark, ...]
    verdict: Verdict | None
    waits_for: str
    waiting_since: float | None

    @property
    def word(self) -> str:
        """In one word: how it stands."""
        if self.attempt.open:
            return "connected" if self.has_arrived else "trying"
        return "ended" if self.has_arrived else "failed"

    @property
    def tone(self) -> str:
        """The colour class of that word."""
        if self.verdict is not None and self.verdict.severity in {"error", "critical"} and not self.has_arrived:
            return "bad"
        return {"connected": "ok", "trying": "warn", "failed": "bad"}.get(self.word, "off")


def story(attempt: AttemptBody) -> Story:
    """What this attempt comes to."""
    step = Step(attempt.step)
    has_arrived = step in ARRIVED
    verdict = verdict_of(attempt)
    waits = attempt.open and step is not Step.FIRST_HEARTBEAT
    return Story(
        attempt=attempt,
        who=attempt.claimed_host_id or attempt.claimed_agent_uid or "",
        has_arrived=has_arrived,
        steps=_marks(step, is_open=attempt.open, is_wrong=verdict is not None and not has_arrived),
        verdict=verdict,
        waits_for=EXPECTED[step] if waits else "",
        waiting_since=unix(attempt.timeline[-1].at if attempt.timeline else attempt.started_at) if waits else None,
    )


def verdict_of(attempt: AttemptBody) -> Verdict | None:
    """The code that says most: a cause before a symptom, an error before a remark, the last one before earlier ones."""
    known = [code for code in attempt.codes if code in CATALOGUE]
    if not known:
        return None
    ranks = {code: _rank(code, place) for place, code in enumerate(known)}
    code = max(known, key=ranks.__getitem__)
    seen = [entry.fact for entry in attempt.timeline if entry.code == code]
    return verdict(code, seen=seen[-1] if seen else "")


def verdict(code: str, *, seen: str = "") -> Verdict | None:
    """A code of the catalogue in its general words; None where it is not in the catalogue."""
    entry = CATALOGUE.get(code)
    if entry is None:
        return None
    return Verdict(
        code=code, title=entry.title, severity=entry.severity.value, seen=seen, cause=entry.cause, fix=entry.fix,
        where=WHERE[entry.blame],
    )  # fmt: skip


def _rank(code: str, place: int) -> tuple[int, bool, int]:
    entry = CATALOGUE[code]
    return list(Severity).index(entry.severity), entry.kind is Kind.CAUSE, place


def _marks(reached: Step, *, is_open: bool, is_wrong: bool) -> tuple[StepMark, ...]:
    at = ORDER.index(reached)
    marks = []
    for place, step in enumerate(ORDER):
        state = "done" if place <= at else ""
        if place == at + 1 and (is_wrong or is_open):
            state = "failed" if is_wrong else "waiting"
        marks.append(StepMark(name=step.value, state=state))
    return tuple(marks)
