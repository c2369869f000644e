"""The examination: start the agent, watch it register, disturb it, and write down each line as it is decided."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import IO, Final

import msgspec

from holdfast.conformance.stand import HEARTBEAT_S, Stand
from holdfast.conformance.verdict import TITLES, Line, Report, Result, failed, named_in, passed, skipped, warned
from holdfast.faults import Problem, printable, problem
from holdfast.model.events import Event, EventKind

OUTPUT_CHARS: Final = 4000
ENDED_EARLY: Final = "LIFE-NO-RECONNECT"


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait for each thing, in seconds."""

    connect_s: float = 20.0
    message_s: float = 5.0
    step_s: float = 10.0
    settle_s: float = 3.0
    heartbeat_s: float = 3 * HEARTBEAT_S + 2.0
    return_s: float = 45.0
    stop_s: float = 10.0

    def times(self, factor: float) -> "Patience":
        """Wait `factor` times as long for everything but the five seconds that the guide gives."""
        longer = {name: value * factor for name, value in msgspec.structs.asdict(self).items() if name != "message_s"}
        return Patience(**longer)


class Examination:
    """One run of one command against one stand. `on_line` hears of each line as soon as it is decided."""

    def __init__(
        self, stand: Stand, command: Sequence[str], *, patience: Patience, on_line: Callable[[Line], None]
    ) -> None:
        self._stand = stand
        self._command = tuple(part.replace("{url}", stand.url) for part in command)
        self._patience = patience
        self._on_line = on_line
        self._lines: list[Line] = []
        self._uid: str | None = None

    async def run(self) -> Report:
        """Run the command to the end of the examination.

        Raises:
            OSError: the command cannot be started.
        """
        with tempfile.TemporaryFile() as output:
            async with self._running(output) as process:
                if await self._registers(process):
                    await self._lives(process)
                    await self._returns(process)
                await self._stops(process)
            self._skip_rest()
            text = _tail(output)
        return Report(command=self._command, lines=tuple(self._lines), exit_code=process.returncode, output=text)

    @asynccontextmanager
    async def _running(self, output: IO[bytes]) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            env={**os.environ, "HOLDFAST_URL": self._stand.url},
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    # ---- the checklist

    async def _registers(self, process: asyncio.subprocess.Process) -> bool:
        seen = self._stand.events
        steps: tuple[tuple[str, EventKind, float, str], ...] = (
            ("checklist-1", EventKind.UPGRADED, self._patience.connect_s, "NET-CONN-REFUSED"),
            ("checklist-2", EventKind.FIRST_MESSAGE, self._patience.message_s, "LIFE-SILENT"),
            ("checklist-3", EventKind.CHALLENGED, self._patience.step_s, "REG-INIT-MISSING"),
            ("checklist-4", EventKind.COMPLETE, self._patience.step_s, "REG-NEVER-COMPLETED"),
            ("checklist-5", EventKind.REGISTERED, self._patience.step_s, "SIG-UNEXPLAINED"),
        )
        for name, kind, timeout_s, fallback in steps:
            if not await self._reaches(kind, process, timeout_s):
                self._decide(failed(name, named_in(seen) or _missing(fallback, process, timeout_s)))
                return False
            self._decide(passed(name))
        self._uid = next(event.agent_uid for event in seen if event.kind is EventKind.REGISTERED)
        return await self._stays(process)

    async def _reaches(self, kind: EventKind, process: asyncio.subprocess.Process, timeout_s: float) -> bool:
        """Wait for an event of this kind, but no longer than until a fault is named or the command has ended."""
        seen = self._stand.events

        def is_reached() -> bool:
            return any(event.kind is kind for event in seen)

        def is_over() -> bool:
            return is_reached() or named_in(seen) is not None or process.returncode is not None

        await self._stand.wait_for(is_over, timeout_s)
        return is_reached()

    async def _stays(self, process: asyncio.subprocess.Process) -> bool:
        """Checklist 6 and 7: the answer of step two was understood if the agent stays and does not begin again."""
        mark = len(self._stand.events)

        def is_gone() -> bool:
            left = self._stand.since(mark, EventKind.ENDED) or self._stand.since(mark, EventKind.INIT)
            return bool(left) or process.returncode is not None

        await self._stand.wait_for(is_gone, self._patience.settle_s)
        if is_gone():
            self._decide(failed("checklist-6", self._why_it_left(mark)))
        else:
            self._decide(passed("checklist-6", f"it stayed for {self._patience.settle_s:.0f} s"))
        listed = [agent.host_id for agent in await self._stand.agents() if agent.agent_uid == self._uid]
        missing = problem("SRV-AGENT-NOT-LISTED", why="it registered and is not in the list")
        self._decide(passed("checklist-7", printable(listed[0])) if listed else failed("checklist-7", missing))
        return not is_gone()

    def _why_it_left(self, mark: int) -> Problem:
        if self._stand.since(mark, EventKind.INIT):
            return problem("RATE-REREGISTER-LOOP", why="it began to register again at once")
        ended = self._stand.since(mark, EventKind.ENDED)
        facts = ended[0].facts if ended else {}
        if facts.get("closed_by") == "agent":
            why = f"it closed with code {facts.get('close_code')} right after it had registered"
            return problem("LIFE-CLOSED-1000", why=why)
        return problem("LIFE-NO-CLOSE-FRAME", why="its connection ended right after it had registered")

    # ---- staying

    async def _lives(self, process: asyncio.subprocess.Process) -> None:
        def has_beaten() -> bool:
            return any(event.kind is EventKind.FIRST_HEARTBEAT for event in self._stand.events)

        if await self._stand.wait_for(has_beaten, self._patience.heartbeat_s):
            self._decide(passed("heartbeat", f"told to come every {HEARTBEAT_S:.0f} s"))
        else:
            self._decide(self._without_heartbeat())
        mark = len(self._stand.events)
        sent = asyncio.get_running_loop().time()
        self._stand.send_odd_frames()
        await self._stand.wait_for(lambda: bool(self._stand.since(mark, EventKind.ENDED)), self._patience.settle_s)
        ended = self._stand.since(mark, EventKind.ENDED)
        if ended or process.returncode is not None:
            code = ended[0].facts.get("close_code") if ended else "none: the process ended"
            why = f"it left after a ping, a fragmented message and an unknown channel (close code {code})"
            self._decide(failed("odd-frames", problem("LIFE-PROTOCOL-1002", why=why)))
            self._decide(skipped("pongs", "the connection did not last"))
            return
        self._decide(passed("odd-frames"))
        answered = any(sock.core is not None and sock.core.watch.ponged_at >= sent for sock in self._stand.online())
        self._decide(passed("pongs") if answered else failed("pongs", problem("LIFE-NO-PONG")))

    def _without_heartbeat(self) -> Line:
        """Advice only: the guide never mentions heartbeats, so that an agent written by it sends none."""
        found = named_in(self._stand.events)
        if found is not None and found.code != "LIFE-NO-HEARTBEAT":
            return failed("heartbeat", found)
        why = (
            f"none came within {self._patience.heartbeat_s:.0f} s; the guide asks for none, "
            "and without them the agent is shown as degraded"
        )
        return warned("heartbeat", problem("LIFE-NO-HEARTBEAT", why=why))

    async def _returns(self, process: asyncio.subprocess.Process) -> None:
        mark = len(self._stand.events)
        self._stand.drop()
        self._decide(await self._back("reconnect", mark, process))
        if self._lines[-1].result is not Result.PASS:
            return
        mark = len(self._stand.events)
        await self._stand.stop()
        await asyncio.sleep(0.5)
        await self._stand.start()
        self._decide(await self._back("restart", mark, process))

    async def _back(self, name: str, mark: int, process: asyncio.subprocess.Process) -> Line:
        def came() -> list[Event]:
            return self._stand.since(mark, EventKind.REGISTERED) + self._stand.since(mark, EventKind.RESUMED)

        began = asyncio.get_running_loop().time()
        await self._stand.wait_for(lambda: bool(came()) or process.returncode is not None, self._patience.return_s)
        took_s = asyncio.get_running_loop().time() - began
        if not came():
            if process.returncode is not None:
                why = f"its process ended with code {process.returncode} when the connection was lost"
            else:
                why = f"nothing came back within {self._patience.return_s:.0f} s"
            return failed(name, named_in(self._stand.events[mark:]) or problem(ENDED_EARLY, why=why))
        uid = came()[0].agent_uid
        if uid != self._uid:
            why = f"it was {self._uid} and came back as {uid}: it made a new key"
            return failed(name, problem("KEY-REGENERATED", why=why))
        return passed(name, f"after {took_s:.1f} s, by {'auth' if came()[0].kind is EventKind.RESUMED else 'init'}")

    async def _stops(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self._patience.stop_s)
        except TimeoutError:
            why = f"SIGTERM did not end it within {self._patience.stop_s:.0f} s: a supervisor would kill it"
            self._decide(failed("stop", problem("LIFE-KILLED", why=why)))
        else:
            self._decide(passed("stop", f"exit code {process.returncode}"))

    # ---- the report

    def _decide(self, line: Line) -> None:
        self._lines.append(line)
        self._on_line(line)

    def _skip_rest(self) -> None:
        decided = {line.name for line in self._lines}
        broken = next((f'"{line.title}"' for line in self._lines if line.result is Result.FAIL), "an earlier line")
        for name in TITLES:
            if name not in decided:
                self._decide(skipped(name, f"not reached, because {broken} failed"))


def _missing(code: str, process: asyncio.subprocess.Process, waited_s: float) -> Problem:
    if process.returncode is not None:
        return Problem(
            code="CLI-COMMAND-ENDED",
            what="the agent's process ended",
            why=f"the command ended with code {process.returncode} before it came to this",
            fix="Run the command by itself, and mend what it prints",
        )
    return problem(code, why=f"it did not happen within {waited_s:.0f} s")


def _tail(output: IO[bytes]) -> str:
    output.seek(0, os.SEEK_END)
    size = output.tell()
    output.seek(max(0, size - OUTPUT_CHARS))
    return output.read().decode("utf-8", "replace")
