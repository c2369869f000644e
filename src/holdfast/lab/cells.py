"""A network of its own on this machine: namespaces, held by a process, in which commands run and sockets are made.

Needs root and the programs `unshare`, `nsenter`, `ip`; for `drop` and `lose` also `tc` with the classifier cls_bpf.
"""

import asyncio
import ctypes
import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

NEW_NETWORK: Final = 0x40000000  # CLONE_NEWNET
READY_S: Final = 10.0
# Classic BPF on Ethernet and IPv4 without options: the ports stand at 34 and 36. Jumps count from the next line.
RANDOM: Final = 0xFFFFF038  # the ancillary load SKF_AD_RANDOM
DROP: Final = "6,40 0 0 34,21 2 0 {port},40 0 0 36,21 0 1 {port},6 0 0 2,6 0 0 0"
LOSE: Final = "8,40 0 0 34,21 2 0 {port},40 0 0 36,21 0 3 {port},32 0 0 {random},37 1 0 {limit},6 0 0 2,6 0 0 0"


class Cell:
    """A network namespace with a loopback, and a mount namespace whose files can be replaced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._holder: asyncio.subprocess.Process | None = None

    @property
    def prefix(self) -> list[str]:
        """What in front of a command makes it run in here."""
        assert self._holder is not None
        return ["nsenter", "--target", str(self._holder.pid), "--net", "--mount", "--"]

    async def __aenter__(self) -> Self:
        command = ("unshare", "--net", "--mount", "sleep", "infinity")
        self._holder = await asyncio.create_subprocess_exec(*command)
        outside = os.readlink("/proc/self/ns/net")  # noqa: PTH115  a namespace is no path
        for _ in range(int(READY_S / 0.01)):
            try:
                inside = os.readlink(f"/proc/{self._holder.pid}/ns/net")  # noqa: PTH115
            except OSError:
                inside = outside
            if inside != outside:
                break
            await asyncio.sleep(0.01)
        await self.run("ip", "link", "set", "lo", "up", "mtu", "1500")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holder is not None and self._holder.returncode is None:
            self._holder.kill()
            await self._holder.wait()

    async def run(self, *command: str) -> None:
        """Run a command in here.

        Raises:
            OSError: it failed; the text holds what it said.
        """
        process = await asyncio.create_subprocess_exec(
            *self.prefix, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise OSError(f"{' '.join(command)}: {said.decode(errors='replace')[:200]}")

    async def replace(self, files: Mapping[str, str]) -> None:
        """Let these files, by their paths, read otherwise in here."""
        for number, (path, text) in enumerate(files.items()):
            own = self._folder / f"file-{number}"
            own.write_text(text, "utf-8")
            await self.run("mount", "--bind", str(own), path)

    def new_socket(self, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
        """A socket of this network, for use out there."""
        made: list[socket.socket] = []
        thread = threading.Thread(target=self._make, args=(kind, made))
        thread.start()
        thread.join()
        if not made:
            raise OSError("the cell's network could not be entered")
        return made[0]

    def _make(self, kind: socket.SocketKind, made: list[socket.socket]) -> None:
        # A thread may enter a network for itself; a socket belongs for ever to the one it was made in.
        assert self._holder is not None
        with Path(f"/proc/{self._holder.pid}/ns/net").open("rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), NEW_NETWORK) == 0:
                made.append(socket.socket(socket.AF_INET, kind))

    async def drop(self, port: int) -> None:
        """Let every packet from or to `port` vanish from now on."""
        await self._filter(DROP.format(port=port))

    async def lose(self, port: int, share: float) -> None:
        """Let this share of the packets from or to `port` vanish from now on."""
        await self._filter(LOSE.format(port=port, random=RANDOM, limit=int(share * 0xFFFFFFFF)))

    async def _filter(self, program: str) -> None:
        await self.run("tc", "qdisc", "add", "dev", "lo", "clsact")
        await self.run("tc", "filter", "add", "dev", "lo", "ingress", "bpf", "da", "bytecode", program)

    async def pass_all(self) -> None:
        """Let everything through again."""
        await self.run("tc", "qdisc", "del", "dev", "lo", "clsact")
