"""Resuming by `auth`, the gateway's half (protocol page, "Resuming")."""

import msgspec

from holdfast.faults import Problem, Refused, printable, problem
from holdfast.gateway import proofs
from holdfast.gateway.effects import Effect, Identify, Send
from holdfast.gateway.moves import NEXT, Message
from holdfast.gateway.session import Session
from holdfast.model import Admission, Identity, Step
from holdfast.model.events import EventKind, Fact
from holdfast.protocol import malformed
from holdfast.protocol.envelope import Envelope
from holdfast.protocol.keys import parse_public_key
from holdfast.protocol.payloads import Auth, AuthAnswer, decode_payload
from holdfast.protocol.signature_shape import parse_signature
from holdfast.protocol.signing import auth_text, verifies


class RegisterFirst(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a good signature by a key that nobody registered: no failure, only the wrong order."""

    success: bool = False
    register: bool = True
    channel: str = "agent.registration"
    message: str


def auth(session: Session, envelope: Envelope, wall: float) -> list[Effect]:
    """An `auth` arrived: verify it, then ask who holds its key.

    With the connection's own challenge as nonce it cannot be a replay. An agent that chose its nonce itself is held to
    the clock-skew window, and its nonce has to be new to the fleet.

    Raises:
        Refused: malformed, not signed by the key it names, or too far from our clock.
    """
    if envelope.type != "request":
        raise Refused(malformed.unknown_type(envelope.type, ("request",)))
    said = decode_payload(envelope.payload, Auth)
    if session.host_id is None:
        session.host_id = said.agent_id
    key = parse_public_key(said.public_key)
    if isinstance(key, Problem):
        raise Refused(msgspec.structs.replace(key, field="payload.public_key"))
    if not said.signature:
        raise Refused(problem("MSG-AUTH-LEGACY", why="auth came without a signature"))
    signature = parse_signature(said.signature)
    if isinstance(signature, Problem):
        raise Refused(msgspec.structs.replace(signature, field="payload.signature"))
    text = auth_text(agent_id=said.agent_id, public_key=said.public_key, timestamp=said.timestamp, nonce=said.nonce)
    if not verifies(key, text, signature):
        raise Refused(
            problem(
                "SIG-UNEXPLAINED",
                what="the signature of auth does not verify",
                why="it is not this key's signature over agent_id:public_key:timestamp:nonce",
                fix="Sign the four texts of the payload joined by colons, exactly as they are sent",
            )
        )
    if replayed := proofs.foreign_challenge(said.nonce, session.own_nonce):
        raise Refused(replayed)
    own = said.nonce == session.own_nonce
    limit_s = session.settings.clock_skew_s
    if not own and (skewed := proofs.clock_skew(said, wall=wall, limit_s=limit_s)):
        raise Refused(skewed)
    session.asked = envelope
    session.instance, session.boot_id, session.agent_version = said.instance, said.boot_id, said.agent_version
    return [Identify(said.agent_id, key, None if own else said.nonce, said.timestamp + 2 * limit_s)]


def resume(session: Session, identity: Identity | None, *, wall: float) -> list[Effect]:
    """Who holds the proved key; None where nobody is registered under it."""
    asked = session.asked
    assert asked is not None
    said = decode_payload(asked.payload, Auth)
    profile = session.answers.profile
    expires_at = int(wall + session.settings.session_s)
    if identity is None or said.agent_id not in (identity.agent_uid, identity.host_id):
        answer = profile.greeting(said, expires_at) or _register_first(identity)
        return [Send(session.answers.response(asked, answer, wall))]
    if identity.admission is Admission.REVOKED:
        raise Refused(problem("ID-REVOKED"))
    session.settle(
        identity.agent_uid, org_id=identity.org_id, host_id=identity.host_id, admission=identity.admission,
        heartbeat_s=identity.heartbeat_interval_s,
    )  # fmt: skip
    session.state = NEXT[session.state, Message.AUTH]
    plain = AuthAnswer(
        success=True, agent_uid=identity.agent_uid, expires_at=expires_at, heartbeat_interval=session.heartbeat_s,
        status="pending" if session.pending else "registered",
    )  # fmt: skip
    facts: dict[str, Fact] = {"admission": identity.admission.value}
    for name in ("instance", "boot_id", "last_exit"):
        if value := getattr(said, name):
            facts[name] = printable(value)
    return [
        Send(session.answers.response(asked, profile.resumption(plain, said), wall)),
        session.record(EventKind.RESUMED, wall, step=Step.REGISTERED, **facts),
    ]


def _register_first(identity: Identity | None) -> RegisterFirst:
    if identity is None:
        return RegisterFirst(message="no agent is registered under this key: send agent.registration")
    return RegisterFirst(message="this key is registered under another host_id: register again under the new one")
