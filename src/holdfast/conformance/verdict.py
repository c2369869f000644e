"""What a check of an agent found: the guide's checklist and requirements, each ticked, failed or not reached."""

from enum import StrEnum
from typing import Final

import msgspec

from holdfast.faults import Problem, problem
from holdfast.model.events import Event, EventKind


class Result(StrEnum):
    """The outcome of one line."""

    PASS = "pass"  # noqa: S105  a verdict, no password
    WARN = "warn"  # what the guide does not ask for, and Holdfast makes use of
    FAIL = "fail"
    SKIP = "skip"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report. `because` says why it was skipped or on what it rests; `finding` what is wrong."""

    name: str
    title: str
    result: Result
    because: str = ""
    finding: Problem | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was checked. `passed` is what the exit code says."""

    command: tuple[str, ...]
    lines: tuple[Line, ...]
    exit_code: int | None = None
    output: str = ""

    @property
    def passed(self) -> bool:
        """Whether no line failed and none was left out; a warning is none of both."""
        return all(line.result in (Result.PASS, Result.WARN) for line in self.lines)

    @property
    def finding(self) -> Problem | None:
        """The finding of the first line that failed: what to mend first."""
        return next((line.finding for line in self.lines if line.result is Result.FAIL), None)


TITLES: Final = {
    "checklist-1": "Agent connects to WebSocket Gateway",
    "checklist-2": "Agent sends message within 5 seconds of connection",
    "checklist-3": "Agent sends registration init message with correct format",
    "checklist-4": "Agent handles registration init response",
    "checklist-5": "Agent sends registration complete message with correct signature",
    "checklist-6": "Agent handles registration complete response",
    "checklist-7": "Agent appears in /agents endpoint after registration",
    "heartbeat": "Agent sends heartbeats in the interval it was given",
    "pongs": "Agent answers pings",
    "odd-frames": "Agent bears odd but legal frames",
    "reconnect": "Agent returns after its connection was lost, with the same identity",
    "restart": "Agent returns after a restart of the gateway, with the same identity",
    "stop": "Agent stops when it is asked to",
}


def passed(name: str, because: str = "") -> Line:
    """A tick."""
    return Line(name=name, title=TITLES[name], result=Result.PASS, because=because)


def failed(name: str, finding: Problem) -> Line:
    """A cross, with its reason."""
    return Line(name=name, title=TITLES[name], result=Result.FAIL, because=finding.why, finding=finding)


def warned(name: str, finding: Problem) -> Line:
    """Advice: the agent is right by the guide, and would be served better otherwise."""
    return Line(name=name, title=TITLES[name], result=Result.WARN, because=finding.why, finding=finding)


def skipped(name: str, because: str) -> Line:
    """Not checked, because."""
    return Line(name=name, title=TITLES[name], result=Result.SKIP, because=because)


DECISIVE: Final = frozenset(
    {EventKind.HANDSHAKE_FAILED, EventKind.REFUSED, EventKind.SILENT, EventKind.UNFINISHED, EventKind.NO_HEARTBEAT}
)


def named_in(events: list[Event]) -> Problem | None:
    """The first decisive fault that the gateway named in these events, as a problem.

    A missing pong is not decisive: many clients answer pings only while somebody reads.
    """
    for event in events:
        if event.code is not None and event.kind in DECISIVE:
            what, why = event.facts.get("what"), event.facts.get("why")
            return problem(event.code, what=str(what) if what else None, why=str(why) if why else None)
    return None
