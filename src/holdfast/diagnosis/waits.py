"""Who was told to wait, and who does not."""

from collections import OrderedDict
from typing import Final

from holdfast.diagnosis.changes import Change
from holdfast.diagnosis.judge import Judge
from holdfast.diagnosis.keys import Key
from holdfast.diagnosis.rules import Moment
from holdfast.diagnosis.traces import Trace
from holdfast.model.events import Event

MAX_WAITING: Final = 4_000
NOTHING: Final[list[Change]] = []


class Waits:
    """The times to come back that were given, the newest 4 000."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._until: OrderedDict[Key, float] = OrderedDict()

    def told(self, key: Key, event: Event) -> None:
        """A refusal said when to come back, or did not."""
        wait = event.facts.get("retry_after_s")
        if not isinstance(wait, int | float) or wait <= 0:
            return
        self._until[key] = self._judge.subjects.get(key).wait_until = event.at + float(wait)
        if len(self._until) > MAX_WAITING:
            self._until.popitem(last=False)

    def came(self, trace: Trace, event: Event) -> list[Change]:
        """An attempt: was it told to wait longer?"""
        if not self._until:
            return NOTHING
        until = self._until.get(trace.key)
        if until is None:
            return NOTHING
        subject = self._judge.subjects.get(trace.key)
        if event.at >= until:
            del self._until[trace.key]
            subject.early = 0
            return NOTHING
        subject.early += 1
        return self._judge.judge(Moment.EARLY, event, trace)
