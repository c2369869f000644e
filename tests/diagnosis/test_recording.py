"""Recorded events are replayed to the same findings."""

from pathlib import Path

import msgspec
import pytest

from holdfast.diagnosis.recording import Recorder, findings_of, read_events, replay
from holdfast.faults import Refused
from holdfast.model.events import Event, EventKind
from tests.diagnosis.fleet import Gateway, Host


def story() -> Gateway:
    gateway, agent = Gateway(ping_interval_s=600.0), Host()
    for age in (75.0, 130.0, 90.0):
        link = gateway.join(agent)
        gateway.wait(age)
        link.end(heard_s=60.0, pinged_s=None)
        gateway.wait(1)
    gateway.connect(Host("bad")).refuse("MSG-NOT-JSON")
    return gateway


def test_a_recording_replayed_gives_the_findings_that_were_given_live(tmp_path: Path) -> None:
    gateway = story()
    recorder = Recorder(tmp_path / "events.jsonl")
    for event in gateway.events:
        recorder.record(event)
    recorder.close()

    replayed = findings_of(replay(read_events(tmp_path / "events.jsonl")))

    assert {finding.id: finding for finding in replayed} == gateway.findings


def test_a_recording_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = story().events
    for part in (events[:5], events[5:]):
        recorder = Recorder(path)
        for event in part:
            recorder.record(event)
        recorder.close()

    assert list(read_events(path)) == events
    assert path.stat().st_mode & 0o077 == 0


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    whole = msgspec.json.encode(Event(at=1.0, kind=EventKind.GATEWAY_STARTED))
    path.write_bytes(whole + b"\n" + whole[:10])

    assert [event.at for event in read_events(path)] == [1.0]


def test_a_line_that_is_no_event_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"at": 1.0, "kind": "gateway.started"}\n{"at": "x"}\n')

    with pytest.raises(Refused) as refused:
        list(read_events(path))

    assert refused.value.problem.what == "line 2 of events.jsonl is no event"
    assert "str" in refused.value.problem.why
