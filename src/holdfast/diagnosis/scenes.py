"""What a rule looks at."""

import msgspec

from holdfast.diagnosis.subjects import Subject
from holdfast.diagnosis.traces import Trace
from holdfast.diagnosis.world import World
from holdfast.model.events import Event


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of one connection, its subject's history, and the world around it.

    `event` is the event that brought the moment about; its facts are those of the moment. `open_codes` are the faults
    of the findings that are open for this subject.
    """

    at: float
    event: Event
    trace: Trace
    subject: Subject
    world: World
    open_codes: frozenset[str] = frozenset()
