"""A `Problem` as RFC 9457 `application/problem+json`, and every exception as a `Problem`."""

import re
from typing import Final

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.types import ExceptionHandlersMap
from structlog.typing import FilteringBoundLogger

from holdfast.api.codes import api_problem, http_status, title, type_uri
from holdfast.faults import HoldfastError, Problem, printable

PROBLEM_JSON: Final = "application/problem+json"
NO_STORE: Final = "no-store"
AnyRequest = Request[object, object, State]
_UNKNOWN_FIELD: Final = re.compile(r"unknown field `([^`]+)`")


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 with our `code`, `why` and `fix`. `detail` says what happened here and why."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    why: str
    fix: str
    field: str | None = None
    evidence: dict[str, str | int | float | bool | None] = {}


def problem_body(problem: Problem, status: int | None = None) -> ProblemBody:
    """The document for `problem`; `status` where the route knows better than the code."""
    return ProblemBody(
        type=type_uri(problem.code),
        title=title(problem.code),
        status=status or http_status(problem),
        detail=f"{problem.what}: {problem.why}",
        code=problem.code,
        why=problem.why,
        fix=problem.fix,
        field=problem.field,
        evidence=problem.evidence,
    )


def problem_headers(problem: Problem, status: int) -> dict[str, str]:
    """Headers that belong to a refusal: how to authenticate, when to come back."""
    headers = {"Cache-Control": NO_STORE}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="holdfast"'
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after_s)))
    return headers


def problem_response(problem: Problem, *, allow: str | None = None) -> Response[ProblemBody]:
    """The complete answer for `problem`."""
    body = problem_body(problem)
    headers = problem_headers(problem, body.status)
    if allow:
        headers["Allow"] = allow
    return Response(body, status_code=body.status, media_type=PROBLEM_JSON, headers=headers)


def exception_handlers(log: FilteringBoundLogger) -> ExceptionHandlersMap:
    """What Litestar is to do with each kind of exception."""

    def ours(_request: AnyRequest, error: HoldfastError) -> Response[ProblemBody]:
        return problem_response(error.problem)

    def litestars(request: AnyRequest, error: HTTPException) -> Response[ProblemBody]:
        allow = _methods(request) if isinstance(error, MethodNotAllowedException) else None
        return problem_response(translated(request, error), allow=allow)

    def bug(request: AnyRequest, error: Exception) -> Response[ProblemBody]:
        return problem_response(our_mistake(log, request, error))

    return {HoldfastError: ours, HTTPException: litestars, Exception: bug}


def our_mistake(log: FilteringBoundLogger, request: AnyRequest, error: Exception) -> Problem:
    """What is said of an error that nobody foresaw; the log gets its trace."""
    log.error("api.request_failed", code="API-BUG", method=request.method, path=request.url.path, exc_info=error)
    return api_problem("API-BUG", why="an error that nobody foresaw; the log has its trace")


def _methods(request: AnyRequest) -> str:
    """What stands in Allow (RFC 9110, 15.5.6); Litestar names no methods in its 405."""
    methods: set[str] = set()
    for template, handlers in request.app.route_handler_method_map.items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), request.url.path.rstrip("/") or "/"):
            methods.update(handlers)
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def translated(request: AnyRequest, error: HTTPException) -> Problem:
    """What Litestar refused by itself, in our words."""
    path = printable(request.url.path, 120)
    match error:
        case NotFoundException():
            return api_problem("API-PATH", what=f"the API has no path {path}", why="no route matches it")
        case MethodNotAllowedException():
            return api_problem("API-METHOD", what=f"{path} does not take {request.method}", why="no route matches it")
        case ValidationException():
            return _invalid(error)
        case ClientException(status_code=413):
            return api_problem("API-BODY-SIZE", why=printable(error.detail, 200))
        case ClientException():
            return api_problem("API-INVALID", why=printable(error.detail, 200))
        case _:
            return api_problem("API-BUG", why=f"the server answered {error.status_code}")


def _invalid(error: ValidationException) -> Problem:
    """The first thing wrong; `source` tells a query parameter from a field of the body."""
    found = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    details = found if isinstance(found, dict) else {}
    name, message = str(details.get("key", "")), printable(str(details.get("message", error.detail)), 240)
    if name == "data":  # Litestar's word for the body as a whole
        unknown = _UNKNOWN_FIELD.search(message)
        what = f"a field that is not known here: {unknown[1]}" if unknown else "the body cannot be used"
        fix = "Leave it out, or correct its name" if unknown else "Correct the body"
        return api_problem(
            "API-INVALID", what=what, why=message, fix=f"{fix}; /openapi.json says what it takes",
            field=unknown[1] if unknown else None,
        )  # fmt: skip
    in_query = details.get("source") == "query"
    kind = "query parameter" if in_query else "field"
    return api_problem(
        "API-INVALID",
        what=f"the {kind} {printable(name)} cannot be used" if name else None,
        why=message,
        fix=f"Correct the {kind} {printable(name)}; /openapi.json says what it takes" if name else None,
        field=printable(name) or None,
    )
