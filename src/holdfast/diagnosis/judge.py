"""From a moment to what changes: the rules are asked, and their verdicts go into the book."""

from holdfast.diagnosis.book import Book
from holdfast.diagnosis.changes import Change
from holdfast.diagnosis.rules import RULES, Moment
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.subjects import Subjects
from holdfast.diagnosis.traces import ORDER, Trace
from holdfast.diagnosis.verdicts import Verdict
from holdfast.diagnosis.world import World
from holdfast.faults import Blame, fault
from holdfast.model import Step
from holdfast.model.events import Event
from holdfast.model.findings import Basis


class Judge:
    """The state of diagnosis, and the one way in which rules are asked."""

    def __init__(self) -> None:
        self.world = World()
        self.subjects = Subjects()
        self.book = Book()

    def judge(self, moment: Moment, event: Event, trace: Trace) -> list[Change]:
        """Ask the rules of `moment` about the connection `trace`."""
        changes: list[Change] = []
        scene = Scene(
            at=event.at, event=event, trace=trace, subject=self.subjects.get(trace.key), world=self.world,
            open_codes=self.book.open_codes(trace.key),
        )  # fmt: skip
        for rule in RULES[moment]:
            for verdict in rule(scene):
                if self.holds(verdict, event.at):
                    changes += self.book.apply(verdict, trace.key, trace.subject(), event.at)
        return changes

    def holds(self, verdict: Verdict, at: float) -> bool:
        """Whether it may be said now.

        Proofs stand whatever our own state; what was measured while we were ill is held against nobody.
        """
        if verdict.basis is Basis.PROOF or not self.world.is_ill(at):
            return True
        return fault(verdict.code).blame is Blame.GATEWAY

    def passed(self, trace: Trace, step: Step, at: float) -> list[Change]:
        """The connection reached `step`: what would have kept it from there is over."""
        if not self.book.concerns(trace.uid, trace.address):
            return []
        return self.book.passed(trace.keys(), ORDER[step], at)
