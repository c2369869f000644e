"""Who asks, found out from the Authorization header, and whether the route is open to them."""

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from holdfast.api.access import Access, Asker, bearer, check_role
from holdfast.api.codes import refuse
from holdfast.faults import Problem, Refused
from holdfast.model import Role
from holdfast.registry import ApiTokens

AskingRequest = Request[Asker | None, object, State]
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def authorisation(access: Access, tokens: ApiTokens) -> Guard:
    """A guard that sets `request.user` and refuses those who may not. A route states its role in `opt["role"]`."""

    async def guard(connection: ASGIConnection[object, object, object, State], handler: BaseRouteHandler) -> None:
        asker = await _asker(connection.headers.get("authorization"), tokens)
        connection.scope["user"] = asker
        # A route that says nothing is for administrators: what was forgotten must not stand open.
        needed: Role | None = handler.opt.get("role", Role.ADMIN)
        method = connection.scope["method"] if connection.scope["type"] == ScopeType.HTTP else "GET"
        # A question may be too long for a URL: such a POST changes nothing, and says so in `opt["changes_nothing"]`.
        writes = method not in _READING and not handler.opt.get("changes_nothing")
        refusal = check_role(access, asker, needed, writes=writes)
        if refusal is not None:
            raise Refused(refusal)

    return guard


async def _asker(authorization: str | None, tokens: ApiTokens) -> Asker | None:
    """Who sent this header; None where there is none. A token that is sent must be good, also where none is needed."""
    match bearer(authorization):
        case None:
            return None
        case Problem() as problem:
            raise Refused(problem)
        case secret:
            return await _verified(secret, tokens)


async def _verified(secret: str, tokens: ApiTokens) -> Asker:
    token = await tokens.verify(secret)
    if token is None:
        # Which of these it is would tell a thief whether the token was ever good.
        raise refuse("API-TOKEN-BAD", why="it was not issued here, has expired, was revoked, or was not copied whole")
    return Asker(name=token.name, role=token.role)
