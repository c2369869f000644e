"""What tells the time."""

from collections.abc import Callable

Clock = Callable[[], float]
"""Unix seconds, UTC. `time.time` outside tests; called from the event loop and from the writer's thread."""
