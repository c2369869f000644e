"""`holdfast` without its diagnosis: events reach the ledger and the log as ever, and no rule is asked about them.

Holdfast beside it tells what diagnosis costs. There is no such switch in the product: who would want it?
"""

from holdfast.cli import main
from holdfast.diagnosis.engine import Engine
from holdfast.diagnosis.watcher import Watcher
from holdfast.model.events import Event


def _ask_nobody(_watcher: Watcher, _event: Event) -> None:
    return


def _nothing_is_due(_engine: Engine, _now: float) -> list[object]:
    return []


if __name__ == "__main__":
    Watcher.record = _ask_nobody  # type: ignore[method-assign,assignment]  # the cut that this process is for
    Engine.on_tick = _nothing_is_due  # type: ignore[method-assign,assignment]
    main()
