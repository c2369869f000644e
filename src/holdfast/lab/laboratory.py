"""Runs injections: gives each the control plane it needs, reads the verdict, and judges it."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from holdfast.faults import HoldfastError
from holdfast.lab.context import Context, Target
from holdfast.lab.injections import Injection
from holdfast.lab.machine import lacking
from holdfast.lab.plane import Plane
from holdfast.lab.results import Outcome, Result, judge, unable
from holdfast.lab.specs import PlaneSpec
from holdfast.lab.verdicts import FindingsReader, Viewpoint

JOBS: Final = 4
LONG_JOBS: Final = 12  # of those that mostly wait
STARTS: Final = 2
MAX_INJECTION_S: Final = 420.0


class Laboratory:
    """Injects faults into `target`, or into control planes of its own where there is none or the fault needs another.

    `folder` holds their data. Leave the context to stop them.
    """

    def __init__(self, folder: Path, target: Target | None = None, *, jobs: int = JOBS) -> None:
        self._folder = folder
        self._target = target
        self._stack = AsyncExitStack()
        self._planes: dict[str, Target] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        self._room = asyncio.Semaphore(jobs)
        self._waiting_room = asyncio.Semaphore(LONG_JOBS)
        self._starts = asyncio.Semaphore(STARTS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run(self, injections: Sequence[Injection], on_result: Callable[[Result], None]) -> list[Result]:
        """Inject them all, several at a time; results come as they are known, and in the order of `injections`."""
        for spec in {injection.plane.name: injection.plane for injection in injections}.values():
            await self._ready(spec)
        # What mostly waits goes first, so that the others fill its time.
        first = sorted(injections, key=lambda injection: not injection.is_long)

        async def one(injection: Injection) -> Result:
            result = await self._inject(injection)
            on_result(result)
            return result

        async with asyncio.TaskGroup() as group:
            tasks = {injection.code: group.create_task(one(injection)) for injection in first}
        return [tasks[injection.code].result() for injection in injections]

    async def _inject(self, injection: Injection) -> Result:
        if missing := lacking(injection.needs):
            return unable(injection, Outcome.SKIPPED, f"this machine lacks {missing}")
        async with self._waiting_room if injection.is_long else self._room:
            return await self._timed(injection)

    async def _timed(self, injection: Injection) -> Result:
        began = time.monotonic()
        try:
            target = await self._target_for(injection.plane)
            began = time.monotonic()
            async with asyncio.timeout(MAX_INJECTION_S):
                return await self._judged(injection, target, began)
        except Exception as error:  # noqa: BLE001  one that breaks is a line of the matrix, and the others go on
            why = f"the injection failed: {type(error).__name__}: {error}"
            return unable(injection, Outcome.BROKEN, why, time.monotonic() - began)

    async def _judged(self, injection: Injection, target: Target, began: float) -> Result:
        folder = self._folder / injection.code.lower()
        folder.mkdir(parents=True, exist_ok=True)
        async with Context(injection.code, target, folder, self._starts) as ctx:
            named = await injection.inject(ctx)
            if named is None and injection.sees is Viewpoint.GATEWAY:
                reader = FindingsReader(ctx.target.api_url, ctx.target.token)
                try:
                    named = await reader.wait_for(injection.code, ctx.subject, within_s=injection.within_s)
                finally:
                    await reader.close()
            return judge(injection, named, time.monotonic() - began)

    async def _ready(self, spec: PlaneSpec) -> None:
        """Start its control plane now; whoever needs it will hear of it if that fails."""
        with contextlib.suppress(HoldfastError, OSError):
            await self._target_for(spec)

    async def _target_for(self, spec: PlaneSpec) -> Target:
        if spec.is_usual and self._target is not None:
            return self._target
        async with self._starting.setdefault(spec.name, asyncio.Lock()):
            if spec.name not in self._planes:
                folder = self._folder / f"plane-{spec.name}"
                plane = Plane(folder, settings=spec.environ(), speed=spec.speed, ahead_s=spec.ahead_s)
                async with self._starts:
                    await self._stack.enter_async_context(plane)
                self._planes[spec.name] = Target.of(plane, spec)
        return self._planes[spec.name]
