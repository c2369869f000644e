"""The guide's checklist for one connection: what is ticked, where it stopped. Pure."""

from typing import Final

import msgspec

from holdfast.dashboard.stories import ORDER, Story
from holdfast.faults import Area
from holdfast.faults.catalogue import CATALOGUE
from holdfast.faults.guide import GUIDE
from holdfast.model import Step

_REACHED_BY: Final = (
    ("checklist-1", Step.UPGRADE),
    ("checklist-2", Step.FIRST_MESSAGE),
    ("checklist-3", Step.INIT),
    ("checklist-4", Step.SIGNATURE),
    ("checklist-5", Step.REGISTERED),
    ("checklist-6", Step.FIRST_HEARTBEAT),
)
_LISTED: Final = "checklist-7"
# A fault of one of these areas shows that the agent did send something.
_SPOKE: Final = frozenset({Area.MESSAGE, Area.REGISTRATION, Area.SIGNATURE, Area.IDENTITY, Area.CLOCK})


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One item; `state` is done, failed, waiting (the one that is next) or open."""

    text: str
    state: str


def checklist(story: Story | None, *, is_listed: bool) -> list[Tick]:
    """The seven items, for the connection that is told, or for none so far."""
    done = _done(story) if story is not None else 0
    states = ["done"] * done + ["open"] * (len(_REACHED_BY) - done)
    if done < len(states):
        failed = story is not None and (story.verdict is not None or not story.attempt.open)
        states[done] = "failed" if failed else "waiting"
    names = [name for name, _ in _REACHED_BY]
    last = "done" if is_listed else "open"
    return [Tick(text=_text(name), state=state) for name, state in zip([*names, _LISTED], [*states, last], strict=True)]


def _done(story: Story) -> int:
    at = ORDER.index(Step(story.attempt.step))
    done = sum(ORDER.index(step) <= at for _, step in _REACHED_BY)
    code = story.verdict.code if story.verdict is not None else ""
    if code in CATALOGUE:
        area = CATALOGUE[code].area
        if area is Area.SIGNATURE and at >= ORDER.index(Step.CHALLENGE):
            return max(done, 4)  # it answered the challenge, wrongly
        if area in _SPOKE:
            return max(done, 2)
    return done


def _text(name: str) -> str:
    return GUIDE[name].partition(": ")[2]
