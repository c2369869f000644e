"""What an injection works with: a gateway, names and addresses of its own, and someone who tidies up after it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog
from nacl.signing import SigningKey

from holdfast.agent import Agent
from holdfast.agent.backoff import Backoff
from holdfast.agent.status import Status
from holdfast.config.model import Timeouts
from holdfast.lab import commands
from holdfast.lab.plane import Plane
from holdfast.lab.rawagent import Fields, RawAgent
from holdfast.lab.rawwire import Place
from holdfast.lab.specs import PlaneSpec
from holdfast.lab.subjects import Subject
from holdfast.lab.verdicts import FindingsReader, Named, by_problem

COMMAND_S: Final = 120.0
T = TypeVar("T")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A running gateway with its API. `clock` is the time of its agents; `data_dir` is known of the lab's own alone."""

    url: str
    api_url: str
    token: str | None = None
    timeouts: Timeouts = Timeouts()
    speed: float = 1.0
    clock: Callable[[], float] = time.time
    data_dir: Path | None = None

    @classmethod
    def of(cls, plane: Plane, spec: PlaneSpec) -> "Target":
        """A control plane of the lab's own."""
        return cls(
            url=plane.url, api_url=plane.api_url, timeouts=spec.timeouts, speed=spec.speed, clock=plane.clock,
            data_dir=plane.folder / "data",
        )  # fmt: skip

    def place(self) -> Place:
        """Where raw agents connect."""
        parts = urlsplit(self.url)
        return Place(host=parts.hostname or "127.0.0.1", port=parts.port or 80, path=parts.path or "/ws/agent")


class _CheckRead(msgspec.Struct):
    status: str
    problem: "_ProblemRead | None" = None


class _ProblemRead(msgspec.Struct):
    code: str
    why: str = ""


class _ReportRead(msgspec.Struct):
    verdict: _ProblemRead | None
    checks: list[_CheckRead]


