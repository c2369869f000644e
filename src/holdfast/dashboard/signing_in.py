"""Signing in, with an API token or the one-time link, and out."""

from typing import Annotated, Final

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from holdfast.api.codes import refuse
from holdfast.dashboard.once import OneTimeLink
from holdfast.dashboard.rendering import View, see_other
from holdfast.dashboard.visitors import AnyRequest, Visitor, cookie, session_cookie
from holdfast.model import ApiToken, Role
from holdfast.registry import Registry
from holdfast.registry.sessions import SESSION_S, Sessions

HOME: Final = "/"
ONCE_NAME: Final = "one-time link"
Next = Annotated[str, QueryParameter(description="Path to go to afterwards", max_length=1024)]


@get("/ui/sign-in", opt={"role": None, "sees": None}, include_in_schema=False)
async def sign_in_page(request: AnyRequest, view: NamedDependency[View], *, next: Next = HOME) -> Response[str]:  # noqa: A002 - the name of the parameter
    """The form."""
    return view.page(request, "sign_in.html", title="Sign in", next=local(next), problem=None)


@post("/ui/sign-in", opt={"role": None, "sees": None}, include_in_schema=False)
async def sign_in(
    request: AnyRequest,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    sessions: NamedDependency[Sessions],
    form: NamedDependency[FormMultiDict],
) -> Response[str] | Response[None]:
    """Begin a session with the token that was typed in."""
    after = local(str(form.get("next", HOME)))
    token = await registry.tokens.verify(str(form.get("token", "")).strip())
    if token is None:
        problem = refuse(
            "API-TOKEN-BAD",
            why="it was not issued here, has expired, was revoked, or was not copied whole",
            fix="Create a token with `holdfast tokens create --name me --role admin` on the server",
        ).problem
        return view.page(request, "sign_in.html", status=401, title="Sign in", next=after, problem=problem)
    return await _signed_in(request, sessions, token, after)


@get("/ui/once/{secret:str}", opt={"role": None, "sees": None}, include_in_schema=False)
async def once_page(request: AnyRequest, view: NamedDependency[View], secret: FromPath[str]) -> Response[str]:
    """Asks for one click: whoever merely looks at the link, such as a preview, must not use it up."""
    return view.page(request, "once.html", title="Sign in", secret=secret)


@post("/ui/once/{secret:str}", opt={"role": None, "sees": None}, include_in_schema=False)
async def use_once(
    request: AnyRequest,
    *,
    registry: NamedDependency[Registry],
    sessions: NamedDependency[Sessions],
    link: NamedDependency[OneTimeLink],
    form: NamedDependency[FormMultiDict],  # noqa: ARG001 - checks the form
    secret: FromPath[str],
) -> Response[None]:
    """Begin an administrator's session, under a token that can be revoked like any other."""
    if not link.redeem(secret):
        raise refuse(
            "API-TOKEN-BAD",
            what="this link does not sign in any more",
            why="it works once, within fifteen minutes of the start of `holdfast up`",
            fix="Restart for a new link, or create a token with `holdfast tokens create` and sign in with that",
        )
    issued = await registry.tokens.create(ONCE_NAME, Role.ADMIN, SESSION_S, actor="up")
    return await _signed_in(request, sessions, issued.token, HOME)


@post("/ui/sign-out", opt={"role": None, "sees": None}, include_in_schema=False)
async def sign_out(
    request: AnyRequest,
    visitor: NamedDependency[Visitor],
    sessions: NamedDependency[Sessions],
    form: NamedDependency[FormMultiDict],  # noqa: ARG001 - checks the form
) -> Response[None]:
    """End the session, here and on the server."""
    if visitor.session is not None:
        await sessions.close(visitor.session)
    gone = cookie(request, session_cookie(request), "", max_age_s=0)
    return see_other(request, "/ui/sign-in", notice="You are signed out.", cookies=[gone])


async def _signed_in(request: AnyRequest, sessions: Sessions, token: ApiToken, after: str) -> Response[None]:
    secret, _ = await sessions.open(token)
    kept = cookie(request, session_cookie(request), secret, max_age_s=int(SESSION_S))
    return see_other(request, after, notice=f"Signed in as {token.name} ({token.role.value}).", cookies=[kept])


def local(path: str) -> str:
    """`path`, if it leads to a page of this very server; else home. Browsers read `\\` as `/` and skip blanks."""
    is_ours = path.startswith("/") and path.isprintable() and not path.startswith(("//", "/\\")) and "\\" not in path
    return path if is_ours else HOME


ROUTES = [sign_in_page, sign_in, once_page, use_once, sign_out]
