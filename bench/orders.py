"""What the bench tells the load generator to do, and what it answers: one JSON object a line, over stdin and stdout."""

import msgspec


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Make the keys and frames of `count` new agents, before anything is timed."""

    count: int


class Register(msgspec.Struct, frozen=True, tag="register"):
    """Connect and register every prepared agent, `at_once` at a time; they stay connected."""

    at_once: int


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Heartbeats at a fixed rate over all connections in turn, whether or not the server keeps up."""

    per_s: int
    seconds: float


class Peak(msgspec.Struct, frozen=True, tag="peak"):
    """As many heartbeats as the server acknowledges: every connection keeps `outstanding` of them under way."""

    outstanding: int
    seconds: float


class Return(msgspec.Struct, frozen=True, tag="return"):
    """Come back, `at_once` at a time, on connections that the server has ended; one heartbeat each as soon as in.

    An agent whose upgrade answer holds a challenge resumes by `auth`; the others register again.
    """

    at_once: int


class Rest(msgspec.Struct, frozen=True, tag="rest"):
    """Stay connected and answer pings, nothing else."""

    seconds: float


class Leave(msgspec.Struct, frozen=True, tag="leave"):
    """Disconnect all agents and forget them."""


Order = Prepare | Register | Return | Beat | Peak | Rest | Leave


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order. `done` of `asked` were confirmed by the server.

    `first_error` is the text of the first thing that went wrong, the server's own words where it had some.
    `load_busy` is the share of a core that the load generator itself used: near 1.0 it was the limit.
    """

    asked: int = 0
    done: int = 0
    errors: int = 0
    first_error: str = ""
    connected: int = 0
    wall_s: float = 0.0
    load_busy: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