class Context:
    """One injection under way. What it enters and connects is closed when it is over.

    `starts` bounds how many processes start at once: starting is what a small machine feels, and a gateway that has to
    wait for its turn measures our delays.
    """

    def __init__(self, code: str, target: Target, folder: Path, starts: asyncio.Semaphore) -> None:
        self.code = code
        self.target = target
        self.folder = folder
        self._starts = starts
        self.subject = Subject(code)
        self._stack = AsyncExitStack()

    @property
    def timeouts(self) -> Timeouts:
        """The gateway's patience, in its own seconds."""
        return self.target.timeouts

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass on the gateway's clock."""
        await asyncio.sleep(seconds / self.target.speed)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def enter(self, resource: AbstractAsyncContextManager[T]) -> T:
        """Open something that is closed when the injection is over."""
        return await self._stack.enter_async_context(resource)

    async def own_plane(
        self, spec: PlaneSpec, *, arguments: Sequence[str] = (), prefix: Sequence[str] = (), host: str = "127.0.0.1"
    ) -> Plane:
        """A control plane for this injection alone, which becomes its target."""
        plane = Plane(
            self.folder / "plane", settings=spec.environ(), arguments=arguments, prefix=prefix, host=host,
            speed=spec.speed, ahead_s=spec.ahead_s,
        )  # fmt: skip
        async with self._starts:
            await self.enter(plane)
        self.target = Target.of(plane, spec)
        return plane

    def reach_api_at(self, api_url: str) -> None:
        """Ask the target's API at another address."""
        self.target = msgspec.structs.replace(self.target, api_url=api_url)

    async def is_named(self) -> bool:
        """Whether the gateway has found this fault already; for patterns that show after a few repetitions."""
        reader = FindingsReader(self.target.api_url, self.target.token)
        try:
            return any(finding.code == self.code for finding in await reader.about(self.subject))
        finally:
            await reader.close()

    # ---- agents

    def new_agent(
        self, *, host_id: str | None = None, key: SigningKey | None = None, facts: Fields | None = None
    ) -> RawAgent:
        """An agent that is not connected yet."""
        agent = RawAgent(host_id or self.subject.new_host(), key, clock=self.target.clock, facts=facts)
        self._stack.push_async_callback(self._let_go, agent)
        return agent

    async def agent(
        self, *, host_id: str | None = None, key: SigningKey | None = None, facts: Fields | None = None,
        headers: Sequence[str] = (), drop: Sequence[str] = (), path: str | None = None, method: str = "GET",
        place: Place | None = None, source: str | None = None,
    ) -> RawAgent:  # fmt: skip
        """An agent that is connected, from an address of its own. `source` "" leaves the address to the machine."""
        agent = self.new_agent(host_id=host_id, key=key, facts=facts)
        at = place or self.target.place()
        own = source if source is not None else self._source(at)
        await agent.connect(at, source=own or None, headers=headers, drop=drop, path=path, method=method)
        if agent.attempt:
            self.subject.attempts.add(agent.attempt)
        return agent

    async def registered(
        self, *, host_id: str | None = None, key: SigningKey | None = None, facts: Fields | None = None,
        headers: Sequence[str] = (), place: Place | None = None, source: str | None = None,
    ) -> RawAgent:  # fmt: skip
        """An agent that is connected and registered."""
        agent = await self.agent(host_id=host_id, key=key, facts=facts, headers=headers, place=place, source=source)
        await agent.register()
        self.subject.uids.add(agent.uid)
        return agent

    def _source(self, place: Place) -> str:
        return self.subject.new_address() if place.host.startswith("127.") and place.sockets is None else ""

    @staticmethod
    async def _let_go(agent: RawAgent) -> None:
        agent.stop_beating()
        await agent.wire.drop()

    # ---- the agent's side

    async def doctor(
        self, url: str, *arguments: str, environ: Mapping[str, str] | None = None, prefix: Sequence[str] = (),
        timeout_s: float = 3.0,
    ) -> Named | None:  # fmt: skip
        """What `holdfast doctor URL` says; None where all is well in its eyes."""
        told = ["doctor", url, "--json", "--timeout", f"{timeout_s:g}", *arguments]
        out = await self.command(told, environ=environ, prefix=prefix)
        report = msgspec.json.decode(out, type=_ReportRead)
        if report.verdict is None:
            return None
        failed = [check.problem.code for check in report.checks if check.problem is not None and check.status == "FAIL"]
        also = [code for code in dict.fromkeys(failed) if code != report.verdict.code]
        return by_problem(report.verdict.code, report.verdict.why, also=also)

    async def command(
        self, arguments: Sequence[str], *, environ: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> bytes:
        """What `holdfast` with these arguments prints.

        Raises:
            TimeoutError: it did not come to an end.
        """
        async with self._starts:
            _, out = await commands.run(arguments, environ=environ, prefix=prefix, within_s=COMMAND_S)
        return out

    async def sdk(
        self, url: str, *, within_s: float = 20.0, ca_file: Path | None = None,
        then: Callable[[Agent], Awaitable[None]] | None = None,
    ) -> Named | None:  # fmt: skip
        """The first problem that an agent of the SDK reports when it dials `url`; `then` runs once it is registered."""
        first: asyncio.Future[Named] = asyncio.get_running_loop().create_future()

        def on_status(status: Status) -> None:
            if status.problem is not None and not first.done():
                first.set_result(by_problem(status.problem.code, status.problem.why))

        host_id = self.subject.new_host()
        agent = Agent(
            url, state_dir=self.folder / host_id, host_id=host_id, ca_file=ca_file, on_status=on_status,
            backoff=Backoff(base_s=0.2, cap_s=1.0), log=structlog.wrap_logger(structlog.ReturnLogger()),
        )  # fmt: skip
        async with agent:
            if then is not None:
                await agent.wait_registered(within_s)
                self.subject.uids.add(agent.status.uid or "")
                await then(agent)
            try:
                async with asyncio.timeout(within_s):
                    return await asyncio.shield(first)
            except TimeoutError:
                return None
