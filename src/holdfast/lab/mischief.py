"""Faulty agents among healthy ones: injections at random, one after another, for as long as a swarm runs."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Final

from holdfast.faults import HoldfastError
from holdfast.lab.context import Context, Target
from holdfast.lab.injections import Injection
from holdfast.lab.table import INJECTIONS
from holdfast.lab.verdicts import Viewpoint

PAUSE_S: Final = (1.0, 5.0)
# An agent that floods or fills the gateway's buffers would be a test of the machine, not of its diagnosis.
TOO_ROUGH: Final = frozenset({"RATE-LIMITED", "PXY-CLIENT-IP-HIDDEN", "RATE-IGNORES-RETRY-AFTER"})


def suitable() -> list[Injection]:
    """What a gateway can be made to see without any set-up of its own, and quickly."""
    return [
        injection
        for injection in INJECTIONS.values()
        if injection.sees is Viewpoint.GATEWAY
        and injection.plane.is_usual
        and not injection.is_long
        and not injection.needs
        and not injection.code.startswith("SRV-")
        and injection.code not in TOO_ROUGH
    ]


async def make_mischief(target: Target, agents: int, folder: Path, stop: asyncio.Event) -> Counter[str]:
    """Keep `agents` faulty agents busy until `stop` is set; how often each fault was injected."""
    counted: Counter[str] = Counter()
    starts = asyncio.Semaphore(1)
    choices = suitable()

    async def misbehave() -> None:
        while not stop.is_set():
            injection = random.choice(choices)  # noqa: S311  no secret
            try:
                async with Context(injection.code, target, folder, starts) as ctx:
                    await injection.inject(ctx)
            except (OSError, HoldfastError, AssertionError):
                pass  # a gateway that restarts meanwhile ends a fault early: it is one all the same
            counted[injection.code] += 1
            await asyncio.sleep(random.uniform(*PAUSE_S))  # noqa: S311  no secret

    tasks = [asyncio.create_task(misbehave()) for _ in range(agents)]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return counted
