"""uvicorn in our own event loop: it neither takes the signals nor ends the process."""

import asyncio
import logging
import socket
from pathlib import Path
from typing import Final

import uvicorn
from litestar.types import ASGIApp

_GRACE_S: Final = 5


def _is_news(record: logging.LogRecord) -> bool:
    """Not that an upgrade is unsupported, with the advice to install a WebSocket library: that is meant so, and an
    agent that comes to this port is told the right one."""
    said = record.getMessage()
    return not said.startswith(("Unsupported upgrade request", "No supported WebSocket library"))


class ApiServer:
    """Serves one ASGI application on one listening socket."""

    def __init__(
        self, app: ASGIApp, listener: socket.socket, *, tls_cert: Path | None = None, tls_key: Path | None = None
    ) -> None:
        self._listener = listener
        logging.getLogger("uvicorn.error").addFilter(_is_news)  # the same function again changes nothing
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_S,
                ssl_certfile=tls_cert,
                ssl_keyfile=tls_key,
            )
        )
        self._loop_task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        port: int = self._listener.getsockname()[1]
        return port

    async def start(self) -> None:
        """Begin to answer. Returns when connections are accepted."""
        config = self._server.config
        config.load()
        # `Server.serve` would do the same, and install signal handlers over those of the process.
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[self._listener])
        self._loop_task = asyncio.create_task(self._server.main_loop(), name="actions-api")

    async def stop(self) -> None:
        """Accept nothing new, finish what is being answered, close."""
        if self._loop_task is None:
            self._listener.close()
            return
        self._server.should_exit = True
        await self._loop_task
        await self._server.shutdown(sockets=[self._listener])
