"""What a connection's core may ask of its shell. The shell performs them in order, one event at a time."""

import msgspec

from holdfast.faults import Problem
from holdfast.model import Registration
from holdfast.model.events import Event


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send this text frame (UTF-8 JSON)."""

    frame: bytes


class Close(msgspec.Struct, frozen=True, gc=False):
    """Close with this code and reason (at most 123 bytes); nothing is sent afterwards."""

    code: int
    reason: str


class Ping(msgspec.Struct, frozen=True, gc=False):
    """Send a ping; its pong tells the round trip."""


class Record(msgspec.Struct, frozen=True):
    """Tell the log, the ledger and the diagnosis."""

    event: Event


class Admit(msgspec.Struct, frozen=True):
    """Ask the registry whether this claim may be challenged; answer by `on_admitted` or `on_refused`."""

    registration: Registration


class Register(msgspec.Struct, frozen=True):
    """Make this proved registration durable; answer by `on_registered` or `on_refused`."""

    registration: Registration


class Identify(msgspec.Struct, frozen=True):
    """Find who holds this proved key; answer by `on_identified` or `on_refused`.

    `nonce` is set where the agent chose it itself: it has to be new to the whole fleet until `nonce_expires_at`
    (Unix seconds), else the message is a replay.
    """

    agent_id: str
    public_key: bytes
    nonce: str | None
    nonce_expires_at: float


class FailedProof(msgspec.Struct, frozen=True, kw_only=True):
    """A registration signature that does not verify, with everything needed to find out what was signed instead.

    `signature` and the two payloads are texts as they were sent; `at` is Unix seconds.
    """

    nonce: str
    server_time: str
    host_id: str
    completed_host_id: str
    registration_id: str
    org_id: str
    public_key: bytes
    signature: str
    challenge_payload: str
    complete_payload: str
    decodes_nonce: bool
    peer: str
    at: float


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out. `operator` holds facts of other records than the agent's own: it never goes on the wire."""

    problem: Problem
    operator: dict[str, str] = {}


class Explain(msgspec.Struct, frozen=True):
    """Find out what was signed; answer by `on_refused` with the problem that names it."""

    proof: FailedProof


Effect = Send | Close | Ping | Record | Admit | Register | Identify | Explain
ASKING = (Admit, Register, Identify, Explain)
"""Effects whose answer comes back as an event: until then the shell feeds the core no other message."""
