"""Tokens straight from the store, without the API: whoever may read the store's files may make the first token."""

import asyncio
import getpass
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from holdfast.cli.failures import usage
from holdfast.faults import printable

if TYPE_CHECKING:
    from holdfast.registry import Registry

T = TypeVar("T")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LIFE: Final = re.compile(r"(\d{1,6})([smhdw])")


def with_registry(
    work: "Callable[[Registry], Awaitable[T]]", *, config: Path | None, data_dir: Path | None, database_url: str | None
) -> T:
    """Run `work` on the registry of the configured store.

    Raises:
        Refused, Unavailable: the configuration is wrong, or the store cannot be opened.
    """
    from holdfast.config import load
    from holdfast.config.database import database_url as resolved

    flags = {"config": config, "data_dir": data_dir, "database_url": database_url}
    effective = load(flags, environ=os.environ).config
    return asyncio.run(_run(work, resolved(effective)))


async def _run(work: "Callable[[Registry], Awaitable[T]]", url: str) -> T:
    from holdfast.bus import LocalBus
    from holdfast.registry import Registry
    from holdfast.store import open_store

    store = await open_store(url)
    try:
        # Not started: this process holds no connection of an agent, and must not tidy up after one that does.
        return await work(Registry(store, LocalBus(), node_id=f"cli-{os.getpid()}"))
    finally:
        await store.close()


def local_actor() -> str:
    """Who stands in the audit log for what is done on the machine itself."""
    try:
        return f"local user {getpass.getuser()}"
    except (KeyError, OSError):  # a container's user may have no name
        return f"local user {os.getuid()}"


def life_s(text: str | None) -> float | None:
    """The seconds of `30d`, `12h`, `15m`; None for no end.

    Raises:
        Refused: it is no such text.
    """
    if text is None:
        return None
    found = _LIFE.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise usage(
            what=f"--expires cannot be {printable(text)!r}",
            why="it is a whole number above 0 with its unit: s, m, h, d or w",
            fix="Write for example --expires 30d",
        )
    return float(int(found[1]) * _SECONDS[found[2]])
