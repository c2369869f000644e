"""Unknown query parameters are refused: a mistyped filter must not answer with everything."""

from difflib import get_close_matches
from typing import Final

from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers.base import BaseRouteHandler
from litestar.params import ParameterKwarg

from holdfast.api.codes import refuse
from holdfast.faults import printable

# What Litestar injects by name, beside the query: https://docs.litestar.dev/2/usage/routing/handlers.html
_INJECTED: Final = frozenset({"request", "data", "body", "headers", "cookies", "state", "scope", "query", "return"})


async def known_parameters_only(
    connection: ASGIConnection[object, object, object, State], handler: BaseRouteHandler
) -> None:
    """A guard: raises `Refused` (API-INVALID) for the first query parameter that the route does not have."""
    if not connection.query_params:
        return
    known = query_parameters(handler)
    for name in connection.query_params:
        if name in known:
            continue
        near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
        raise refuse(
            "API-INVALID",
            what=f"{connection.url.path} has no query parameter {printable(name)}",
            why=f"a parameter that nobody reads would be ignored silently; {takes}",
            fix=f"Did you mean {near[0]}?" if near else "Remove it",
            field=printable(name),
        )


def query_parameters(handler: BaseRouteHandler) -> frozenset[str]:
    """The names of the query parameters of a route, as they stand in a URL."""
    in_path = {parameter for path in handler.paths for parameter in _path_parameters(path)}
    other = _INJECTED | in_path | handler.resolve_dependencies().keys()
    names = set()
    for name, field in handler.parsed_fn_signature.parameters.items():
        kwarg = field.kwarg_definition
        if name in other or (isinstance(kwarg, ParameterKwarg) and (kwarg.header or kwarg.cookie)):
            continue
        names.add((isinstance(kwarg, ParameterKwarg) and kwarg.query) or name)
    return frozenset(names)


def _path_parameters(path: str) -> list[str]:
    return [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]
