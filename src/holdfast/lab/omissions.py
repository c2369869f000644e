"""Faults of the catalogue that the laboratory does not inject, each with the reason."""

from typing import Final

from holdfast.lab.injections import NotInjected

OMITTED: Final = (
    NotInjected(
        code="WS-AGENT-HEADERS",
        reason="this gateway asks for no header of an agent's own, so none can be missing",
    ),
    NotInjected(
        code="SRV-BUS-DOWN",
        reason="the bus of one process cannot be away while the process lives; it takes a bus of its own to stop",
    ),
    NotInjected(
        code="SRV-REPLICA-STATE",
        reason="a challenge lives and dies with its connection, which one replica holds: there is no state to share; "
        "an id from elsewhere is named REG-ID-UNKNOWN",
    ),
    NotInjected(
        code="SRV-AGENT-NOT-LISTED",
        reason="a registration is confirmed only after it is durable, so there is no moment between the two",
    ),
    NotInjected(
        code="SRV-BACKLOG",
        reason="the kernel drops what overflows before anybody can see it, and its counters are those of the machine",
    ),
)
