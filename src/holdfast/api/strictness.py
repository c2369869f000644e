"""Unknown query parameters are refused: a mistyped filter must not answer with everything."""

from difflib import get_close_matches

from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers.base import BaseRouteHandler
from litestar.params import QueryParameter

from holdfast.api.codes import refuse
from holdfast.faults import printable


async def known_parameters_only(
    connection: ASGIConnection[object, object, object, State], handler: BaseRouteHandler
) -> None:
    """A guard: raises `Refused` (API-INVALID) for the first query parameter that the route does not have.

    A route with `opt["reads_own_query"]` reads them itself, and refuses them itself.
    """
    if not connection.query_params or handler.opt.get("reads_own_query"):
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
    """The names of the query parameters of a route, as they stand in a URL. Routes mark each with `QueryParameter`."""
    fields = handler.parsed_fn_signature.parameters.items()
    marked = ((name, field.kwarg_definition) for name, field in fields)
    return frozenset(marker.name or name for name, marker in marked if isinstance(marker, QueryParameter))
