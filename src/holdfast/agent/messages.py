"""What an agent sends, and how it reads what a gateway sends.

Reading is lenient where an older or newer gateway may differ: unknown fields are ignored, missing ones have a default,
and a payload may be plain JSON text, as a gateway in compatibility mode sends it to everybody.
"""

from datetime import datetime
from typing import Final, TypeVar

import msgspec

from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, printable
from holdfast.protocol.envelope import Envelope, MessageType, decode_base64, encode_envelope, pack_payload, payload_json
from holdfast.protocol.limits import HEARTBEAT_INTERVAL_S
from holdfast.protocol.malformed import wrong_value
from holdfast.protocol.signing import NONCE_BYTES

INIT: Final = "agent.registration"
COMPLETE: Final = "agent.registration.complete"
AUTH: Final = "auth"
HEARTBEAT: Final = "agent.heartbeat"

NONCE_CHARS: Final = 44
TIME_CHARS: Final = 20  # whole seconds and Z, as the protocol page has it
SHOWN_CHARS: Final = 300
CLOCK_WARNING_S: Final = 300.0


class ChallengeRead(msgspec.Struct, frozen=True):
    """Step 2 of a registration, as far as an agent needs it."""

    registration_id: str
    nonce: str
    server_time: str


class Standing(msgspec.Struct, frozen=True):
    """What a gateway says of this agent: step 4 of a registration, the answer to `auth`, or a change of status."""

    agent_uid: str = ""
    success: bool = True
    status: str = "registered"
    heartbeat_interval: float = HEARTBEAT_INTERVAL_S
    server_time: str = ""


class ErrorRead(msgspec.Struct, frozen=True):
    """A gateway's `error`; only the code is certain to be there."""

    code: str
    title: str = ""
    detail: str = ""
    fix: str = ""
    retry_after: float | None = None
    field: str | None = None


ReadT = TypeVar("ReadT", ChallengeRead, Standing, ErrorRead)


def read_payload(message: Envelope, kind: type[ReadT]) -> ReadT | Problem:
    """The typed payload of a gateway's message, or why it cannot be read."""
    text = message.payload
    try:
        raw = text.encode() if text.startswith("{") else payload_json(text)
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Problem(
            code="MSG-FIELD-TYPE",
            what=f"the gateway's {message.type} on {printable(message.channel)!r} cannot be read",
            why=printable(str(error), SHOWN_CHARS),
            fix="Check that the gateway speaks version 1 of the protocol and that no proxy changes its messages",
            field="payload",
        )


def problem_of_error(error: ErrorRead) -> Problem:
    """A gateway's error in the one shape of problems; its texts are escaped, since they end up in terminals."""
    return Problem(
        code=printable(error.code, 64),
        what=printable(error.title, SHOWN_CHARS) or "the gateway refused a message",
        why=printable(error.detail, SHOWN_CHARS) or "it gave no reason",
        fix=printable(error.fix, SHOWN_CHARS) or "Look the code up in the fault catalogue",
        retry_after_s=error.retry_after if error.retry_after is None or error.retry_after >= 0 else None,
        field=error.field,
    )


def challenge_problem(challenge: ChallengeRead) -> Problem | None:
    """Why a challenge must not be signed. Checked, so that a hostile gateway cannot have other texts signed.

    With a nonce of 44 base64 characters and a time of RFC 3339 in front, the signed text can be nothing but the proof
    of a registration (protocol page, "Registration").
    """
    try:
        is_nonce = len(challenge.nonce) == NONCE_CHARS and len(decode_base64(challenge.nonce)) == NONCE_BYTES
    except ValueError:
        is_nonce = False
    if not is_nonce:
        return wrong_value("payload.nonce", "44 characters: base64 of 32 bytes", f"{len(challenge.nonce)} characters")
    if server_unix_s(challenge.server_time) is None:
        return wrong_value(
            "payload.server_time", "RFC 3339 in UTC, whole seconds and Z", printable(challenge.server_time, 40)
        )
    return None


def server_unix_s(text: str) -> float | None:
    """Unix seconds of the gateway's RFC 3339 time; None where the text is none."""
    if not (len(text) == TIME_CHARS and text[10] == "T" and text.endswith("Z")):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def clock_problem(server_time: str, *, unix_s: float) -> Problem | None:
    """CLK-SKEW where our clock, `unix_s`, and the gateway's are more than `CLOCK_WARNING_S` apart."""
    theirs = server_unix_s(server_time)
    if theirs is None or abs(unix_s - theirs) <= CLOCK_WARNING_S:
        return None
    return problem(
        "CLK-SKEW",
        what="this host's clock and the gateway's differ",
        why=f"ours is {unix_s - theirs:+.0f} s from the gateway's {server_time}",
        evidence={"skew_s": round(unix_s - theirs)},
    )


def silence_problem(what: str) -> Problem:
    """LIFE-HALF-OPEN: nothing came back for `what`, over a connection that seems open."""
    return problem(
        "LIFE-HALF-OPEN",
        what="the gateway does not answer although the connection is open",
        why=f"no answer to {what}: the path is cut without notice, or the gateway hangs",
        fix="Nothing to do here: the agent reconnects; if it repeats, run `holdfast doctor`",
    )


def pending_problem(uid: str | None) -> Problem:
    """ID-PENDING, with the command that ends it."""
    return problem("ID-PENDING", fix=f"Have the gateway's operator run `holdfast agents approve {uid}`")


def frame(*, message_id: str, kind: MessageType, channel: str, unix_s: float, payload: object | None) -> bytes:
    """One message as the bytes of a text frame; no payload is the empty text."""
    packed = "" if payload is None else pack_payload(payload)
    return encode_envelope(Envelope(message_id, kind, channel, int(unix_s), packed))
