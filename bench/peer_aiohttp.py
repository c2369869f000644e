"""The same minimal gateway on aiohttp's server, on uvloop, with the library's heartbeat (pings) every 20 s.

python -m bench.peer_aiohttp [--port 0]      prints `port N` when it listens
"""

import argparse
import asyncio
import signal

import uvloop
from aiohttp import WSMsgType, web

from bench.peer_registry import Connection, Registry

BACKLOG = 2048


async def main(port: int) -> None:
    registry = Registry()

    async def agent(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(heartbeat=20)
        await websocket.prepare(request)
        connection = Connection(registry)
        async for message in websocket:
            if message.type is WSMsgType.TEXT:
                await websocket.send_str(connection.receive(message.data))
        return websocket

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "healthy", "agents": len(registry.agents)})

    app = web.Application()
    app.add_routes([web.get("/ws/agent", agent), web.get("/health", health)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG)
    await site.start()
    print("port", runner.addresses[0][1], flush=True)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    uvloop.run(main(parser.parse_args().port))
