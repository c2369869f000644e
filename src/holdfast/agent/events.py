"""What the link hears (events) and what it wants done (effects)."""

import msgspec

from holdfast.faults.problem import Problem


class Moment(msgspec.Struct, frozen=True):
    """What the shell lends the core with every event.

    `monotonic` (seconds) drives timers, `unix` (seconds) is told to the gateway, `draw` is uniform in [0, 1).
    """

    monotonic: float
    unix: float
    draw: float


class Started(msgspec.Struct, frozen=True):
    """The owner wants the agent to run."""


class Connected(msgspec.Struct, frozen=True):
    """The upgrade was answered with 101.

    `attempt` and `challenge` come from its headers and are None where a proxy dropped them; `own_nonce` is base64 of 32
    fresh random bytes, used when there is no challenge.
    """

    attempt: str | None
    challenge: str | None
    own_nonce: str


class DialFailed(msgspec.Struct, frozen=True):
    """No connection came about."""

    problem: Problem


class Received(msgspec.Struct, frozen=True):
    """One message, as the bytes of its frame."""

    frame: bytes


class Lost(msgspec.Struct, frozen=True):
    """The connection ended, not by us. `close_code` is that of the gateway's close frame, None where none came."""

    close_code: int | None
    problem: Problem


class Woke(msgspec.Struct, frozen=True):
    """The moment asked for by `WakeAt` has come."""


class StopAsked(msgspec.Struct, frozen=True):
    """The owner wants the agent to end."""


Event = Started | Connected | DialFailed | Received | Lost | Woke | StopAsked


class Connect(msgspec.Struct, frozen=True):
    """Dial now; answer with `Connected` or `DialFailed`."""


class Send(msgspec.Struct, frozen=True):
    """Send these bytes as one text frame."""

    frame: bytes


class Close(msgspec.Struct, frozen=True):
    """Close the connection; no `Lost` follows."""

    code: int
    reason: str


class WakeAt(msgspec.Struct, frozen=True):
    """Send `Woke` at this monotonic time. Replaces the previous wish."""

    monotonic: float


class Remember(msgspec.Struct, frozen=True):
    """Store the uid durably, so that the next start resumes by `auth`."""

    uid: str


class Report(msgspec.Struct, frozen=True):
    """A line for the log: a dotted name, past tense, with its facts. Never a key, token, signature or payload."""

    name: str
    level: str = "info"
    problem: Problem | None = None
    facts: dict[str, str | int | float | None] = {}


Effect = Connect | Send | Close | WakeAt | Remember | Report
