"""An agent without a loop: right in everything until its first connection is lost, and then it only sits there.

`python -m holdfast.lab.onelife`, with the gateway's URL in HOLDFAST_URL; for rehearsing `holdfast check-agent`.
"""

import asyncio
import os
from urllib.parse import urlsplit

from holdfast.lab.rawagent import RawAgent
from holdfast.lab.rawwire import Place

BEAT_S = 1.0


async def live(url: str) -> None:
    """Register once, beat until the connection ends, and stay."""
    parts = urlsplit(url)
    agent = RawAgent("lab-one-life")
    await agent.connect(Place(host=parts.hostname or "127.0.0.1", port=parts.port or 80, path=parts.path))
    await agent.register()
    agent.keep_beating(BEAT_S)
    await agent.wire.ended.wait()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(live(os.environ["HOLDFAST_URL"]))
