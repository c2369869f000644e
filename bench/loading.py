"""The bench's end of the load generator: start it, give orders, read outcomes."""

import subprocess
import sys
from types import TracebackType
from typing import Self

import msgspec

from bench.orders import Order, Outcome
from bench.servers import ROOT


class LoadFailure(Exception):
    """The load generator ended without an answer; its own error went to stderr."""


class Load:
    """One load generator process against one port; a context manager that ends it."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()  # the end of its orders ends it

    def order(self, order: Order) -> Outcome:
        """Have `order` carried out; returns when it is done.

        Raises:
            LoadFailure: the process is gone.
        """
        to_load, from_load = self._process.stdin, self._process.stdout
        if to_load is None or from_load is None:
            raise LoadFailure("the load generator has no pipes")
        to_load.write(msgspec.json.encode(order) + b"\n")
        to_load.flush()
        line = from_load.readline()
        if not line:
            raise LoadFailure(f"the load generator ended during {order!r}")
        return msgspec.json.decode(line, type=Outcome)
