"""The servers under measurement, each a process of its own, and all that the bench assumes about how they start."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]  # `-m bench.…` is found from here
START_PATIENCE_S: Final = 30.0
STOP_PATIENCE_S: Final = 20.0
POLL_S: Final = 0.01

# Every agent of the bench has its own address, as in the field, so Holdfast's limits per address stand at their
# defaults. The rate per agent alone is lifted: at the peak each of 1 000 agents sends more than 20 messages/s.
HOLDFAST_ENVIRONMENT: Final = {
    "HOLDFAST_LIMITS__MESSAGES_PER_S": "1000000",
    "HOLDFAST_LIMITS__MESSAGE_BURST": "1000000",
    "HOLDFAST_NO_BANNER": "1",
}
HOLDFAST: Final = "holdfast"
UNDIAGNOSED: Final = "undiagnosed"
OURS: Final = (HOLDFAST, UNDIAGNOSED)
PEERS: Final = {"websockets": "bench.peer", "aiohttp": "bench.peer_aiohttp"}


class Server(msgspec.Struct, frozen=True):
    """A server that answers. `api_url` is empty where there is none; `started_s` is how long it took to answer."""

    name: str
    pid: int
    port: int
    api_url: str = ""
    started_s: float = 0.0

    def agents_stored(self, **wanted: str) -> int | None:
        """How many agents the server's API says there are; None where there is no API to ask."""
        if not self.api_url:
            return None
        answer = httpx.get(f"{self.api_url}/agents", params={"limit": 1, **wanted}, timeout=30)
        return int(answer.raise_for_status().json()["total"])


class Place(msgspec.Struct, frozen=True):
    """Where a server keeps its data and listens: whoever starts there again finds what the last one left."""

    name: str
    directory: Path
    port: int
    api_port: int

    def command(self) -> list[str]:
        if self.name not in OURS:
            return [sys.executable, "-m", PEERS[self.name], "--port", str(self.port)]
        program = [str(holdfast_executable())] if self.name == HOLDFAST else [sys.executable, "-m", "bench.undiagnosed"]
        command = [*program, "up", "--gateway-port", str(self.port), "--api-port", str(self.api_port)]
        return [*command, "--data-dir", str(self.data)]

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def ready_url(self) -> str:
        """What answers when all is there: /readyz tests the store."""
        if self.name in OURS:
            return f"http://127.0.0.1:{self.api_port}/readyz"
        return f"http://127.0.0.1:{self.port}/health"


class StartFailure(Exception):
    """A server did not come up; says which, and the end of what it printed."""


def holdfast_executable() -> Path:
    return Path(sys.executable).with_name("holdfast")


def place(name: str, directory: Path) -> Place:
    """A new place with free ports."""
    return Place(name, directory, _free_port(), _free_port())


@contextlib.contextmanager
def running(name: str, directory: Path) -> Iterator[Server]:
    """A fresh server with empty data under the new `directory`, where its output goes too; stopped at the end.

    Raises:
        StartFailure: it ended, or did not answer within START_PATIENCE_S.
    """
    with running_at(place(name, directory)) as server:
        yield server


@contextlib.contextmanager
def running_at(where: Place) -> Iterator[Server]:
    """A server at `where`, with the data that is there; stopped at the end.

    Raises:
        StartFailure: as of `running`.
    """
    began = time.perf_counter()
    with started(where.name, where.command(), where.ready_url, where.directory) as pid:
        took_s = time.perf_counter() - began
        api_url = f"http://127.0.0.1:{where.api_port}" if where.name in OURS else ""
        yield Server(where.name, pid, where.port, api_url, took_s)


@contextlib.contextmanager
def started(name: str, command: list[str], ready_url: str, directory: Path) -> Iterator[int]:
    """The process id of `command`, as soon as `ready_url` answers; stopped at the end.

    Raises:
        StartFailure: as of `running`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "output.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, **HOLDFAST_ENVIRONMENT}
        )
    try:
        _wait_until_ready(name, process, ready_url, log)
        yield process.pid
    finally:
        _stop(process)


def _wait_until_ready(name: str, process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_PATIENCE_S
    with httpx.Client(timeout=2) as client:  # made once: to make one takes longer than a server takes to answer
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if client.get(url).is_success:
                    return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
                break
    ended = "is still starting" if process.poll() is None else f"ended with status {process.returncode}"
    raise StartFailure(f"{name} {ended} and does not answer at {url}:\n{log.read_text()[-2000:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
