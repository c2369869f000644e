"""Registration in two steps, the gateway's half (protocol page, "Registration")."""

import msgspec

from holdfast.faults import Problem, Refused, printable
from holdfast.gateway import proofs
from holdfast.gateway.challenges import Issued
from holdfast.gateway.effects import Admit, Effect, Explain, FailedProof, Register, Send
from holdfast.gateway.moves import NEXT, Message, State
from holdfast.gateway.session import Session
from holdfast.model import Registered, Registration, Step, agent_uid, fingerprint
from holdfast.model.events import EventKind, Fact
from holdfast.protocol import malformed
from holdfast.protocol.envelope import Envelope, payload_json
from holdfast.protocol.keys import parse_public_key
from holdfast.protocol.payloads import Challenge, Complete, Confirmation, Init, decode_payload, host_id_problem
from holdfast.protocol.signature_shape import parse_signature
from holdfast.protocol.signing import verifies
from holdfast.protocol.times import rfc3339_seconds

DRY_RUN_HEADER = "dry-run"
DRY_RUN = "registration"
MAX_PARSED_CHARS = 4096
SHOWN_OF_INIT = ("agent_version", "instance", "boot_id", "last_exit", "machine_id_hash")


def init(session: Session, envelope: Envelope, wall: float) -> list[Effect]:
    """Step 1 arrived: check its form, then ask whether it may be challenged.

    Raises:
        Refused: a field is missing, malformed or no usable key.
    """
    described = _described(envelope)
    claim = _claim(session, described)
    session.asked, session.claim, session.described = envelope, claim, None
    if len(envelope.payload) > MAX_PARSED_CHARS:
        # A text of 64 KiB can parse into a megabyte: until the key is proved, it waits as text.
        session.claim = msgspec.structs.replace(claim, capabilities=None, platform=None, network=None, labels={})
        session.described = envelope.payload
    session.instance, session.boot_id, session.agent_version = claim.instance, claim.boot_id, claim.agent_version
    if session.agent_uid is None:
        session.host_id, session.org_id = claim.host_id, claim.org_id
    facts: dict[str, Fact] = {"fingerprint": fingerprint(claim.public_key)}
    for name in SHOWN_OF_INIT:
        if value := getattr(described, name):
            facts[name] = printable(value)
    return [session.record(EventKind.INIT, wall, step=Step.INIT, **facts), Admit(claim)]


def is_completion(envelope: Envelope) -> bool:
    """Whether this message on `agent.registration` is step two: the guide names no other channel, so it comes there.

    Accepted while a challenge is out; everything that step two has to be is checked all the same.
    """
    try:
        raw = payload_json(envelope.payload)
    except ValueError:
        return False
    return b'"registration_id"' in raw and b'"signature"' in raw and b'"agent_pubkey"' not in raw


def _described(envelope: Envelope) -> Init:
    if envelope.type != "request":
        raise Refused(malformed.unknown_type(envelope.type, ("request",)))
    init = decode_payload(envelope.payload, Init)
    if wrong := host_id_problem(init.host_id):
        raise Refused(wrong)
    return init


def _claim(session: Session, init: Init) -> Registration:
    key = parse_public_key(init.agent_pubkey)
    if isinstance(key, Problem):
        raise Refused(msgspec.structs.replace(key, field="payload.agent_pubkey"))
    return Registration(
        org_id=init.org_id, host_id=init.host_id, public_key=key, attempt=session.attempt,
        machine_id_hash=init.machine_id_hash, agent_version=init.agent_version, capabilities=init.capabilities,
        platform=init.platform, network=init.network, labels=init.labels or {}, instance=init.instance,
        boot_id=init.boot_id, enrolment_token=init.enrolment_token, remote_address=session.peer,
    )  # fmt: skip


def challenge(session: Session, *, registration_id: str, nonce: str, mono: float, wall: float) -> list[Effect]:
    """The claim may be challenged: `registration_id` is fresh, `nonce` base64 of 32 fresh random bytes."""
    asked, claim = session.asked, session.claim
    assert asked is not None
    assert claim is not None
    ttl_s = session.settings.challenge_ttl_s
    session.challenges.issue(Issued(registration_id, session.attempt, claim.host_id, mono, mono + ttl_s))
    session.challenge = Challenge(
        registration_id=registration_id, nonce=nonce, server_time=rfc3339_seconds(int(wall)), expires_in=int(ttl_s)
    )
    session.state = NEXT[session.state, Message.INIT]
    session.watch.challenged(mono + ttl_s)
    return [
        Send(session.answers.response(asked, session.challenge, wall)),
        session.record(EventKind.CHALLENGED, wall, step=Step.CHALLENGE, registration_id=registration_id),
    ]


