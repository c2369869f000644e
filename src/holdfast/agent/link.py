"""The agent's side of a connection: one event in, effects out. No socket, no clock, no randomness.

The shell performs the effects in order and feeds one event at a time. An event that the state has no use for (a message
after a close, a late timer) changes nothing. Legal moves are `status.NEXT`; what may be answered is `ANSWERS`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

from holdfast.agent import messages
from holdfast.agent.backoff import Backoff, comes_back
from holdfast.agent.events import (
    Close,
    Connect,
    Connected,
    DialFailed,
    Effect,
    Event,
    Lost,
    Moment,
    Received,
    Remember,
    Report,
    Send,
    Started,
    StopAsked,
    WakeAt,
    Woke,
)
from holdfast.agent.messages import ChallengeRead, ErrorRead, Standing, read_payload
from holdfast.agent.requests import Requests
from holdfast.agent.status import ASKING, CONNECTED, ENDED, NEXT, State, Status
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, printable
from holdfast.protocol.closes import CloseCode
from holdfast.protocol.envelope import Envelope, MessageType, NotAnEnvelope, decode_envelope
from holdfast.protocol.limits import HEARTBEAT_INTERVAL_S

ANSWER_S: Final = 15.0  # a gateway confirms only what is durable: seconds under load, never this long
STABLE_S: Final = 30.0  # a connection that lasted this long was a success: the next failure is the first one
ANNOUNCED_S: Final = 10.0  # an error explains the close that follows it within this time
UNANSWERED_BEATS: Final = 3
MIN_INTERVAL_S: Final = 0.1
MAX_INTERVAL_S: Final = 3600.0
SETTLED: Final[Mapping[tuple[State, State], str]] = {
    (State.AUTHENTICATING, State.READY): "agent.resumed",
    (State.AUTHENTICATING, State.PENDING): "agent.pending",
    (State.COMPLETING, State.READY): "agent.registered",
    (State.COMPLETING, State.PENDING): "agent.pending",
    (State.READY, State.PENDING): "agent.pending",
    (State.PENDING, State.READY): "agent.approved",
}
REGISTER_AGAIN: Final = frozenset({"MSG-BEFORE-REGISTERED", "REG-INIT-MISSING"})


class Link:
    """The core. `uid` is known where the agent registered before; it then resumes by `auth`."""

    def __init__(
        self,
        *,
        requests: Requests,
        uid: str | None,
        backoff: Backoff,
        max_interval_s: float | None = None,
    ) -> None:
        self.status = Status(state=State.IDLE, since=0.0, uid=uid)
        self._requests = requests
        self._resume = uid is not None
        self._backoff = backoff
        self._max_interval_s = max_interval_s
        self._interval_s = HEARTBEAT_INTERVAL_S
        self._asked = ""  # id of the request that waits for its answer
        self._failures = 0
        self._settled_at = math.inf
        self._unanswered = 0
        self._announced: tuple[float, Problem] | None = None

    def handle(self, event: Event, at: Moment) -> list[Effect]:
        """Take one event. The effects are to be performed in order, before the next event."""
        state = self.status.state
        match event:
            case Started() if state is State.IDLE:
                return self._dial(at)
            case Connected() if state is State.DIALLING:
                return self._on_connected(event, at)
            case DialFailed() if state is State.DIALLING:
                return self._fail(event.problem, at)
            case Received() if state in CONNECTED:
                return self._on_received(event.frame, at)
            case Lost() if state in CONNECTED:
                return self._on_lost(event, at)
            case Woke():
                return self._on_woke(at)
            case StopAsked() if state not in ENDED:
                return self._on_stop(at)
            case _:
                return []

    # Connecting and ending

    def _dial(self, at: Moment) -> list[Effect]:
        self._enter(State.DIALLING, at, found=self.status.problem)
        return [Connect()]

    def _on_connected(self, event: Connected, at: Moment) -> list[Effect]:
        self._announced, self._settled_at = None, math.inf
        if self._resume:
            nonce = event.challenge or event.own_nonce
            auth = self._requests.auth(uid=self.status.uid or "", nonce=nonce, at=at)
            start = self._ask(State.AUTHENTICATING, auth, at, attempt=event.attempt)
        else:
            start = self._register(at, attempt=event.attempt)
        return [*start, Report("agent.connected", facts={"attempt": event.attempt})]

    def _on_lost(self, event: Lost, at: Moment) -> list[Effect]:
        if event.close_code == CloseCode.REGISTER_FIRST:
            self._resume = False
        found = event.problem
        if self._announced is not None and at.monotonic - self._announced[0] <= ANNOUNCED_S:
            found = self._announced[1]
        return self._fail(found, at, close_code=event.close_code)

    def _fail(self, found: Problem, at: Moment, *, close_code: int | None = None) -> list[Effect]:
        """The attempt or the connection is over: plan the next one, or end where coming back is forbidden."""
        facts: dict[str, str | int | float | None] = {"attempt": self.status.attempt, "close_code": close_code}
        name = "agent.unreachable" if self.status.state is State.DIALLING else "agent.lost"
        if not comes_back(close_code=close_code, fault_code=found.code):
            self._enter(State.REFUSED, at, found=found, attempt=self.status.attempt)
            return [Report("agent.refused", "error", found, facts)]
        if at.monotonic - self._settled_at >= STABLE_S:
            self._failures = 0
        self._settled_at = math.inf
        self._failures += 1
        delay_s = self._backoff.delay_s(failures=self._failures, draw=at.draw, retry_after_s=found.retry_after_s)
        self._enter(State.BACKING_OFF, at, found=found, retry_in_s=delay_s)
        facts |= {"failures": self._failures, "retry_in_s": round(delay_s, 1)}
        return [WakeAt(at.monotonic + delay_s), Report(name, "warning", found, facts)]

    def _hang_up(self, found: Problem, at: Moment, code: int = CloseCode.GOING_AWAY) -> list[Effect]:
        """End the connection ourselves because of `found`."""
        return [Close(code, found.close_reason()), *self._fail(found, at)]

    def _on_stop(self, at: Moment) -> list[Effect]:
        # 1001, not 1000: a process that ends is going away; 1000 would read as "I am done" (LIFE-CLOSED-1000).
        close: list[Effect] = [Close(CloseCode.GOING_AWAY, "the agent was stopped")]
        was_connected = self.status.state in CONNECTED
        self._enter(State.STOPPED, at)
        return [*(close if was_connected else []), Report("agent.stopped")]

    # Timers

    def _on_woke(self, at: Moment) -> list[Effect]:
        state = self.status.state
        if state is State.BACKING_OFF:
            return self._dial(at)
        if state in ASKING:
            return self._hang_up(messages.silence_problem(f"{state} for {ANSWER_S:.0f} s"), at)
        if state in CONNECTED:
            if self._unanswered >= UNANSWERED_BEATS:
                return self._hang_up(messages.silence_problem(f"{self._unanswered} heartbeats"), at)
            return self._beat(at)
        return []

    def _beat(self, at: Moment) -> list[Effect]:
        self._unanswered += 1
        # Slightly early, each time by another amount, so that agents which started together drift apart.
        wake = WakeAt(at.monotonic + self._interval_s * (0.9 + 0.1 * at.draw))
        return [Send(self._requests.heartbeat(at)), wake]

    # Asking

    def _register(self, at: Moment, *, attempt: str | None) -> list[Effect]:
        return self._ask(State.REGISTERING, self._requests.init(at), at, attempt=attempt)

    def _ask(self, state: State, request: bytes, at: Moment, *, attempt: str | None) -> list[Effect]:
        self._enter(state, at, attempt=attempt, found=self.status.problem)
        self._asked = self._requests.last_id
        return [Send(request), WakeAt(at.monotonic + ANSWER_S)]

    # Hearing

    def _on_received(self, frame: bytes, at: Moment) -> list[Effect]:
        try:
            message = decode_envelope(frame)
        except NotAnEnvelope as error:
            found = problem("MSG-NOT-JSON", what="the gateway sent what is no message", why=printable(str(error), 200))
            return [Report("agent.message_refused", "warning", found)]
        self._unanswered = 0
        if message.type == "error":
            return self._on_error(message, at)
        answer = ANSWERS.get((self.status.state, message.type, message.channel))
        # What nobody asked for, or is newer than this agent, is no fault: `agent.action` will be a row of the table.
        stale = self.status.state in ASKING and message.headers.get("reply_to", self._asked) != self._asked
        return [] if answer is None or stale else answer(self, message, at)

    def _on_error(self, message: Envelope, at: Moment) -> list[Effect]:
        error = read_payload(message, ErrorRead)
        found = error if isinstance(error, Problem) else messages.problem_of_error(error)
        self._announced = (at.monotonic, found)
        report = Report("agent.message_refused", "warning", found, {"attempt": self.status.attempt})
        if not comes_back(close_code=None, fault_code=found.code):
            return self._hang_up(found, at)
        if self.status.state is State.AUTHENTICATING and found.retry_after_s is None:
            # Whatever is wrong with the proof, a registration on the same connection mends it, or says better why not.
            self._resume = False
            return [*self._register(at, attempt=self.status.attempt), report]
        if self.status.state in ASKING:
            return self._hang_up(found, at)
        if found.code in REGISTER_AGAIN:
            return [*self._register(at, attempt=self.status.attempt), report]
        if found.retry_after_s is not None:
            pause_s = min(found.retry_after_s, MAX_INTERVAL_S)
            return [WakeAt(at.monotonic + max(pause_s, self._interval_s)), report]
        return [report]

    def _on_challenge(self, message: Envelope, at: Moment) -> list[Effect]:
        challenge = read_payload(message, ChallengeRead)
        if isinstance(challenge, Problem):
            return self._hang_up(challenge, at, CloseCode.PROTOCOL_ERROR)
        if found := messages.challenge_problem(challenge):
            return self._hang_up(found, at, CloseCode.PROTOCOL_ERROR)
        complete = self._requests.complete(challenge, at)
        asked = self._ask(State.COMPLETING, complete, at, attempt=self.status.attempt)
        # A warning only: a registration does not depend on clocks. TLS does, and `auth` without a challenge.
        skew = messages.clock_problem(challenge.server_time, unix_s=at.unix)
        return asked if skew is None else [*asked, Report("agent.clock_differs", "warning", skew)]

    def _on_standing(self, message: Envelope, at: Moment) -> list[Effect]:
        """The answer to `auth` or to complete, or a later change: approved, say."""
        standing = read_payload(message, Standing)
        if isinstance(standing, Problem):
            return self._hang_up(standing, at, CloseCode.PROTOCOL_ERROR)
        if not standing.success:
            self._resume = False
            return self._register(at, attempt=self.status.attempt)
        return self._settle(standing, at)

    def _settle(self, standing: Standing, at: Moment) -> list[Effect]:
        before, uid = self.status, standing.agent_uid or self.status.uid
        state = State.PENDING if standing.status == "pending" else State.READY
        if state is before.state:
            return []
        effects: list[Effect] = []
        if before.state in ASKING:
            self._settled_at, self._unanswered, self._resume = at.monotonic, 0, uid is not None
            self._interval_s = self._interval(standing.heartbeat_interval)
            effects.append(WakeAt(at.monotonic + self._interval_s * at.draw))
        if uid is not None and before.state is not State.AUTHENTICATING:
            effects.insert(0, Remember(uid))
        waiting = messages.pending_problem(uid) if state is State.PENDING else None
        self._enter(state, at, uid=uid, attempt=before.attempt, found=waiting)
        facts: dict[str, str | int | float | None] = {"uid": uid, "attempt": before.attempt}
        facts["heartbeat_s"] = self._interval_s
        return [*effects, Report(SETTLED[before.state, state], "info", waiting, facts)]

    def _interval(self, wanted_s: float) -> float:
        """The gateway's interval; the owner may shorten it, never stretch it, since the gateway counts on it."""
        if self._max_interval_s is not None:
            wanted_s = min(wanted_s, self._max_interval_s)
        return min(max(wanted_s, MIN_INTERVAL_S), MAX_INTERVAL_S)

    def _enter(
        self,
        state: State,
        at: Moment,
        *,
        uid: str | None = None,
        attempt: str | None = None,
        found: Problem | None = None,
        retry_in_s: float | None = None,
    ) -> None:
        assert state in NEXT[self.status.state], f"{self.status.state} never becomes {state}"
        self.status = Status(
            state=state,
            since=at.unix,
            uid=uid or self.status.uid,
            attempt=attempt,
            problem=found,
            retry_in_s=retry_in_s,
        )


Answer = Callable[[Link, Envelope, Moment], "list[Effect]"]
ANSWERS: Final[Mapping[tuple[State, MessageType, str], Answer]] = {
    (State.AUTHENTICATING, "response", messages.AUTH): Link._on_standing,
    (State.REGISTERING, "response", messages.INIT): Link._on_challenge,
    (State.COMPLETING, "response", messages.COMPLETE): Link._on_standing,
    (State.PENDING, "event", messages.INIT): Link._on_standing,
    (State.READY, "event", messages.INIT): Link._on_standing,
}
