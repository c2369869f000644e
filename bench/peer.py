"""A minimal gateway of the same protocol on `websockets`' asyncio server, as a user of that library would write it.

It runs on uvloop as Holdfast does (`--loop asyncio` takes that away), and has a listen backlog that takes 512
connections at once, so that the comparison is between programs and not between defaults. All else is the library's
default: its pings every 20 s, its queue, its limits.

    python -m bench.peer [--port 0] [--loop uvloop|asyncio]      prints `port N` when it listens
"""

import argparse
import asyncio
import signal
from http import HTTPStatus

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from bench.peer_registry import Connection, Registry

BACKLOG = 2048


async def main(port: int) -> None:
    registry = Registry()

    async def agent(websocket: ServerConnection) -> None:
        connection = Connection(registry)
        async for text in websocket:
            await websocket.send(connection.receive(text if isinstance(text, str) else text.decode()))

    def plain_http(websocket: ServerConnection, request: Request) -> Response | None:
        if request.path == "/health":
            return websocket.respond(HTTPStatus.OK, f'{{"status": "healthy", "agents": {len(registry.agents)}}}\n')
        if request.path != "/ws/agent":
            return websocket.respond(HTTPStatus.NOT_FOUND, "agents connect to /ws/agent\n")
        return None

    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with serve(agent, "127.0.0.1", port, process_request=plain_http, ping_interval=20, backlog=BACKLOG) as server:
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    chosen = parser.parse_args()
    run = uvloop.run if chosen.loop == "uvloop" else asyncio.run
    run(main(chosen.port))