def complete(session: Session, envelope: Envelope, *, mono: float, wall: float) -> list[Effect]:
    """Step 2 arrived: check the challenge, then the signature; a good one is made durable before it is confirmed.

    Raises:
        Refused: a field is missing or malformed.
    """
    if envelope.type != "request":
        raise Refused(malformed.unknown_type(envelope.type, ("request",)))
    said = decode_payload(envelope.payload, Complete)
    effects: list[Effect] = [session.record(EventKind.COMPLETE, wall, step=Step.CHALLENGE)]
    out, claim = session.challenge, session.claim
    own = session.challenges.find(out.registration_id) if out is not None else None
    wrong = proofs.wrong_challenge(said, own, session.challenges, attempt=session.attempt, now=mono)
    if wrong is not None:
        return effects + session.refuse(wrong, wall, envelope)
    assert out is not None
    assert claim is not None
    assert own is not None
    # Single use: whatever comes of this signature, the challenge is spent.
    own.used, own.signature = True, said.signature
    session.challenge, session.asked = None, envelope
    session.watch.challenge_until = 0.0
    signature = parse_signature(said.signature)
    profile = session.answers.profile
    text = profile.signed_text(nonce=out.nonce, server_time=out.server_time, host_id=said.host_id)
    if not isinstance(signature, Problem) and verifies(claim.public_key, text, signature):
        if envelope.headers.get(DRY_RUN_HEADER) == DRY_RUN:
            return [*effects, *_verified(session, claim, wall)]
        return [*effects, Register(_whole(session, claim))]
    proof = FailedProof(
        nonce=out.nonce, server_time=out.server_time, host_id=claim.host_id, completed_host_id=said.host_id,
        registration_id=said.registration_id, org_id=claim.org_id, public_key=claim.public_key,
        signature=said.signature, challenge_payload=msgspec.json.encode(out).decode(),
        complete_payload=payload_json(envelope.payload).decode(), decodes_nonce=profile.decodes_nonce,
        peer=session.peer, at=wall,
    )  # fmt: skip
    return [*effects, Explain(proof)]


def _whole(session: Session, claim: Registration) -> Registration:
    if session.described is None:
        return claim
    init = decode_payload(session.described, Init)
    return msgspec.structs.replace(
        claim, capabilities=init.capabilities, platform=init.platform, network=init.network, labels=init.labels or {}
    )


def _verified(session: Session, claim: Registration, wall: float) -> list[Effect]:
    """A rehearsal: all was right, and nothing is stored. `doctor` asks for it, so as to leave no agent behind."""
    asked = session.asked
    assert asked is not None
    session.state = State.HELLO if session.agent_uid is None else State.READY
    answer = Confirmation(
        agent_uid=agent_uid(claim.public_key),
        status="verified",
        heartbeat_interval=session.heartbeat_s,
        server_time=rfc3339_seconds(int(wall)),
    )
    return [Send(session.answers.response(asked, answer, wall))]


def confirm(session: Session, registered: Registered, *, wall: float) -> list[Effect]:
    """The registration is durable: only now is it confirmed."""
    asked, claim = session.asked, session.claim
    assert asked is not None
    assert claim is not None
    session.settle(
        registered.agent_uid, org_id=claim.org_id, host_id=claim.host_id, admission=registered.admission,
        heartbeat_s=registered.heartbeat_interval_s,
    )  # fmt: skip
    session.state = State.READY
    plain = Confirmation(
        agent_uid=registered.agent_uid,
        status="pending" if session.pending else "registered",
        heartbeat_interval=session.heartbeat_s,
        server_time=rfc3339_seconds(int(wall)),
    )
    facts: dict[str, Fact] = {"first_time": registered.first_time, "admission": registered.admission.value}
    if registered.other_keys:
        facts["other_keys"] = ", ".join(registered.other_keys[:5])
    if registered.previous_host_id:
        facts["previous_host_id"] = printable(registered.previous_host_id)
    for name in ("instance", "boot_id", "machine_id_hash"):
        if value := getattr(claim, name):
            facts[name] = printable(value)
    facts["fingerprint"] = fingerprint(claim.public_key)
    return [
        Send(session.answers.response(asked, session.answers.profile.confirmation(plain), wall)),
        session.record(EventKind.REGISTERED, wall, step=Step.REGISTERED, **facts),
    ]
