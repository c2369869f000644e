"""A throw-away control plane: `holdfast up` on free ports, with a folder of its own and the settings a fault needs."""

import asyncio
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from holdfast.faults import Unavailable, problem
from holdfast.lab import warp
from holdfast.lab.commands import HOLDFAST, Process
from holdfast.protocol.limits import PATH

START_S: Final = 60.0  # a cold start on a busy machine
POLL_S: Final = 0.05


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that nobody listens on now, all different."""
    listeners = [socket.create_server((host, 0)) for _ in range(count)]
    try:
        return [int(listener.getsockname()[1]) for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


class Plane:
    """One control plane. It can be stopped, killed and started again on the same ports with the same data.

    `prefix` is put in front of the command: `nsenter …` or `prlimit …`, say. Its clock runs `speed` times as fast as
    real time, and is `ahead_s` ahead.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] | None = None, arguments: Sequence[str] = (),
        prefix: Sequence[str] = (), host: str = "127.0.0.1", ports: tuple[int, int] | None = None,
        speed: float = 1.0, ahead_s: float = 0.0,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.host = host
        self.settings = dict(settings or {})
        self.gateway_port, self.api_port = ports or free_ports(2)
        self._arguments = list(arguments)
        self._prefix = list(prefix)
        self._epoch, self._speed, self._ahead_s = time.time(), speed, ahead_s
        self.process: Process | None = None
        self._starts = 0

    @property
    def url(self) -> str:
        """What agents are given."""
        return f"ws://{self.host}:{self.gateway_port}{PATH}"

    @property
    def api_url(self) -> str:
        """The Actions API."""
        return f"http://{self.host}:{self.api_port}"

    async def start(self) -> None:
        """Start it, and return when the API answers.

        Raises:
            Unavailable: it ended or did not answer in time; `why` holds its last words.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._starts = self.process.output().count("control-plane.started") if self.process is not None else 0
        ports = ["--gateway-port", str(self.gateway_port), "--api-port", str(self.api_port)]
        wanted = ["up", "--host", self.host, *ports, "--data-dir", str(self.folder / "data"), "--log-format", "json"]
        command = [*self._prefix, *self._holdfast([*wanted, *self._arguments])]
        self.process = await Process.start(command, self.folder / "plane.log", environ=self.settings)
        try:
            async with asyncio.timeout(START_S):
                while not await self._answers():
                    if self.process.returncode is not None:
                        raise self._broken(f"it ended with {self.process.returncode}")
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            raise self._broken(f"it did not answer within {START_S:.0f} s") from error

    def _holdfast(self, arguments: list[str]) -> list[str]:
        if self._speed == 1.0 and not self._ahead_s:
            return [*HOLDFAST, *arguments]
        return warp.command(arguments, epoch=self._epoch, speed=self._speed, ahead_s=self._ahead_s)

    def clock(self) -> float:
        """The time as its agents know it: as fast as its own, and right."""
        return warp.clock(epoch=self._epoch, speed=self._speed)()

    async def _answers(self) -> bool:
        if self._prefix:  # perhaps in a network of its own, where we cannot ask: it says so itself
            return self.process is not None and self.process.output().count("control-plane.started") > self._starts
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
                return (await client.get(f"{self.api_url}/healthz")).is_success
        except httpx.TransportError:
            return False

    def _broken(self, why: str) -> Unavailable:
        said = self.process.output().strip().splitlines()[-3:] if self.process is not None else []
        last = " | ".join(line[:300] for line in said)
        what = "the lab's own control plane does not start"
        return Unavailable(problem("SRV-GATEWAY-DOWN", what=what, why=f"{why}: {last}"))

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End it: SIGTERM says goodbye to its agents, SIGKILL does not."""
        if self.process is not None:
            await self.process.stop(by)

    async def restart(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and start it again."""
        await self.stop(by)
        await self.start()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop(signal.SIGKILL)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
