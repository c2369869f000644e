"""The Actions API as one ASGI application."""

from collections.abc import Sequence
from typing import Final

from litestar import Litestar, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, ControllerRouterHandler
from structlog.typing import FilteringBoundLogger

from holdfast.api import agent_history, agents, findings, fleet, health, history, settings, tokens
from holdfast.api.about import About
from holdfast.api.access import Access
from holdfast.api.authorisation import authorisation
from holdfast.api.doorkeeper import Doorkeeper
from holdfast.api.problems import exception_handlers
from holdfast.api.strictness import known_parameters_only
from holdfast.model import Role
from holdfast.registry import Registry

MAX_BODY_BYTES: Final = 256 * 1024
_SECURITY_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def create_app(
    *,
    registry: Registry,
    about: About,
    access: Access,
    gateway_port: int,
    log: FilteringBoundLogger,
    routes: Sequence[ControllerRouterHandler] = (),
) -> ASGIApp:
    """The application. `routes` are further routes, which fall under the same rules of access."""
    app = Litestar(
        route_handlers=[
            health.healthz,
            health.readyz,
            *agents.ROUTES,
            *agent_history.ROUTES,
            *findings.ROUTES,
            *fleet.ROUTES,
            *history.ROUTES,
            *settings.ROUTES,
            *tokens.ROUTES,
            openapi_document,
            *routes,
        ],
        dependencies={
            "registry": Provide(lambda: registry, sync_to_thread=False),
            "about": Provide(lambda: about, sync_to_thread=False),
            "access": Provide(lambda: access, sync_to_thread=False),
        },
        guards=[authorisation(access, registry.tokens), known_parameters_only],
        exception_handlers=exception_handlers(log),
        response_headers=_SECURITY_HEADERS,
        request_max_body_size=MAX_BODY_BYTES,
        compression_config=CompressionConfig(backend="gzip", minimum_size=2048, exclude_opt_key="uncompressed"),
        openapi_config=_openapi(about.version),
        debug=False,
        logging_config=None,
    )
    return Doorkeeper(app, access, gateway_port)


@get("/openapi.json", opt={"role": Role.VIEWER}, include_in_schema=False)
async def openapi_document(request: Request) -> Response[dict[str, object]]:  # type: ignore[type-arg]  # any request
    """This API as OpenAPI 3.1."""
    return Response(request.app.openapi_schema.to_schema())


def _openapi(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Holdfast Actions API",
        version=version,
        description="Errors are RFC 9457 problem documents with a stable `code` and a `fix`.",
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer", bearer_format="hfa_…")}
        ),
        security=[{}, {"token": []}],
        use_handler_docstrings=True,
    )
