"""What this machine offers: namespaces, a packet filter, mounts. Asked once, by trying."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

from holdfast.lab.injections import IN_WORDS, Need

TRY_S: Final = 10.0
# A filter that lets everything pass: it shows that the kernel has the classifier.
LET_THROUGH: Final = (
    "ip link set lo up && tc qdisc add dev lo clsact && tc filter add dev lo ingress bpf da bytecode '1,6 0 0 0'"
)


def lacking(needs: Sequence[Need]) -> str:
    """What of `needs` this machine does not have, in words; empty where it has all."""
    return "; ".join(IN_WORDS[need] for need in needs if not _has(need))


def own_address() -> str:
    """An address of this machine that others would reach it at; loopback where it has no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: the kernel only chooses a source, nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@cache
def _has(need: Need) -> bool:
    return PROBES[need]()


def _netns() -> bool:
    return _works("unshare", "--net", "ip", "link", "set", "lo", "up") and shutil.which("nsenter") is not None


def _packets() -> bool:
    return _netns() and _works("unshare", "--net", "sh", "-c", LET_THROUGH)


def _tmpfs() -> bool:
    return _works("unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt")


def _prlimit() -> bool:
    return shutil.which("prlimit") is not None


def _works(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        return subprocess.run(command, capture_output=True, timeout=TRY_S, check=False).returncode == 0  # noqa: S603 ours
    except (OSError, subprocess.TimeoutExpired):
        return False


PROBES: Final[Mapping[Need, Callable[[], bool]]] = MappingProxyType(
    {
        Need.NETNS: _netns,
        Need.PACKETS: _packets,
        Need.TMPFS: _tmpfs,
        Need.PRLIMIT: _prlimit,
    }
)
