"""Gateway, Actions API and local agent put together: one process, one event loop, started and stopped in order."""

import asyncio
import gc
import signal
from collections.abc import Callable, Sequence
from typing import Final

from holdfast.config import Config, Value
from holdfast.serve.explaining import Explaining, signature_explainer
from holdfast.serve.plane import ControlPlane, Parts, Running

__all__ = ["ControlPlane", "Explaining", "Parts", "Running", "run", "signature_explainer"]

Announce = Callable[[Running], None]
NEW_OBJECTS: Final = 10_000


def run(config: Config, parts: Parts, *, announce: Announce, shown: Sequence[Value] = ()) -> None:
    """Run until SIGTERM or SIGINT, then stop in order. `announce` is called once, when all is there.

    `shown` is the configuration as it may be shown to people, with the source of each value.

    Raises:
        Refused: something in the configuration has to be corrected; nothing was started.
        Unavailable: the database cannot be opened.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(ControlPlane(config, parts, shown=shown), announce))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _collect_garbage_less_often() -> None:
    """Take the modules out of it, and look at new objects in tens of thousands: reference counts free nearly all.

    With Python's own thresholds a storm of agents spends a tenth of its CPU time on finding that nothing is garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


async def _run(plane: ControlPlane, announce: Announce) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await plane.start()
        _collect_garbage_less_often()
        loop.add_signal_handler(signal.SIGHUP, plane.reload_tls)
        announce(plane.running)
        await stop.wait()
    finally:
        await plane.stop()
