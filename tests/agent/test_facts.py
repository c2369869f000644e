"""What an agent tells of its host and its last run."""

from pathlib import Path

import msgspec

from holdfast.agent.facts import RUN_FILE, begin_run, end_run, gather_facts


def test_the_first_run_knows_of_none_before_it(tmp_path: Path) -> None:
    assert begin_run(tmp_path, gather_facts()) is None


def test_a_run_that_noted_its_end_is_told_by_the_next(tmp_path: Path) -> None:
    facts = gather_facts()
    begin_run(tmp_path, facts)
    end_run(tmp_path, facts, ended="clean")

    assert begin_run(tmp_path, gather_facts()) == "clean"


def test_a_run_that_noted_no_end_was_killed(tmp_path: Path) -> None:
    begin_run(tmp_path, gather_facts())

    assert begin_run(tmp_path, gather_facts()) == "killed"


def test_a_run_that_noted_no_end_before_another_boot_went_down_with_its_host(tmp_path: Path) -> None:
    begin_run(tmp_path, msgspec.structs.replace(gather_facts(), boot_id="earlier"))

    assert begin_run(tmp_path, gather_facts()) == "reboot"


def test_a_damaged_note_is_as_none(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_bytes(b"\xff{")

    assert begin_run(tmp_path, gather_facts()) is None


def test_each_process_is_an_instance_of_its_own_on_the_same_boot() -> None:
    first, second = gather_facts(), gather_facts()

    assert first.instance != second.instance
    assert (first.boot_id, first.machine_id_hash) == (second.boot_id, second.machine_id_hash)


def test_the_machine_id_itself_is_never_told() -> None:
    shown = msgspec.json.encode(gather_facts()).decode()
    machine_id = Path("/etc/machine-id")

    assert (
        not machine_id.exists() or machine_id.read_text().strip() == "" or machine_id.read_text().strip() not in shown
    )
