"""What the service tells of itself."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

Probe = Callable[[], Awaitable[None]]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One value of the configuration in force, where it came from and what it is for. Secrets are hidden already."""

    key: str
    value: str
    source: str
    description: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """`clock` gives Unix seconds. A probe returns when its part is well and raises `Unavailable` when it is ill."""

    version: str
    registration: str
    started_at: float
    clock: Callable[[], float]
    probes: Mapping[str, Probe]
    settings: tuple[Setting, ...] = ()
