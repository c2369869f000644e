"""The agent's core: events in, effects out, no event loop."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.agent.backoff import Backoff
from holdfast.agent.events import (
    Close,
    Connect,
    Connected,
    DialFailed,
    Effect,
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
from holdfast.agent.link import ANSWER_S, STABLE_S, Link
from holdfast.agent.requests import Requests
from holdfast.agent.signer import Signer
from holdfast.agent.status import State
from holdfast.faults import Problem, problem
from holdfast.protocol.envelope import (
    Envelope,
    MessageType,
    decode_base64,
    decode_envelope,
    encode_base64,
    encode_envelope,
    pack_payload,
    payload_json,
)
from holdfast.protocol.payloads import Auth, Complete, Init
from holdfast.protocol.signing import auth_text, registration_text, verifies

SIGNER = Signer(bytes(range(32)))
NONCE = encode_base64(bytes(32))
UNIX = 1_764_000_000.0
SERVER_TIME = "2025-11-24T16:00:00Z"  # UNIX in RFC 3339
UID = "agt_0123456789abcdef"
REFUSED = problem("NET-CONN-REFUSED")

EffectT = TypeVar("EffectT", Send, Close, WakeAt, Remember, Report)
PayloadT = TypeVar("PayloadT", Init, Complete, Auth)


def at(monotonic: float = 0.0, *, draw: float = 0.5) -> Moment:
    return Moment(monotonic, UNIX + monotonic, draw)


def new_link(*, uid: str | None = None, max_interval_s: float | None = None) -> Link:
    profile = Init(host_id="db-1", agent_pubkey=SIGNER.public_key, instance="i1", enrolment_token="secret-token")
    requests = Requests(signer=SIGNER, profile=profile, instance="i1")
    return Link(requests=requests, uid=uid, backoff=Backoff(), max_interval_s=max_interval_s)


def connected_link(*, uid: str | None = None) -> tuple[Link, Envelope]:
    """A link that just sent its first message, and that message."""
    link = new_link(uid=uid)
    link.handle(Started(), at())
    return link, sent(link.handle(Connected("att-1", NONCE, "own"), at()))


def ready_link() -> Link:
    link, init = connected_link()
    complete = sent(link.handle(challenge(init), at()))
    link.handle(confirmation(complete), at())
    assert link.status.state is State.READY
    return link


def standing(link: Link) -> tuple[State, Problem | None]:
    return link.status.state, link.status.problem


def of(kind: type[EffectT], effects: Sequence[Effect]) -> list[EffectT]:
    return [effect for effect in effects if isinstance(effect, kind)]


def sent(effects: Sequence[Effect]) -> Envelope:
    (send,) = of(Send, effects)
    return decode_envelope(send.frame)


def read(message: Envelope, kind: type[PayloadT]) -> PayloadT:
    return msgspec.json.decode(payload_json(message.payload), type=kind)


def said(kind: MessageType, channel: str, payload: object, to: Envelope | None = None) -> Received:
    headers = {} if to is None else {"reply_to": to.id}
    return Received(encode_envelope(Envelope("g-1", kind, channel, 0, pack_payload(payload), headers)))


def challenge(to: Envelope, *, nonce: str = NONCE, server_time: str = SERVER_TIME) -> Received:
    payload = {"registration_id": "r-1", "nonce": nonce, "server_time": server_time}
    return said("response", "agent.registration", payload, to)


def confirmation(to: Envelope, *, status: str = "registered", every_s: float = 20.0) -> Received:
    payload = {"agent_uid": UID, "status": status, "heartbeat_interval": every_s, "server_time": SERVER_TIME}
    return said("response", "agent.registration.complete", payload, to)


def error(code: str, *, to: Envelope | None = None, retry_after: float | None = None) -> Received:
    payload = {"code": code, "title": "t", "detail": "d", "fix": "f", "retry_after": retry_after}
    return said("error", "error" if to is None else to.channel, payload, to)


def test_a_new_agent_dials_and_sends_init_before_anything_else() -> None:
    link = new_link()

    assert link.handle(Started(), at()) == [Connect()]
    effects = link.handle(Connected("att-1", NONCE, "own"), at(1))

    assert isinstance(effects[0], Send)
    init = sent(effects)
    assert (init.type, init.channel, init.timestamp) == ("request", "agent.registration", int(UNIX) + 1)
    assert read(init, Init).agent_pubkey == SIGNER.public_key
    assert (link.status.state, link.status.attempt) == (State.REGISTERING, "att-1")


def test_the_challenge_is_answered_with_a_signature_over_nonce_time_and_host() -> None:
    link, init = connected_link()

    complete = sent(link.handle(challenge(init), at()))

    payload = read(complete, Complete)
    text = registration_text(nonce=NONCE, server_time=SERVER_TIME, host_id="db-1")
    assert (complete.channel, payload.registration_id) == ("agent.registration.complete", "r-1")
    assert verifies(decode_base64(SIGNER.public_key), text, decode_base64(payload.signature))


def test_a_confirmed_agent_remembers_its_uid_and_beats_within_the_first_interval() -> None:
    link, init = connected_link()
    complete = sent(link.handle(challenge(init), at()))

    effects = link.handle(confirmation(complete, every_s=20.0), at(3, draw=0.25))

    assert of(Remember, effects) == [Remember(UID)]
    assert of(WakeAt, effects) == [WakeAt(8.0)]
    assert [report.name for report in of(Report, effects)] == ["agent.registered"]
    assert (link.status.state, link.status.uid, link.status.problem) == (State.READY, UID, None)
    beat = sent(link.handle(Woke(), at(8)))
    assert (beat.type, beat.channel, beat.payload) == ("heartbeat", "agent.heartbeat", "")


def test_a_known_agent_proves_its_key_with_the_connections_challenge_as_nonce() -> None:
    link, first = connected_link(uid=UID)

    auth = read(first, Auth)
    text = auth_text(agent_id=UID, public_key=SIGNER.public_key, timestamp=int(UNIX), nonce=NONCE)
    assert (first.channel, auth.nonce, auth.agent_id) == ("auth", NONCE, UID)
    assert verifies(decode_base64(SIGNER.public_key), text, decode_base64(auth.signature))

    answer = {"success": True, "agent_uid": UID, "expires_at": 0, "heartbeat_interval": 20.0}
    effects = link.handle(said("response", "auth", answer, first), at())

    assert link.status.state is State.READY
    assert [report.name for report in of(Report, effects)] == ["agent.resumed"]


def test_without_the_challenge_header_a_nonce_of_our_own_is_signed() -> None:
    link = new_link(uid=UID)
    link.handle(Started(), at())

    auth = read(sent(link.handle(Connected(None, None, "own-nonce"), at())), Auth)

    assert auth.nonce == "own-nonce"


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "register": True, "channel": "agent.registration", "message": "register first"},
        {"success": False},
    ],
)
def test_an_unknown_key_registers_on_the_same_connection(answer: dict[str, object]) -> None:
    link, auth = connected_link(uid=UID)

    effects = link.handle(said("response", "auth", answer, auth), at())

    assert sent(effects).channel == "agent.registration"
    assert of(Close, effects) == []


def test_an_error_to_auth_leads_to_a_registration_on_the_same_connection() -> None:
    link, auth = connected_link(uid=UID)

    assert sent(link.handle(error("CLK-SKEW", to=auth), at())).channel == "agent.registration"


def test_after_a_close_with_4401_the_next_connection_registers() -> None:
    link, _ = connected_link(uid=UID)
    link.handle(Lost(4401, problem("REG-INIT-MISSING")), at())
    link.handle(Woke(), at(1))

    assert sent(link.handle(Connected("att-2", NONCE, "own"), at(1))).channel == "agent.registration"


@pytest.mark.parametrize(
    ("nonce", "server_time", "field"),
    [
        ("short", SERVER_TIME, "payload.nonce"),
        (NONCE[:-1] + "\n", SERVER_TIME, "payload.nonce"),
        (encode_base64(bytes(33)), SERVER_TIME, "payload.nonce"),
        ("é" * 44, SERVER_TIME, "payload.nonce"),
        (NONCE, "2025-11-24 16:00:00Z", "payload.server_time"),
        (NONCE, "2025-11-24T16:00:00+01:00", "payload.server_time"),
        (NONCE, "2025-13-24T16:00:00Z", "payload.server_time"),
        (NONCE, "", "payload.server_time"),
    ],
)
def test_a_challenge_of_another_form_is_never_signed(nonce: str, server_time: str, field: str) -> None:
    link, init = connected_link()

    effects = link.handle(challenge(init, nonce=nonce, server_time=server_time), at())

    assert of(Send, effects) == []
    assert [close.code for close in of(Close, effects)] == [1002]
    assert link.status.state is State.BACKING_OFF
    assert link.status.problem is not None
    assert link.status.problem.field == field


@pytest.mark.parametrize(("theirs", "warned"), [("2025-11-24T16:04:59Z", False), ("2025-11-24T16:05:01Z", True)])
def test_a_clock_more_than_five_minutes_off_is_signed_all_the_same_and_reported(theirs: str, warned: bool) -> None:
    link, init = connected_link()

    effects = link.handle(challenge(init, server_time=theirs), at())

    assert sent(effects).channel == "agent.registration.complete"
    assert ["CLK-SKEW"] * warned == [r.problem.code for r in of(Report, effects) if r.problem is not None]


def test_a_pending_agent_stays_connected_says_so_and_hears_of_its_approval() -> None:
    link, init = connected_link()
    complete = sent(link.handle(challenge(init), at()))

    effects = link.handle(confirmation(complete, status="pending"), at())

    assert of(Close, effects) == []
    assert link.status.state is State.PENDING
    assert link.status.problem is not None
    assert link.status.problem.fix == f"Have the gateway's operator run `holdfast agents approve {UID}`"

    assert sent(link.handle(Woke(), at(20))).channel == "agent.heartbeat"
    answer = {"agent_uid": UID, "status": "registered", "heartbeat_interval": 20.0}
    effects = link.handle(said("event", "agent.registration", answer), at(20))

    assert [report.name for report in of(Report, effects)] == ["agent.approved"]
    assert standing(link) == (State.READY, None)


def test_plain_json_payloads_of_a_compatible_gateway_are_read_too() -> None:
    link, init = connected_link()
    payload = msgspec.json.encode({"registration_id": "r", "nonce": NONCE, "server_time": SERVER_TIME}).decode()

    plain = Envelope("g-1", "response", "agent.registration", 0, payload, {"reply_to": init.id})

    assert sent(link.handle(Received(encode_envelope(plain)), at())).channel == "agent.registration.complete"


def test_an_answer_to_another_request_is_not_taken_for_ours() -> None:
    link, init = connected_link()

    assert link.handle(challenge(msgspec.structs.replace(init, id="another")), at()) == []
    assert link.status.state is State.REGISTERING


def test_no_answer_in_time_ends_the_connection() -> None:
    link, _ = connected_link()

    effects = link.handle(Woke(), at(ANSWER_S))

    assert [close.code for close in of(Close, effects)] == [1001]
    assert link.status.state is State.BACKING_OFF
    assert link.status.problem is not None
    assert link.status.problem.code == "LIFE-HALF-OPEN"


def test_three_heartbeats_without_any_answer_end_the_connection() -> None:
    link = ready_link()
    for second in (20, 40, 60):
        assert len(of(Send, link.handle(Woke(), at(second)))) == 1

    effects = link.handle(Woke(), at(80))

    assert len(of(Close, effects)) == 1
    assert link.status.state is State.BACKING_OFF


def test_any_message_counts_as_an_answer_to_heartbeats() -> None:
    link = ready_link()
    for second in range(20, 400, 20):
        beat = sent(link.handle(Woke(), at(second)))
        link.handle(said("ack", beat.channel, {"server_time": SERVER_TIME}, beat), at(second))

    assert link.status.state is State.READY


@pytest.mark.parametrize("code", [4500, 4503, 4509, 4999])
def test_after_a_terminal_close_the_agent_never_dials_again(code: int) -> None:
    link = ready_link()

    effects = link.handle(Lost(code, problem("LIFE-DUPLICATE-SESSION")), at(1))

    assert link.status.state is State.REFUSED
    assert [report.level for report in of(Report, effects)] == ["error"]
    assert link.handle(Woke(), at(9999)) == []
    assert link.handle(Started(), at(9999)) == []


@pytest.mark.parametrize(
    "code", ["ID-REVOKED", "ID-TOKEN-EXPIRED", "ID-TOKEN-EXHAUSTED", "ID-TOKEN-INVALID", "ID-WRONG-ORG"]
)
def test_after_a_terminal_error_the_agent_closes_and_never_dials_again(code: str) -> None:
    link, init = connected_link()

    effects = link.handle(error(code, to=init), at())

    assert len(of(Close, effects)) == 1
    assert link.status.state is State.REFUSED
    assert link.status.problem is not None
    assert link.status.problem.code == code


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1009, 1011, 1012, 1013, 4000, 4400, 4401, 4408, 4429, 4499])
def test_after_every_other_end_the_agent_dials_again(code: int | None) -> None:
    link = ready_link()

    (wake,) = of(WakeAt, link.handle(Lost(code, problem("LIFE-NO-CLOSE-FRAME")), at(1)))

    assert link.handle(Woke(), at(wake.monotonic)) == [Connect()]


def test_a_failed_dial_is_reported_with_its_fix_and_the_time_of_the_next() -> None:
    link = new_link()
    link.handle(Started(), at())

    wake, report = link.handle(DialFailed(REFUSED), at(10, draw=0.5))

    assert wake == WakeAt(10.5)
    assert report == Report(
        "agent.unreachable",
        "warning",
        REFUSED,
        {"attempt": None, "close_code": None, "failures": 1, "retry_in_s": 0.5},
    )
    assert link.status.retry_in_s == 0.5


def test_the_wait_grows_with_each_failure_and_starts_anew_after_a_stable_connection() -> None:
    link = new_link()
    link.handle(Started(), at())
    waits = []
    for _ in range(9):
        link.handle(DialFailed(REFUSED), at(draw=1.0))
        waits.append(link.status.retry_in_s)
        link.handle(Woke(), at())
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]

    init = sent(link.handle(Connected("att", NONCE, "own"), at(100)))
    link.handle(confirmation(sent(link.handle(challenge(init), at(100)))), at(100))
    link.handle(Lost(1006, problem("LIFE-NO-CLOSE-FRAME")), at(100 + STABLE_S, draw=1.0))

    assert link.status.retry_in_s == 1


def test_a_connection_lost_at_once_does_not_start_the_waits_anew() -> None:
    link = new_link()
    link.handle(Started(), at())
    for _ in range(6):
        link.handle(DialFailed(REFUSED), at(draw=1.0))
        link.handle(Woke(), at())
    init = sent(link.handle(Connected("att", NONCE, "own"), at(100)))
    link.handle(confirmation(sent(link.handle(challenge(init), at(100)))), at(100))

    link.handle(Lost(1006, problem("LIFE-NO-CLOSE-FRAME")), at(101, draw=1.0))

    assert link.status.retry_in_s == 60


def test_a_restart_announced_with_retry_after_is_waited_out_with_jitter_above_it() -> None:
    link = ready_link()
    link.handle(error("LIFE-RESTART-1012", retry_after=20.0), at(5))

    link.handle(Lost(1012, problem("LIFE-RESTART-1012")), at(5, draw=0.5))

    assert link.status.retry_in_s == 25.0
    assert link.status.problem is not None
    assert link.status.problem.code == "LIFE-RESTART-1012"


def test_an_old_error_does_not_explain_a_later_loss() -> None:
    link = ready_link()
    link.handle(error("RATE-LIMITED", retry_after=20.0), at(5))

    link.handle(Lost(1006, problem("LIFE-NO-CLOSE-FRAME")), at(60, draw=0.5))

    assert link.status.problem is not None
    assert link.status.problem.code == "LIFE-NO-CLOSE-FRAME"


def test_a_refused_registration_is_tried_again_later() -> None:
    link, init = connected_link()

    effects = link.handle(error("SRV-DB-DOWN", to=init, retry_after=3.0), at(0, draw=0.0))

    assert len(of(Close, effects)) == 1
    assert link.status.retry_in_s == 3.0


def test_a_gateway_that_forgot_us_is_registered_with_again() -> None:
    link = ready_link()

    assert sent(link.handle(error("MSG-BEFORE-REGISTERED"), at())).channel == "agent.registration"


def test_a_slowed_agent_pauses_its_heartbeats() -> None:
    link = ready_link()

    effects = link.handle(error("RATE-LIMITED", retry_after=90.0), at(10))

    assert of(WakeAt, effects) == [WakeAt(100.0)]
    assert link.status.state is State.READY


@pytest.mark.parametrize(
    ("wanted", "own", "used"),
    [(20.0, None, 20.0), (20.0, 5.0, 5.0), (20.0, 60.0, 20.0), (0.0, None, 0.1), (1e9, None, 3600.0)],
)
def test_the_owner_may_shorten_the_heartbeat_interval_and_never_stretch_it(
    wanted: float, own: float | None, used: float
) -> None:
    link = new_link(max_interval_s=own)
    link.handle(Started(), at())
    init = sent(link.handle(Connected("att", NONCE, "own"), at()))
    complete = sent(link.handle(challenge(init), at()))

    assert of(WakeAt, link.handle(confirmation(complete, every_s=wanted), at(draw=1.0))) == [WakeAt(used)]


def test_stopping_a_connected_agent_says_going_away() -> None:
    link = ready_link()

    effects = link.handle(StopAsked(), at())

    assert effects == [Close(1001, "the agent was stopped"), Report("agent.stopped")]
    assert link.status.state is State.STOPPED
    assert link.handle(Woke(), at(100)) == []
    assert link.handle(Lost(1001, REFUSED), at(100)) == []


@pytest.mark.parametrize("started", [True, False])
def test_stopping_without_a_connection_closes_nothing(started: bool) -> None:
    link = new_link()
    if started:
        link.handle(Started(), at())

    assert link.handle(StopAsked(), at()) == [Report("agent.stopped")]


def test_messages_of_unknown_kinds_change_nothing() -> None:
    link = ready_link()

    assert link.handle(said("request", "agent.action", {"action_id": "a"}), at()) == []
    assert link.handle(said("event", "something.new", {}), at()) == []
    assert link.status.state is State.READY


def test_message_ids_are_never_used_twice_by_one_process() -> None:
    link = ready_link()
    ids = set()
    for second in range(1, 50):
        for effect in link.handle(Woke(), at(second)):
            if isinstance(effect, Send):
                message = decode_envelope(effect.frame)
                ids.add(message.id)
                link.handle(said("ack", message.channel, {}, message), at(second))

    assert len(ids) == 49


def test_reports_hold_no_key_token_signature_or_payload() -> None:
    link, init = connected_link()
    reports = of(Report, link.handle(challenge(init), at()))
    reports += of(Report, link.handle(Lost(1006, REFUSED), at()))

    shown = msgspec.json.encode(reports).decode() + repr(reports)

    assert "secret-token" not in shown
    assert SIGNER.public_key not in shown
    assert NONCE not in shown


FRAMES = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda kind, channel, payload: encode_envelope(Envelope("g", kind, channel, 0, payload)),
        st.sampled_from(("request", "response", "event", "ack", "error")),
        st.sampled_from(("auth", "agent.registration", "agent.registration.complete", "error")),
        st.one_of(
            st.text(max_size=40),
            st.dictionaries(
                st.sampled_from(("nonce", "server_time", "code", "status", "agent_uid", "success", "retry_after")),
                st.one_of(st.none(), st.booleans(), st.text(max_size=50), st.floats(allow_nan=False)),
            ).map(pack_payload),
        ),
    ),
)


@given(
    uid=st.sampled_from([None, UID]),
    events=st.lists(
        st.one_of(
            FRAMES.map(Received),
            st.just(Woke()),
            st.just(Connected("att", NONCE, "own")),
            st.just(DialFailed(REFUSED)),
            st.sampled_from([None, 1000, 1012, 4401]).map(lambda code: Lost(code, REFUSED)),
        ),
        max_size=30,
    ),
)
def test_whatever_a_gateway_sends_the_link_keeps_to_its_table(
    uid: str | None,
    events: list[Received | Woke | Connected | DialFailed | Lost],
) -> None:
    link = new_link(uid=uid)
    link.handle(Started(), at())

    for second, event in enumerate(events):
        effects = link.handle(event, at(second))
        assert len(of(WakeAt, effects)) <= 1
        assert all(wake.monotonic >= second for wake in of(WakeAt, effects))
