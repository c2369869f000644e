"""Disks that can be filled: a small one of its own where the system lets us mount it, else a limit on file sizes."""

import os
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.processes import ControlPlane

SIZE_MIB = 8


class Disk(Protocol):
    """A disk under a server's data folder. `code` is what the server says when it is full."""

    code: str

    @property
    def before(self) -> tuple[str, ...]:
        """What has to stand in front of the server's command."""
        ...

    def fill(self, running: ControlPlane) -> None:
        """Leave no space."""
        ...

    def free(self, running: ControlPlane) -> None:
        """Give the space back."""
        ...


@dataclass
class OwnDisk:
    """A tmpfs in a mount namespace of the server's own: nobody else sees it, and it ends with the server."""

    folder: Path
    code: str = "SRV-DISK-FULL"

    @property
    def before(self) -> tuple[str, ...]:
        mount = f'mount -t tmpfs -o size={SIZE_MIB}m tmpfs "$0" && exec "$@"'
        return ("unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(self.folder))

    def _ballast(self, running: ControlPlane) -> Path:
        # The folder as the server sees it.
        return Path(f"/proc/{running.child.process.pid}/root{self.folder}") / "ballast"

    def fill(self, running: ControlPlane) -> None:
        with self._ballast(running).open("wb", buffering=0) as ballast:
            for size in (65_536, 4096, 1):
                try:
                    while ballast.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def free(self, running: ControlPlane) -> None:
        self._ballast(running).unlink()


@dataclass
class LimitedFiles:
    """No file of the server may grow: the nearest thing to a full disk that needs no right at all."""

    code: str = "SRV-DB-DOWN"
    before: tuple[str, ...] = ()

    def fill(self, running: ControlPlane) -> None:
        size = max(path.stat().st_size for path in [*running.data_dir.iterdir(), running.child.log])
        self._limit(running, size)

    def free(self, running: ControlPlane) -> None:
        self._limit(running, resource.RLIM_INFINITY)

    def _limit(self, running: ControlPlane, size: int) -> None:
        pid = running.child.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def small_disk(folder: Path) -> Disk:
    """A disk for `folder`, which must exist."""
    own = OwnDisk(folder)
    possible = subprocess.run([*own.before, "true"], check=False, capture_output=True, env=os.environ).returncode == 0
    return own if possible else LimitedFiles()
