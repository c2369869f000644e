"""A whole Holdfast as an operator starts it: `holdfast up` as a process of its own, on ports and files of its own."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx

ROOT: Final = Path(__file__).parents[1]
BIN: Final = Path(sys.executable).parent
START_S: Final = 60.0  # a cold start on a machine that runs other tests
STOP_S: Final = 30.0
POLL_S: Final = 0.05
SHOWN_CHARS: Final = 4_000

T = TypeVar("T")


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody listens on now, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(listener.getsockname()[1]) for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()


def wait_until(ready: Callable[[], T | None], *, within_s: float, waiting_for: str) -> T:
    """The first result of `ready` that is not None, False or 0, asked again and again.

    Raises:
        AssertionError: none came `within_s` seconds.
    """
    give_up = time.monotonic() + within_s
    while True:
        found = ready()
        if found is not None and found not in (False, 0):
            return found
        assert time.monotonic() < give_up, f"waited {within_s:g} s in vain for {waiting_for}"
        time.sleep(POLL_S)  # noqa: TID251 - a synchronous poll with a deadline


def environment() -> dict[str, str]:
    """Our environment without what would configure Holdfast or lead its clients through a proxy."""
    dropped = ("HOLDFAST_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(dropped)}


class Child:
    """A process whose output goes to a file, and which has to end when it is told to."""

    def __init__(self, command: list[str], log: Path, *, cwd: Path = ROOT, extra: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**environment(), "PYTHONUNBUFFERED": "1", **(extra or {})},
            )

    def output(self) -> str:
        """What it has printed so far, on standard output and standard error."""
        return self.log.read_text("utf-8", "replace")

    def last_output(self) -> str:
        """The end of its output, for the message of a failure."""
        return self.output()[-SHOWN_CHARS:]

    def wait_for_output(self, text: str, *, times: int = 1, within_s: float = START_S) -> None:
        """Return when `text` was printed `times` times; fail with all output when the process ends before that."""

        def printed() -> bool:
            ended = self.process.poll() is not None  # asked first: what it printed last must not be missed
            said = self.output()
            if said.count(text) >= times:
                return True
            assert not ended, f"ended with {self.process.returncode} before it printed {text!r}:\n{said[-SHOWN_CHARS:]}"
            return False

        try:
            wait_until(printed, within_s=within_s, waiting_for=repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.last_output()}") from None

    def finish(self, *, expected: int = 0) -> None:
        """Wait until it ends by itself, with this exit code."""
        code = self._end("being waited for")
        assert code == expected, f"ended with {code}, not {expected}:\n{self.last_output()}"

    def stop(self, *, expected: int | None = 0, by: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal and wait. `expected` is the exit code it must end with; None where that does not matter."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        code = self._end(by.name)
        assert expected is None or code == expected, f"ended with {code}, not {expected}:\n{self.last_output()}"

    def _end(self, why: str) -> int:
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {STOP_S:g} s of {why}:\n{self.last_output()}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(expected=None)


@dataclass(frozen=True)
class ControlPlane:
    """A running `holdfast up`, ready to serve."""

    child: Child
    gateway_port: int
    api_port: int
    data_dir: Path
    ca: Path | None = None

    @property
    def agent_url(self) -> str:
        return f"{'wss' if self.ca else 'ws'}://127.0.0.1:{self.gateway_port}/ws/agent"

    @property
    def gateway_url(self) -> str:
        return f"{'https' if self.ca else 'http'}://127.0.0.1:{self.gateway_port}"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def get(self, path: str) -> httpx.Response:
        """An answer of the Actions API."""
        return httpx.get(self.api_url + path, trust_env=False, timeout=10)

    def agents(self, host_id: str) -> list[dict[str, object]]:
        """What `GET /agents` says of a host."""
        response = httpx.get(f"{self.api_url}/agents", params={"host_id": host_id}, trust_env=False, timeout=10)
        response.raise_for_status()
        return [agent for agent in response.json()["agents"] if agent["host_id"] == host_id]

    def wait_for_agent(self, host_id: str, status: str = "online", *, within_s: float = 15.0) -> dict[str, object]:
        """The one agent of this host, once it has this status."""

        def seen() -> dict[str, object] | None:
            return next((agent for agent in self.agents(host_id) if agent["status"] == status), None)

        try:
            return wait_until(seen, within_s=within_s, waiting_for=f"{host_id} to be {status}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.agents(host_id)}\n{self.child.last_output()}") from None


@contextmanager
def control_plane(
    data_dir: Path,
    *arguments: str,
    ports: Sequence[int] = (),
    environ: dict[str, str] | None = None,
    ca: Path | None = None,
) -> Iterator[ControlPlane]:
    """`holdfast up` on 127.0.0.1; at the end it must stop by SIGTERM with exit code 0.

    `arguments` are added to the command line, `environ` to its environment. `ports` are those of the gateway and the
    API, free ones where they are not given. `ca` says that the gateway's port speaks TLS, and whom to trust for it.
    """
    gateway_port, api_port = ports or free_ports(2)
    command = [str(BIN / "holdfast"), "up", "--gateway-port", str(gateway_port), "--api-port", str(api_port)]
    log = data_dir.with_name(f"{data_dir.name}.log")
    with Child([*command, "--data-dir", str(data_dir), *arguments], log, extra=environ) as child:
        running = ControlPlane(child, gateway_port, api_port, data_dir, ca)
        _wait_ready(running)
        yield running
        child.stop()


def _wait_ready(running: ControlPlane) -> None:
    trusted = ssl.create_default_context(cafile=running.ca)

    def answers(url: str) -> bool:
        code = running.child.process.poll()
        assert code is None, f"holdfast up ended with {code}:\n{running.child.last_output()}"
        try:
            return httpx.get(url, trust_env=False, timeout=5, verify=trusted).status_code == 200
        except httpx.TransportError:
            return False

    for url in (f"{running.gateway_url}/health", f"{running.api_url}/healthz"):
        try:
            wait_until(lambda url=url: answers(url), within_s=START_S, waiting_for=url)  # type: ignore[misc]  # bound now
        except AssertionError as error:
            raise AssertionError(f"{error}\n{running.child.last_output()}") from None
