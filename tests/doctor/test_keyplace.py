"""Where the agent's key lies and who uses it."""

import os
from pathlib import Path

import pytest

from holdfast.agent.keyring import Keyring
from holdfast.doctor import Surroundings
from holdfast.doctor.keyplace import file_system, fleeting, user_of


def mounted(root: Path, *lines: str) -> Surroundings:
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc" / "mounts").write_text("".join(f"{line}\n" for line in lines))
    return Surroundings(root=root, environ={})


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/var/lib/holdfast", "ext4"), ("/run/holdfast", "tmpfs"), ("/runner/state", "overlay"), ("/my disk/x", "xfs")],
)
def test_the_longest_mount_that_holds_the_folder_says_its_kind(tmp_path: Path, folder: str, kind: str) -> None:
    mounted(tmp_path, "o / overlay rw 0 0", "t /run tmpfs rw 0 0", "d /var ext4 rw 0 0", r"e /my\040disk xfs rw 0 0")

    assert file_system(Path(folder), tmp_path) == kind


def test_a_mount_over_another_hides_it(tmp_path: Path) -> None:
    mounted(tmp_path, "a / ext4 rw 0 0", "b /data xfs rw 0 0", "c /data tmpfs rw 0 0")

    assert file_system(Path("/data/state"), tmp_path) == "tmpfs"


def test_a_key_in_memory_is_lost_with_the_machine(tmp_path: Path) -> None:
    found = fleeting(Path("/run/holdfast"), mounted(tmp_path, "t /run tmpfs rw 0 0"))

    assert found is not None
    assert (found.code, "at the next restart" in found.why) == ("KEY-REGENERATED", True)


def test_a_key_in_a_containers_own_layer_is_lost_with_the_container_and_nowhere_else(tmp_path: Path) -> None:
    here = mounted(tmp_path, "o / overlay rw 0 0")
    assert fleeting(Path("/srv/state"), here) is None

    (tmp_path / ".dockerenv").touch()
    found = fleeting(Path("/srv/state"), here)
    assert found is not None
    assert "with this container (Docker)" in found.why


def test_an_agent_that_runs_is_known_by_its_lock_and_gone_when_it_ends(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path / "state")

    assert user_of(tmp_path / "state", Path("/")) == os.getpid()
    keyring.close()
    assert user_of(tmp_path / "state", Path("/")) is None
