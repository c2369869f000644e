"""The dashboard's routes as one router, to be mounted beside those of the API."""

from typing import Final
from urllib.parse import quote

import structlog
from litestar import Response, Router, get
from litestar.datastructures import FormMultiDict
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.types import ExceptionHandlersMap

from holdfast.api.about import About
from holdfast.api.access import Access
from holdfast.api.codes import refuse
from holdfast.api.problems import our_mistake, problem_body, translated
from holdfast.dashboard import (
    agent,
    agents,
    assets,
    attempts,
    audit,
    bulk,
    connect,
    docs,
    exports,
    findings,
    fleet,
    live,
    settings,
    signing_in,
    tokens,
)  # fmt: skip
from holdfast.dashboard.assets import Assets
from holdfast.dashboard.once import OneTimeLink
from holdfast.dashboard.pulse import Pulse
from holdfast.dashboard.rendering import SECURITY_HEADERS, View
from holdfast.dashboard.visitors import AnyRequest, Visitor, checked, visiting, visitor_of
from holdfast.faults import HoldfastError, Problem, printable
from holdfast.registry.sessions import Sessions

ROUTES: Final = (
    *signing_in.ROUTES, *live.ROUTES, *agents.ROUTES, *agent.ROUTES, *bulk.ROUTES, *exports.ROUTES,
    *attempts.ROUTES, *docs.ROUTES, *findings.ROUTES, *fleet.ROUTES, *audit.ROUTES, *connect.ROUTES,
    *tokens.ROUTES, *settings.ROUTES,
)  # fmt: skip

log = structlog.get_logger()


def dashboard(
    *,
    about: About,
    access: Access,
    sessions: Sessions,
    pulse: Pulse,
    link: OneTimeLink,
    facts: dict[str, object],
) -> Router:
    """All pages. `facts` are shown on every page: `version`, `gateway_port` and the like."""
    files = Assets()
    view = View(files, about.clock, facts)
    return Router(
        path="/",
        route_handlers=[assets.asset, *ROUTES, nowhere],
        guards=[visiting(access, sessions)],
        dependencies={
            "assets": _given(files),
            "view": _given(view),
            "sessions": _given(sessions),
            "pulse": _given(pulse),
            "link": _given(link),
            "visitor": Provide(_visitor, sync_to_thread=False),
            "form": Provide(_form),
        },
        exception_handlers=_exception_handlers(view),
        response_headers=SECURITY_HEADERS,
        include_in_schema=False,
    )


def _given(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def _visitor(request: AnyRequest) -> Visitor:
    return visitor_of(request)


async def _form(request: AnyRequest) -> FormMultiDict:
    """The form that was sent, after its proof was checked."""
    form = await request.form()
    checked(form, visitor_of(request))
    return form


@get("/ui/{rest:path}", opt={"role": None, "sees": None}, include_in_schema=False)
async def nowhere(rest: FromPath[str]) -> Response[str]:
    """Every other path below `/ui`."""
    raise refuse(
        "API-PATH",
        what=f"there is no page /ui{printable(str(rest))}",
        why="the link is wrong or of another version",
        fix="Choose a page from the navigation",
    )


def _exception_handlers(view: View) -> ExceptionHandlersMap:
    """Problems as pages; who has to sign in first is led there."""

    def ours(request: AnyRequest, error: HoldfastError) -> Response[str] | Response[None]:
        return _problem_page(request, view, error.problem)

    def litestars(request: AnyRequest, error: HTTPException) -> Response[str] | Response[None]:
        return _problem_page(request, view, translated(request, error))

    def bug(request: AnyRequest, error: Exception) -> Response[str] | Response[None]:
        return _problem_page(request, view, our_mistake(log, request, error))

    return {HoldfastError: ours, HTTPException: litestars, Exception: bug}


def _problem_page(request: AnyRequest, view: View, problem: Problem) -> Response[str] | Response[None]:
    if problem.code == "API-TOKEN-MISSING" and request.method == "GET":
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Response(None, status_code=303, headers={"Location": f"/ui/sign-in?next={quote(asked)}"})
    body = problem_body(problem)
    title = "There is no such page" if problem.code == "API-PATH" else body.title
    return view.page(request, "problem.html", status=body.status, title=title, problem=problem)
