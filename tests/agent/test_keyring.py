"""The state folder, on a real file system."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.agent.keyring import KEY_FILE, LOCK_FILE, MEMORY_FILE, Keyring, Memory, default_folder, write_durably
from holdfast.faults import Refused

MEMORY = Memory(agent_uid="agt_0123456789abcdef", host_id="db-1", profile="p")


def opened_key(folder: Path) -> str:
    keyring = Keyring.open(folder)
    keyring.close()
    return keyring.signer.public_key


def refusal(folder: Path) -> Refused:
    with pytest.raises(Refused) as caught:
        Keyring.open(folder)
    return caught.value


def test_a_first_start_makes_a_private_folder_and_a_private_key(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"

    Keyring.open(folder).close()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {KEY_FILE: 0o600, LOCK_FILE: 0o600}


def test_a_permissive_umask_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Keyring.open(tmp_path / "state").close()
    finally:
        os.umask(before)

    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_the_key_and_the_uid_are_the_same_at_the_next_start(tmp_path: Path) -> None:
    first = Keyring.open(tmp_path)
    first.remember(MEMORY)
    first.close()

    second = Keyring.open(tmp_path)
    second.close()

    assert (second.signer.public_key, second.memory) == (first.signer.public_key, MEMORY)


@pytest.mark.parametrize("content", [b"", b"\n", b"not base64", b"AAAA\n", b"\xff\xfe", b"A" * 44, b"A" * 70_000])
def test_a_damaged_key_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    write_durably(tmp_path, KEY_FILE, content)

    refused = refusal(tmp_path)

    assert refused.problem.code == "KEY-REGENERATED"
    assert (tmp_path / KEY_FILE).read_bytes() == content


def test_the_text_of_a_damaged_key_is_not_repeated(tmp_path: Path) -> None:
    write_durably(tmp_path, KEY_FILE, b"c2VjcmV0IHNlZWQ=")

    assert "c2VjcmV0" not in str(refusal(tmp_path))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_key_that_others_can_read_or_write_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    opened_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)

    refused = refusal(tmp_path)

    assert f"{mode:04o}" in refused.problem.why
    assert f"chmod 600 {tmp_path / KEY_FILE}" in refused.problem.fix


def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    assert refusal(tmp_path).problem.fix == f"Run: chmod 700 {tmp_path}"


def test_a_key_behind_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    opened_key(tmp_path / "real")
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / KEY_FILE).symlink_to(tmp_path / "real" / KEY_FILE)

    assert refusal(tmp_path / "state").problem.code == "KEY-REGENERATED"


def test_a_lost_key_is_not_replaced_while_the_uid_says_that_there_was_one(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path)
    keyring.remember(MEMORY)
    keyring.close()
    (tmp_path / KEY_FILE).unlink()

    refused = refusal(tmp_path)

    assert "it is gone" in refused.problem.why
    assert str(tmp_path / MEMORY_FILE) in refused.problem.fix
    assert not (tmp_path / KEY_FILE).exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"agent_uid": 1}'])
def test_a_damaged_uid_file_costs_a_registration_and_not_the_key(tmp_path: Path, content: bytes) -> None:
    before = opened_key(tmp_path)
    (tmp_path / MEMORY_FILE).write_bytes(content)

    keyring = Keyring.open(tmp_path)
    keyring.close()

    assert (keyring.memory, keyring.signer.public_key) == (None, before)


def test_a_second_process_with_the_same_folder_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    script = "import sys, pathlib\nfrom holdfast.agent.keyring import Keyring\n"
    script += "Keyring.open(pathlib.Path(sys.argv[1]))\nprint('open', flush=True)\nsys.stdin.read()\n"
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"

        refused = refusal(tmp_path)
        holder.send_signal(signal.SIGKILL)

    assert refused.problem.code == "LIFE-DUPLICATE-SESSION"
    assert refused.problem.evidence["holder"] == str(holder.pid)
    assert f"Stop process {holder.pid}" in refused.problem.fix
    # The lock went with its holder, however that ended.
    opened_key(tmp_path)


KILLED_AT_A_STEP = """
import os, pathlib, signal, sys
from holdfast.agent.keyring import Keyring, Memory
left = int(sys.argv[2])
def watch(event, arguments):
    global left
    if event in ("open", "os.rename") and (".tmp-" in str(arguments[0]) or event == "open" and arguments[1] is None):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
keyring = Keyring.open(pathlib.Path(sys.argv[1]))
keyring.remember(Memory(agent_uid="agt_1", host_id="h"))
"""


# The steps: lock, look for the key, write it, rename it, sync the folder; look for the uid, write, rename, sync.
@pytest.mark.parametrize(
    ("had_key", "step"), [(False, step) for step in range(2, 10)] + [(True, step) for step in range(3, 7)]
)
def test_a_process_killed_in_the_middle_of_a_write_leaves_all_of_it_or_nothing(
    tmp_path: Path, had_key: bool, step: int
) -> None:
    before = opened_key(tmp_path) if had_key else None

    killed = subprocess.run([sys.executable, "-c", KILLED_AT_A_STEP, tmp_path, str(step)], check=False)

    assert killed.returncode == -signal.SIGKILL
    written = (tmp_path / KEY_FILE).exists()
    keyring = Keyring.open(tmp_path)
    keyring.close()
    assert written == (had_key or step >= 5)
    assert keyring.signer.public_key == before or not had_key
    assert keyring.memory in (None, Memory(agent_uid="agt_1", host_id="h"))
    assert {path.name for path in tmp_path.iterdir()} <= {KEY_FILE, LOCK_FILE, MEMORY_FILE}


def test_leftovers_of_a_write_that_was_cut_short_are_removed(tmp_path: Path) -> None:
    leftover = tmp_path / f".{KEY_FILE}.tmp-0123abcd"
    leftover.write_bytes(b"half a ke")

    opened_key(tmp_path)

    assert not leftover.exists()


def test_a_folder_that_cannot_be_written_is_refused_loudly(tmp_path: Path) -> None:
    """As an ordinary user, since root may write everywhere."""
    (tmp_path / "state").mkdir(mode=0o555)
    script = """
import os, pathlib
from holdfast.agent.keyring import Keyring
from holdfast.faults import Refused
if os.geteuid() == 0:
    os.setuid(65534)
try:
    Keyring.open(pathlib.Path("state"))
except Refused as refused:
    print(refused)
"""

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert "KEY-REGENERATED: the state folder state cannot be used: Permission denied" in ran.stdout
    assert "--state-dir" in ran.stdout


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, "/home/a/.local/state/holdfast"),
        ({"XDG_STATE_HOME": "/var/x"}, "/var/x/holdfast"),
        ({"XDG_STATE_HOME": "relative"}, "/home/a/.local/state/holdfast"),
        ({"STATE_DIRECTORY": "/var/lib/holdfast-agent:/var/lib/b", "XDG_STATE_HOME": "/x"}, "/var/lib/holdfast-agent"),
    ],
)
def test_the_folder_is_systemds_or_the_users_own(environ: dict[str, str], folder: str) -> None:
    assert default_folder(environ, Path("/home/a")) == Path(folder)
