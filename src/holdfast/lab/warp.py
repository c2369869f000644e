"""`holdfast` on a clock that is ahead, or that runs faster: what `faketime` does, done from within.

A day's patience of a gateway passes in minutes. Only for control planes that the lab starts: the process replaces its
own clocks, and waits correspondingly shorter.
"""

import argparse
import asyncio
import importlib
import selectors
import sys
import time
from collections.abc import Callable
from typing import Final

_real_time: Final = time.time
_real_monotonic: Final = time.monotonic


class _Hasty(selectors.DefaultSelector):
    """A selector that waits `speed` times shorter than it is told to. The event loop takes no other collaborator."""

    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        shortened = None if timeout is None else timeout / self.speed
        found: list[tuple[selectors.SelectorKey, int]] = super().select(shortened)
        return found


class _Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(_Hasty())


def clock(*, epoch: float, speed: float, ahead_s: float = 0.0) -> Callable[[], float]:
    """Unix seconds that ran true until `epoch`, and `speed` times as fast from then on."""
    return lambda: epoch + ahead_s + (_real_time() - epoch) * speed


def command(arguments: list[str], *, epoch: float, speed: float, ahead_s: float) -> list[str]:
    """The command line that runs `holdfast` with `arguments` on such a clock."""
    options = ["--epoch", repr(epoch), "--speed", repr(speed), "--ahead", repr(ahead_s)]
    return [sys.executable, "-m", "holdfast.lab.warp", *options, "--", *arguments]


def main() -> None:
    """Set the clocks, then be `holdfast`."""
    parser = argparse.ArgumentParser(prog="holdfast.lab.warp")
    for name in ("--epoch", "--speed", "--ahead"):
        parser.add_argument(name, type=float, required=True)
    parser.add_argument("arguments", nargs="+")
    told = parser.parse_args()
    began = _real_monotonic()
    time.time = clock(epoch=told.epoch, speed=told.speed, ahead_s=told.ahead)
    time.monotonic = lambda: began + (_real_monotonic() - began) * told.speed
    _Hasty.speed = told.speed
    asyncio.set_event_loop_policy(_Policy())
    sys.modules["uvloop"] = None  # type: ignore[assignment]  # it has a clock of its own; as if not installed
    sys.argv = ["holdfast", *told.arguments]
    importlib.import_module("holdfast.cli").main()  # by name: the lab stands beneath the command line


if __name__ == "__main__":
    main()
