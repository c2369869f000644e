"""One agent's connection: what it says goes in, what to do comes out. No socket, no clock, no randomness.

`mono` is monotonic seconds and drives every timer; `wall` is Unix seconds and appears in what is told. The shell feeds
one event at a time and performs the effects in order. After an asking effect (`effects.ASKING`) it feeds no message
until it has given the answer by `on_admitted`, `on_registered`, `on_identified` or `on_refused`.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from holdfast.faults import Problem, Refused, printable, problem
from holdfast.gateway import registering, resuming
from holdfast.gateway.challenges import Challenges
from holdfast.gateway.channels import message_of
from holdfast.gateway.compat import Profile
from holdfast.gateway.effects import Close, Effect, Ping, Record, Send
from holdfast.gateway.moves import NEXT, PROVED, Message, State
from holdfast.gateway.overdue import TOLD, farewell, told_code
from holdfast.gateway.rates import Bucket
from holdfast.gateway.session import Session
from holdfast.gateway.settings import GatewaySettings
from holdfast.gateway.watch import Due, Watch
from holdfast.model import Identity, Registered, Step
from holdfast.model.events import EventKind
from holdfast.protocol import malformed
from holdfast.protocol.closes import CloseCode
from holdfast.protocol.envelope import Envelope, NotAnEnvelope, decode_envelope
from holdfast.protocol.limits import MALFORMED_IN_A_ROW

NOT_UTF8 = frozenset({"MSG-BAD-UTF8", "MSG-INTERLEAVED"})
CLOCK_STEP_S = 2.0
DENYING = frozenset({"ID-REVOKED"})


class Connection:
    """The core of one connection. The shell reads `session`, `watch` and `messages`, and sets nothing."""

    __slots__ = (
        "_bad_in_a_row",
        "_beaten",
        "_bucket",
        "_last_id",
        "_throttled",
        "beats",
        "clock_offset_s",
        "messages",
        "session",
        "watch",
    )

    def __init__(
        self, *, attempt: str, peer: str, nonce: str, profile: Profile, settings: GatewaySettings,
        challenges: Challenges, mono: float, claimed_host: str | None = None,
    ) -> None:  # fmt: skip
        self.session = Session(
            attempt=attempt, peer=peer, nonce=nonce, profile=profile, settings=settings, challenges=challenges,
            mono=mono, claimed_host=claimed_host,
        )  # fmt: skip
        self.watch: Watch = self.session.watch
        self.messages = self.beats = 0
        self._bucket = Bucket(settings.limits.message_burst, mono)
        self.clock_offset_s: float | None = None
        self._bad_in_a_row = 0
        self._throttled = 0
        self._beaten = False
        self._last_id: str | None = ""

    # ---- what the agent says

    def on_text(self, frame: bytes | bytearray, *, mono: float, wall: float) -> list[Effect]:
        """One text message, whole."""
        session = self.session
        if session.state is State.ENDED:
            return []
        self.messages += 1
        self.watch.spoke(mono)
        limits = session.settings.limits
        if not self._bucket.take(mono, rate=limits.messages_per_s, burst=limits.message_burst):
            return self._too_fast(wall)
        self._throttled = max(0, self._throttled - 1)
        try:
            envelope = decode_envelope(frame)
        except NotAnEnvelope:
            return self._malformed(malformed.name_frame(bytes(frame), now=wall), wall, malformed.origin(bytes(frame)))
        if envelope.id == self._last_id:
            self._last_id = None  # told once per connection
            return [self._same_id(envelope, wall), *self._read(envelope, mono=mono, wall=wall)]
        if self._last_id is not None:
            self._last_id = envelope.id
        return self._read(envelope, mono=mono, wall=wall)

    def _read(self, envelope: Envelope, *, mono: float, wall: float) -> list[Effect]:
        session = self.session
        try:
            message = message_of(envelope, uid=session.agent_uid, host_id=session.host_id, now=wall)
            if message is Message.BEAT and session.state in PROVED:
                return self._beat(envelope, wall)
            return self._move(message, envelope, mono=mono, wall=wall)
        except Refused as refusal:
            if refusal.problem.code.startswith("MSG-"):
                return self._malformed(refusal.problem, wall, envelope)
            return session.refuse(refusal.problem, wall, envelope)

    def on_binary(self, data: bytes, *, mono: float, wall: float) -> list[Effect]:
        """One binary message: never accepted, always named."""
        if self._has_ended():
            return []
        self.messages += 1
        self.watch.spoke(mono)
        return self._malformed(malformed.binary_frame(data), wall)

    def on_violation(self, wrong: Problem, *, wall: float) -> list[Effect]:
        """The bytes broke RFC 6455 or the size limit; the shell has closed already."""
        if self._has_ended():
            return []
        self.session.state = State.ENDED
        return self.session.refuse(wrong, wall)

    def _beat(self, envelope: Envelope, wall: float) -> list[Effect]:
        session = self.session
        self._bad_in_a_row = 0
        self.beats += 1
        effects: list[Effect] = []
        if session.answers.profile.acks_heartbeats:
            effects.append(Send(session.answers.ack(envelope, wall)))
        if not self._beaten:
            self._beaten = True
            effects.append(session.record(EventKind.FIRST_HEARTBEAT, wall, step=Step.FIRST_HEARTBEAT))
        offset = envelope.timestamp - wall
        if self.clock_offset_s is None or abs(offset - self.clock_offset_s) > CLOCK_STEP_S:
            effects.append(self._clock(offset, wall))
        return effects

    def _move(self, message: Message, envelope: Envelope, *, mono: float, wall: float) -> list[Effect]:
        session = self.session
        if message is Message.DATA and session.pending:
            return session.refuse(problem("ID-PENDING"), wall, envelope)
        if message is Message.INIT and session.challenge is not None and registering.is_completion(envelope):
            message = Message.COMPLETE
        if (session.state, message) not in NEXT:
            return session.refuse(self._illegal(message), wall, envelope)
        if message is Message.INIT:
            effects = registering.init(session, envelope, wall)
        elif message is Message.COMPLETE:
            effects = registering.complete(session, envelope, mono=mono, wall=wall)
        elif message is Message.AUTH:
            effects = resuming.auth(session, envelope, wall)
        else:
            effects = [Send(session.answers.ack(envelope, wall))] if envelope.type == "request" else []
        self._bad_in_a_row = 0
        if self.messages == 1:
            first = session.record(EventKind.FIRST_MESSAGE, wall, step=Step.FIRST_MESSAGE)
            return [first, self._clock(envelope.timestamp - wall, wall), *effects]
        return effects

    def _illegal(self, message: Message) -> Problem:
        if message is not Message.COMPLETE:
            return problem("MSG-BEFORE-REGISTERED", why="this connection has neither registered nor resumed")
        if self.session.confirmed:
            return problem("REG-ID-USED", why="this connection is registered already; a challenge works once")
        return problem("REG-COMPLETE-FIRST", why="no agent.registration was answered on this connection")

    # ---- what the registry answers

    def on_admitted(self, *, registration_id: str, nonce: str, mono: float, wall: float) -> list[Effect]:
        """The claim may be challenged: `registration_id` is fresh, `nonce` base64 of 32 fresh random bytes."""
        if self._has_ended():
            return []
        return registering.challenge(self.session, registration_id=registration_id, nonce=nonce, mono=mono, wall=wall)

    def on_registered(self, registered: Registered, *, wall: float) -> list[Effect]:
        """The registration is durable."""
        has_ended = self._has_ended()
        effects = registering.confirm(self.session, registered, wall=wall)
        if has_ended:  # the agent cannot be told any more, the record has to be
            self.session.state = State.ENDED
            return [effect for effect in effects if isinstance(effect, Record)]
        return effects

    def on_identified(self, identity: Identity | None, *, wall: float) -> list[Effect]:
        """Who holds the proved key; None where nobody is registered under it."""
        if self._has_ended():
            return []
        try:
            return resuming.resume(self.session, identity, wall=wall)
        except Refused as refusal:
            return self.on_refused(refusal.problem, wall=wall)

    def on_refused(
        self, refused: Problem, *, wall: float, operator: Mapping[str, str] = MappingProxyType({})
    ) -> list[Effect]:
        """The registry, the store or the explainer said no; `operator` is recorded and not told to the agent."""
        if self._has_ended():
            return []
        effects = self.session.refuse(refused, wall, self.session.asked, operator)
        if refused.code in DENYING:
            effects.append(self._end(CloseCode.DENIED, refused))
        elif refused.code.startswith("SRV-") and self.session.agent_uid is None:
            effects.append(self._end(CloseCode.TRY_LATER, refused))
        return effects

    # ---- what time brings

    def on_wake(self, *, mono: float, wall: float) -> list[Effect]:
        """`watch.wake_at` has come."""
        if self._has_ended():
            return []
        effects: list[Effect] = []
        for due in self.watch.due(mono, self.session.settings):
            if due is Due.PING:
                effects.append(Ping())
                if self.session.answers.profile.wants_news and self.session.state in PROVED:
                    effects.append(Send(self.session.answers.event("agent.keepalive", {}, wall)))
            elif due in TOLD:
                effects.append(self._told(due, wall))
            else:
                why, code = farewell(due, self.session, messages=self.messages)
                return [*effects, *self._close(why, code, wall)]
        return effects

    def _told(self, due: Due, wall: float) -> Record:
        if due is Due.NO_HEARTBEAT:
            self._beaten = False  # the next one is news again
        pings = self.watch.pings_seen
        told = self.session.record(TOLD[due][0], wall, pings=pings, messages=self.messages)
        return Record(msgspec.structs.replace(told.event, code=told_code(due, pings=pings)))

    # ---- what the gateway wants

    def on_approved(self, *, wall: float) -> list[Effect]:
        """An operator let a pending agent in: tell it, nothing else has to happen."""
        session = self.session
        if not session.pending or self._has_ended():
            return []
        session.pending = False
        told = {"agent_uid": session.agent_uid, "status": "registered", "heartbeat_interval": session.heartbeat_s}
        return [Send(session.answers.event("agent.registration", told, wall))]

    def on_replaced(self, *, by: str, wall: float) -> list[Effect]:
        """A newer connection of the same agent registered or resumed: the newer one wins."""
        if self._has_ended():
            return []
        newer = problem("LIFE-DUPLICATE-SESSION", why=f"the same agent connected again as attempt {by}")
        replaced = self.session.record(EventKind.REPLACED, wall, by=by)
        return [replaced, *self._close(newer, CloseCode.REPLACED, wall)]

    def on_dismissed(self, reason: Problem, code: CloseCode, *, wall: float) -> list[Effect]:
        """The gateway stops, sheds load, or an operator disconnects or revokes this agent."""
        return [] if self._has_ended() else self._close(reason, code, wall)

    # ---- endings

    def _has_ended(self) -> bool:
        """Whether a close was sent. What still comes in, or was still being asked, is too late."""
        return self.session.state is State.ENDED

    def _malformed(self, wrong: Problem, wall: float, asked: Envelope | malformed.Origin | None = None) -> list[Effect]:
        self._bad_in_a_row += 1
        effects = self.session.refuse(wrong, wall, asked)
        if wrong.code in NOT_UTF8:  # RFC 6455, 8.1: text that is no UTF-8 fails the connection
            effects.append(self._end(CloseCode.INVALID_DATA, wrong))
        elif self._bad_in_a_row >= MALFORMED_IN_A_ROW:
            effects.append(self._end(CloseCode.BAD_MESSAGES, wrong))
        return effects

    def _too_fast(self, wall: float) -> list[Effect]:
        limits = self.session.settings.limits
        self._throttled += 1
        limited = problem(
            "RATE-LIMITED",
            why=f"more than {limits.messages_per_s:g} messages/s after a burst of {limits.message_burst}",
            retry_after_s=round(self._bucket.wait_s(limits.messages_per_s), 3),
        )
        if self._throttled > limits.message_burst:
            return self._close(limited, CloseCode.TOO_FAST, wall)
        # One answer per burst: an answer to every refused message would help the flood.
        return self.session.refuse(limited, wall) if self._throttled == 1 else []

    def _close(self, why: Problem, code: CloseCode, wall: float) -> list[Effect]:
        return [*self.session.refuse(why, wall), self._end(code, why)]

    def _end(self, code: CloseCode, why: Problem) -> Close:
        self.session.state = State.ENDED
        return Close(code, why.close_reason())

    def _same_id(self, envelope: Envelope, wall: float) -> Record:
        # Accepted all the same: agents in the field count in whole seconds or not at all.
        why = f"two messages in a row came with id {printable(envelope.id, 40)!r}"
        odd = self.session.record(EventKind.ODD, wall, what="a message id was used twice", why=why)
        return Record(msgspec.structs.replace(odd.event, code="MSG-ID-DUPLICATE"))

    def _clock(self, offset: float, wall: float) -> Record:
        self.clock_offset_s = offset
        return self.session.record(EventKind.CLOCK, wall, offset_s=round(offset, 1))
