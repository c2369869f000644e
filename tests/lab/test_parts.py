"""The laboratory's tools: clocks, frames, subjects, specs, and the judgement over a verdict."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.config.model import Limits, Timeouts
from holdfast.faults import Blame
from holdfast.lab import INJECTIONS, Outcome
from holdfast.lab.frames import BINARY, TEXT, close_frame, frame, take_frames
from holdfast.lab.results import judge
from holdfast.lab.specs import PlaneSpec
from holdfast.lab.subjects import Subject, Told
from holdfast.lab.verdicts import Named
from holdfast.lab.warp import clock


def test_a_fast_clock_was_right_at_its_epoch_and_runs_ahead_from_then_on() -> None:
    epoch = time.time() - 6.0

    fast = clock(epoch=epoch, speed=10.0)()
    ahead = clock(epoch=epoch, speed=1.0, ahead_s=600.0)()

    assert fast - epoch == pytest.approx(60.0, abs=2.0)
    assert ahead - time.time() == pytest.approx(600.0, abs=0.5)


@given(st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), st.binary(max_size=300)), max_size=4), st.data())
def test_frames_come_out_as_they_went_in_wherever_the_bytes_were_cut(
    messages: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    wire = b"".join(frame(payload, opcode, mask=False) for opcode, payload in messages)
    cut = data.draw(st.integers(0, len(wire)))
    buffer = bytearray(wire[:cut])
    taken = list(take_frames(buffer))
    buffer += wire[cut:]

    assert taken + list(take_frames(buffer)) == messages


def test_a_close_frame_may_carry_a_code_that_must_not_be_sent() -> None:
    head, payload = close_frame(1006)[:2], close_frame(1006)[6:]

    assert head == bytes([0x88, 0x82])
    assert len(payload) == 2


def test_a_subject_knows_its_findings_by_host_address_attempt_and_uid_and_no_others() -> None:
    mine, other = Subject("SIG-ORDER"), Subject("SIG-ORDER")
    host, address = mine.new_host(), mine.new_address()
    mine.attempts.add("a-1")
    mine.uids.add("agt_1")

    assert mine.matches(Told(host_id=host))
    assert mine.matches(Told(peer=f"{address}:1234"))
    assert mine.matches(Told(attempt="a-1"))
    assert mine.matches(Told(agent_uid="agt_1"))
    assert not mine.matches(Told(gateway=True))
    assert not mine.matches(Told(host_id=other.new_host(), peer=other.new_address()))


def test_a_spec_says_in_the_environment_what_differs_from_the_defaults() -> None:
    spec = PlaneSpec(name="x", timeouts=Timeouts(drain_s=1.0), limits=Limits(max_connections=2), registration="token")

    assert spec.environ() == {
        "HOLDFAST_REGISTRATION": "token",
        "HOLDFAST_TIMEOUTS__DRAIN_S": "1",
        "HOLDFAST_LIMITS__MAX_CONNECTIONS": "2",
    }


@pytest.mark.parametrize(
    ("named", "outcome"),
    [
        (Named(code="LIFE-NO-PONG", blame=Blame.AGENT), Outcome.NAMED),
        (Named(code="LIFE-NO-PONG", blame=Blame.HOST), Outcome.AREA),
        (Named(code="LIFE-NO-PONG", blame=Blame.AGENT, also=("LIFE-FROZEN",)), Outcome.BLURRED),
        (Named(code="LIFE-FROZEN", blame=Blame.HOST), Outcome.AREA),
        (Named(code="SIG-ORDER", blame=Blame.AGENT), Outcome.MISSED),
        (None, Outcome.MISSED),
    ],
)
def test_a_verdict_is_judged_by_code_blame_and_what_stands_beside_it(named: Named | None, outcome: Outcome) -> None:
    assert judge(INJECTIONS["LIFE-NO-PONG"], named, 1.0).outcome is outcome
