"""Recorded events: one JSON document a line, written as they come, and read again for a replay."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from holdfast.diagnosis.changes import Change, FindingTold
from holdfast.diagnosis.engine import Engine
from holdfast.faults import Problem, Refused, printable
from holdfast.model.events import Event
from holdfast.model.findings import Finding

BUFFER_BYTES: Final = 256 * 1024
LINGER_S: Final = 30.0
"""How long a replay waits after the last event for what time alone decides, such as an agent that stays away."""

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Event).decode


class Recorder:
    """A sink of the journal that appends events to a file. Close it to have all of them on disk.

    Events hold what peers claimed about themselves and no secret; the file is readable by its owner alone.
    """

    def __init__(self, path: Path) -> None:
        """Open the file for appending.

        Raises:
            OSError: it cannot be written.
        """
        path.touch(mode=0o600, exist_ok=True)
        self._file = path.open("ab", buffering=BUFFER_BYTES)

    def record(self, event: Event) -> None:
        """Append an event; quick, and never raises for the sake of a connection."""
        try:
            self._file.write(_encode(event) + b"\n")
        except (OSError, ValueError, UnicodeEncodeError):
            self.lost += 1

    lost = 0
    """How many events could not be written."""

    def close(self) -> None:
        """Write what is buffered."""
        self._file.close()


def read_events(path: Path) -> Iterator[Event]:
    """The events of a recording, in their order.

    Raises:
        Refused: a line is no event; the problem names the line. A last line that was cut off is left out.
        OSError: the file cannot be read.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield _decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                if not line.endswith(b"\n"):
                    return  # the gateway ended in the middle of it
                raise Refused(
                    Problem(
                        code="API-INVALID",
                        what=f"line {number} of {printable(path.name)} is no event",
                        why=printable(str(error), 200),
                        fix="Give a file that `holdfast up --record-events` wrote",
                    )
                ) from error


def replay(events: Iterable[Event], engine: Engine | None = None) -> Iterator[Change]:
    """What diagnosis says to these events, with the time in between as they tell it."""
    engine = engine or Engine()
    now: float | None = None
    for event in events:
        if now is not None:
            yield from _pass(engine, now, event.at)
        now = event.at if now is None else max(now, event.at)
        yield from engine.on_event(event)
    if now is not None:
        yield from _pass(engine, now, now + LINGER_S)


def findings_of(changes: Iterable[Change]) -> list[Finding]:
    """Every finding as it was last told, the first seen first."""
    found: dict[str, Finding] = {}
    for change in changes:
        if isinstance(change, FindingTold):
            found[change.finding.id] = change.finding
    return sorted(found.values(), key=lambda finding: (finding.first_seen, finding.code))


def _pass(engine: Engine, now: float, until: float) -> Iterator[Change]:
    while (due := engine.wake_at(now + 0.01)) < until:
        now = due
        yield from engine.on_tick(due)
    yield from engine.on_tick(until)
