"""`holdfast findings` as people run it, on recordings, without a server."""

from pathlib import Path

import msgspec

from holdfast.diagnosis.recording import Recorder
from holdfast.model.finding_documents import FindingDocument
from tests.cli.commands import holdfast
from tests.diagnosis.fleet import Gateway, Host


class Listed(msgspec.Struct):
    """What `--json` prints."""

    findings: list[FindingDocument]


def recorded(folder: Path) -> Path:
    gateway = Gateway()
    for _ in range(17):
        link = gateway.connect(Host("web-01")).first_message().init().challenge().complete()
        link.refuse("SIG-ORDER", why="it verifies over server_time + nonce + host_id", tried=12)
        gateway.wait(10)
    path = folder / "events.jsonl"
    recorder = Recorder(path)
    for event in gateway.events:
        recorder.record(event)
    recorder.close()
    return path


def test_a_replay_lists_what_the_recording_shows(tmp_path: Path) -> None:
    ran = holdfast("findings", "replay", str(recorded(tmp_path)), columns=140)

    assert ran.code == 0
    assert "SIG-ORDER" in ran.out
    assert "web-01 (claimed)" in ran.out
    assert ran.err == "1 finding\n"


def test_a_replay_in_json_has_the_documents_of_the_api(tmp_path: Path) -> None:
    ran = holdfast("findings", "replay", str(recorded(tmp_path)), "--json")

    (found,) = msgspec.json.decode(ran.out, type=Listed).findings
    assert (found.code, found.count, found.confidence) == ("SIG-ORDER", 17, 1.0)
    assert found.evidence[0]["tried"] == 12


def test_a_file_that_is_no_recording_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")

    ran = holdfast("findings", "replay", str(path))

    assert ran.code == 1
    assert "line 1 of notes.txt is no event" in ran.err
    assert "Traceback" not in ran.err


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    ran = holdfast("findings", "replay", str(tmp_path / "none.jsonl"))

    assert ran.code == 2
    assert "No such file or directory" in ran.err
