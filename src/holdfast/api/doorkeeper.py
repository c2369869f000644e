"""What every request passes before it is routed: right port, right host, right origin.

A plain ASGI wrapper and not a Litestar middleware, because those run only for paths that exist.
"""

from typing import Final

import msgspec
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from holdfast.api.access import Access, check_host, check_origin
from holdfast.api.problems import PROBLEM_JSON, problem_body, problem_headers
from holdfast.faults import Problem, problem
from holdfast.protocol.limits import PATH as AGENT_PATH

_UPGRADE: Final = b"upgrade"


class Doorkeeper:
    """Answers what must not reach a route, and passes on the rest. HEAD is answered wherever GET is."""

    def __init__(self, app: ASGIApp, access: Access, gateway_port: int) -> None:
        self._app = app
        self._access = access
        self._gateway_port = gateway_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == ScopeType.WEBSOCKET:
            raise AssertionError("unreachable: the server was started without WebSocket support")
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._wrong_port(scope["path"], headers) or self._wrong_caller(headers)
        if refusal is not None:
            await _answer(send, refusal)
            return
        if scope["method"] == "HEAD":
            # uvicorn keeps its own scope and sends no body for HEAD; the headers are those of the GET.
            scope = scope.copy()
            scope["method"] = HttpMethod.GET
        await self._app(scope, receive, send)

    def _wrong_port(self, path: str, headers: dict[bytes, str]) -> Problem | None:
        if path.rstrip("/") != AGENT_PATH and headers.get(_UPGRADE, "").lower() != "websocket":
            return None
        return problem(
            "NET-WRONG-PORT",
            what="an agent's connection arrived at the Actions API",
            why=f"agents connect to the WebSocket gateway on port {self._gateway_port}; this is the REST API",
            fix=f"Use ws://HOST:{self._gateway_port}{AGENT_PATH} for agents",
            evidence={"gateway_port": self._gateway_port},
        )

    def _wrong_caller(self, headers: dict[bytes, str]) -> Problem | None:
        host = headers.get(b"host")
        return check_host(self._access, host) or check_origin(
            host_header=host,
            origin=headers.get(b"origin"),
            fetch_site=headers.get(b"sec-fetch-site"),
            fetch_mode=headers.get(b"sec-fetch-mode"),
        )


async def _answer(send: Send, refusal: Problem) -> None:
    document = problem_body(refusal)
    body = msgspec.json.encode(document)
    headers = {
        **problem_headers(refusal, document.status),
        "Content-Type": PROBLEM_JSON,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": document.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
