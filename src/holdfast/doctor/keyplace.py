"""Where the agent's key lies, and who uses it: read from what the kernel tells, so that nothing is touched."""

import os
from pathlib import Path
from typing import Final

from holdfast.agent.keyring import LOCK_FILE
from holdfast.doctor.confinement import confinement
from holdfast.doctor.options import Surroundings
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem

_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_LAYERED: Final = "overlay"


def fleeting(folder: Path, surroundings: Surroundings) -> Problem | None:
    """KEY-REGENERATED ahead of time: a key on a file system that ends with the machine or the container."""
    kind = file_system(folder, surroundings.root)
    inside = confinement(surroundings)
    if kind in _IN_MEMORY:
        end = "at the next restart of this machine"
    elif kind == _LAYERED and inside:
        end = f"with this container ({inside})"
    else:
        return None
    why = f"{folder} is on {kind}: the key is lost {end}, and the agent comes back as a stranger"
    fix = "Keep the state folder on a disk or a volume that lasts"
    return problem("KEY-REGENERATED", what="the agent's key will not last", why=why, fix=fix)


def file_system(folder: Path, root: Path) -> str:
    """The type of the file system that `folder` is on, from `proc/mounts`; nothing where that cannot be read."""
    place = str(folder.resolve())
    try:
        lines = (root / "proc/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for words in (line.split() for line in lines):
        if len(words) < 3:
            continue
        mount = words[1].replace("\\040", " ")
        inside = place == mount or place.startswith(mount.rstrip("/") + "/")
        # A later line lies over an earlier one at the same place.
        if inside and len(mount) >= len(best):
            best, kind = mount, words[2]
    return kind


def user_of(folder: Path, root: Path) -> int | None:
    """The process that holds this folder's lock, as an agent does while it runs; None where none is known."""
    try:
        place = (folder / LOCK_FILE).stat()
        lines = (root / "proc/locks").read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(place.st_dev):02x}:{os.minor(place.st_dev):02x}:{place.st_ino}"
    for words in (line.split() for line in lines):
        if len(words) >= 6 and words[1] == "FLOCK" and words[5] == wanted and words[4].isdigit():
            return int(words[4])
    return None
