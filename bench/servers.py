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

# Every agent of the bench has its own address, as in the field, so Holdfast's limits per address stand at their
# defaults. The rate per agent alone is lifted: at the peak each of 1 000 agents sends more than 20 messages/s.
HOLDFAST_ENVIRONMENT: Final = {
    "HOLDFAST_LIMITS__MESSAGES_PER_S": "1000000",
    "HOLDFAST_LIMITS__MESSAGE_BURST": "1000000",
    "HOLDFAST_NO_BANNER": "1",
}
HOLDFAST: Final = "holdfast"
PEERS: Final = {"websockets": "bench.peer", "aiohttp": "bench.peer_aiohttp"}


class Server(msgspec.Struct, frozen=True):
    """A server that answers. `api_url` is empty where there is none."""

    name: str
    pid: int
    port: int
    api_url: str = ""

    def agents_stored(self) -> int | None:
        """How many agents the server's API says there are; None where there is no API to ask."""
        if not self.api_url:
            return None
        answer = httpx.get(f"{self.api_url}/agents", params={"limit": 1}, timeout=30)
        return int(answer.raise_for_status().json()["total"])


class StartFailure(Exception):
    """A server did not come up; says which, and the end of what it printed."""


def holdfast_executable() -> Path:
    return Path(sys.executable).with_name("holdfast")


@contextlib.contextmanager
def running(name: str, directory: Path) -> Iterator[Server]:
    """A fresh server with empty data under the new `directory`, where its output goes too; stopped at the end.

    Raises:
        StartFailure: it ended, or did not answer within START_PATIENCE_S.
    """
    port, api_port = _free_port(), _free_port()
    if name == HOLDFAST:
        command = [str(holdfast_executable()), "up", "--gateway-port", str(port), "--api-port", str(api_port)]
        command += ["--data-dir", str(directory / "data")]
        api_url = f"http://127.0.0.1:{api_port}"
    else:
        command, api_url = [sys.executable, "-m", PEERS[name], "--port", str(port)], ""
    with started(name, command, port, directory) as pid:
        yield Server(name, pid, port, api_url)


@contextlib.contextmanager
def started(name: str, command: list[str], port: int, directory: Path) -> Iterator[int]:
    """The process id of `command`, which answers `/health` on `port`; stopped at the end.

    Raises:
        StartFailure: as of `running`.
    """
    directory.mkdir(parents=True)
    log = directory / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, **HOLDFAST_ENVIRONMENT}
        )
    try:
        _wait_until_healthy(name, process, port, log)
        yield process.pid
    finally:
        _stop(process)


def _wait_until_healthy(name: str, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).is_success:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            break
    ended = "is still starting" if process.poll() is None else f"ended with status {process.returncode}"
    raise StartFailure(f"{name} {ended} and does not answer on port {port}:\n{log.read_text()[-2000:]}")


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
