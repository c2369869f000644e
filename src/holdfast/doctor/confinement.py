"""Whether this process lives in a container or another network namespace, where loopback is not the host's."""

import os
import re
from pathlib import Path
from typing import Final

from holdfast.doctor.options import Surroundings

_MARKS: Final = {".dockerenv": "Docker", "run/.containerenv": "Podman"}
_CGROUP: Final = re.compile(r"(docker|kubepods|containerd|libpod|lxc|garden)")


def confinement(surroundings: Surroundings) -> str:
    """What this process is confined in, in words; nothing where there is no sign of it."""
    root = surroundings.root
    for mark, name in _MARKS.items():
        if (root / mark).exists():
            return name
    if "KUBERNETES_SERVICE_HOST" in surroundings.environ:
        return "Kubernetes"
    if found := _CGROUP.search(_text(root / "proc/self/cgroup")):
        return f"cgroup {found[1]}"
    own, first = _namespace(root / "proc/self/ns/net"), _namespace(root / "proc/1/ns/net")
    return "a network namespace of its own" if own and first and own != first else ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _namespace(path: Path) -> str:
    """The name of a namespace, `net:[4026531840]`; nothing where it may not be read."""
    try:
        return os.readlink(path)  # noqa: PTH115  a namespace is no path, and Path would make one of it
    except OSError:
        return ""
