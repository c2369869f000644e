"""WebSocket servers that are no Holdfast gateway."""

from types import TracebackType
from typing import Self

from websockets.asyncio.server import Server, ServerConnection, serve

from holdfast.protocol.limits import PATH


class ClosingServer:
    """Accepts every upgrade and closes after the first message, with a code and a reason of its own."""

    def __init__(self, code: int, reason: str) -> None:
        self._code, self._reason = code, reason
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """What an agent is given."""
        assert self._server is not None
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}{PATH}"

    async def __aenter__(self) -> Self:
        self._server = await serve(self._close, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _close(self, connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(self._code, self._reason)
