"""A process that registers agents until it is killed, and says of each that it is confirmed: URL, name."""

import asyncio
import sys

from holdfast.bus import LocalBus
from holdfast.registry import Registry
from holdfast.store import open_store
from tests.registry.fleet import claim


async def register_for_ever(url: str, name: str) -> None:
    """Print a host_id once its registration is confirmed."""
    store = await open_store(url)
    registry = Registry(store, LocalBus(), node_id="killed")
    await registry.start()

    async def register(worker: int) -> None:
        for number in range(1_000_000):
            host = f"{name}-{worker}-{number}"
            await registry.register(claim(host, labels={"worker": str(worker)}))
            sys.stdout.write(f"{host}\n")
            sys.stdout.flush()

    await asyncio.gather(*(register(worker) for worker in range(64)))


if __name__ == "__main__":
    asyncio.run(register_for_ever(*sys.argv[1:]))
