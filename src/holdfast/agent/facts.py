"""What an agent tells of its host and of its last run: nothing secret, and all of it best effort."""

import hashlib
import platform
import secrets
import socket
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

from holdfast.agent.keyring import read_bounded, write_durably
from holdfast.faults.problem import Refused

RUN_FILE: Final = "run.json"
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
MACHINE_ID: Final = Path("/etc/machine-id")
MACHINE_SALT: Final = b"holdfast machine id, version 1\n"  # machine-id(5): never send it as it is, always hashed
MAX_INTERFACES: Final = 32


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """`instance` is random for each process and `boot_id` for each boot: together they tell a restart from a reboot."""

    version: str
    host_name: str
    instance: str
    boot_id: str | None
    machine_id_hash: str | None
    platform: dict[str, object]
    network: dict[str, object]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the agent, as its state folder remembers it. `ended` stays None where nothing could be written."""

    instance: str
    boot_id: str | None = None
    ended: str | None = None


def gather_facts() -> Facts:
    """The facts of this process and host. Blocks for some milliseconds, asks no name server."""
    name = socket.gethostname()
    return Facts(
        version=version(),
        host_name=name,
        instance=secrets.token_hex(8),
        boot_id=_first_line(BOOT_ID),
        machine_id_hash=_machine_id_hash(MACHINE_ID),
        platform={
            "system": platform.system(),
            "release": platform.release(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "distribution": _distribution(),
        },
        network={"hostname": name, "interfaces": _interfaces()},
    )


def version() -> str:
    """The installed version of Holdfast; `0` in a copy that was never installed."""
    try:
        return metadata.version("holdfast")
    except metadata.PackageNotFoundError:
        return "0"


def begin_run(folder: Path, facts: Facts) -> str | None:
    """Note that a run began, and tell how the one before ended; None where this is the first.

    A run that noted no end was killed, `killed`, or its host went down, `reboot`: the boot id decides.
    """
    before = _read_run(folder)
    end_run(folder, facts, ended=None)
    if before is None:
        return None
    if before.ended is not None:
        return before.ended
    return "killed" if before.boot_id == facts.boot_id else "reboot"


def end_run(folder: Path, facts: Facts, *, ended: str | None) -> None:
    """Note how this run ended. A disk that refuses costs the next start its answer and nothing else."""
    run = Run(instance=facts.instance, boot_id=facts.boot_id, ended=ended)
    try:
        write_durably(folder, RUN_FILE, msgspec.json.encode(run) + b"\n")
    except OSError:
        return


def _read_run(folder: Path) -> Run | None:
    try:
        return msgspec.json.decode(read_bounded(folder / RUN_FILE) or b"", type=Run)
    except (OSError, Refused, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text("ascii", "replace").partition("\n")[0].strip()[:128] or None
    except OSError:
        return None


def _machine_id_hash(path: Path) -> str | None:
    machine_id = _first_line(path)
    return None if machine_id is None else hashlib.sha256(MACHINE_SALT + machine_id.encode()).hexdigest()


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")[:128] or None
    except OSError:
        return None


def _interfaces() -> list[str]:
    try:
        return [name for _, name in socket.if_nameindex()][:MAX_INTERFACES]
    except OSError:
        return []


__all__ = ["Facts", "Run", "begin_run", "end_run", "gather_facts", "version"]
