"""What is told, or closed with, when a connection's time has come: pure readings of what is due."""

from collections.abc import Mapping
from typing import Final

from holdfast.faults import Problem, problem
from holdfast.gateway.moves import State
from holdfast.gateway.session import Session
from holdfast.gateway.watch import Due
from holdfast.model.events import EventKind
from holdfast.protocol.closes import CloseCode

# Told and not punished: the event, and the fault it stands for.
TOLD: Final[Mapping[Due, tuple[EventKind, str]]] = {
    Due.SILENT: (EventKind.SILENT, "LIFE-SILENT"),
    Due.UNFINISHED: (EventKind.UNFINISHED, "REG-NEVER-COMPLETED"),
    Due.NO_HEARTBEAT: (EventKind.NO_HEARTBEAT, "LIFE-NO-HEARTBEAT"),
    Due.NO_PONG: (EventKind.NO_PONG, "LIFE-NO-PONG"),
}


def told_code(due: Due, *, pings: int) -> str:
    """The fault that `due` stands for; a peer that pings is told that pings are no messages."""
    return "LIFE-PING-ONLY" if due is Due.SILENT and pings else TOLD[due][1]


def farewell(due: Due, session: Session, *, messages: int) -> tuple[Problem, CloseCode]:
    """Why the connection is closed now, and the close code that says so."""
    settings = session.settings
    if due is Due.STUCK:
        stuck = problem(
            "LIFE-PROTOCOL-1002",
            what="a message was begun and never finished",
            why=f"its end did not come within {settings.message_s:g} s",
            fix="Send each message at once and whole; the last fragment carries FIN",
        )
        return stuck, CloseCode.PROTOCOL_ERROR
    if due is Due.DEAD:
        why = f"nothing came for {settings.dead_after_s:.0f} s, not even a pong"
        return problem("LIFE-HALF-OPEN", why=why), CloseCode.TIMEOUT
    why = f"no message came for {settings.silent_close_s:.0f} s"
    if session.state is State.CHALLENGED:
        code = "REG-NEVER-COMPLETED"
    elif messages:
        code = "REG-INIT-MISSING"
    else:
        code = told_code(Due.SILENT, pings=session.watch.pings_seen)
    return problem(code, why=why), CloseCode.TIMEOUT
