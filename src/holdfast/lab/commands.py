"""`holdfast` itself as a process of its own: the control planes, doctors and agents that the lab starts."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

HOLDFAST: Final = (sys.executable, "-c", "from holdfast.cli import main; main()")
STOP_S: Final = 30.0
POLL_S: Final = 0.05
# What would configure Holdfast, or lead its clients through a proxy, unless the fault wants just that.
FOREIGN: Final = ("HOLDFAST_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "WS_PROXY", "WSS_PROXY")


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without foreign settings, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(FOREIGN)}
    return {**kept, "PYTHONUNBUFFERED": "1", "HOLDFAST_NO_BANNER": "1", **extra}


class Process:
    """A running command whose output goes to `log`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    async def start(cls, command: Sequence[str], log: Path, *, environ: Mapping[str, str] | None = None) -> "Process":
        """Start `command`; it is killed when the lab ends, whatever happens."""
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(environ or {}),
                start_new_session=True,
            )
        return cls(process, log)

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group as well."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.returncode

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text("utf-8", "replace")

    async def wait_for_output(self, *texts: str, within_s: float = STOP_S) -> None:
        """Until one of `texts` was printed.

        Raises:
            TimeoutError: none was within `within_s`.
        """
        for _ in range(int(within_s / POLL_S)):
            if any(text in self.output() for text in texts):
                return
            await asyncio.sleep(POLL_S)
        raise TimeoutError(f"did not print {' or '.join(texts)}: {self.output()[-300:]}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and its children, if it still runs."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    async def wait(self, seconds: float = STOP_S) -> int:
        """Its exit code.

        Raises:
            TimeoutError: it still runs after `seconds`.
        """
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End it, the hard way where it does not end by itself."""
        self.send(signal.SIGCONT)
        self.send(by)
        try:
            await self.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.wait()


async def run(
    arguments: Sequence[str], *, environ: Mapping[str, str] | None = None, within_s: float = 60.0,
    prefix: Sequence[str] = (),
) -> tuple[int, bytes]:  # fmt: skip
    """Run `holdfast` with `arguments` to its end; exit code and standard output.

    Raises:
        TimeoutError: it did not end within `within_s`; it was killed.
    """
    process = await asyncio.create_subprocess_exec(
        *prefix,
        *HOLDFAST,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(environ or {}),
    )
    try:
        async with asyncio.timeout(within_s):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out
