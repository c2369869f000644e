"""Tokens: those of people and programs, and those that let agents in."""

from typing import Final

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath

from holdfast.api.codes import refuse
from holdfast.api.documents import enrolment_token_body, token_body
from holdfast.dashboard.labels import read_labels
from holdfast.dashboard.rendering import View, see_other, visitor_name
from holdfast.dashboard.visitors import AnyRequest, Visitor
from holdfast.faults import printable
from holdfast.model import Role
from holdfast.registry import Registry

DAY_S: Final = 86_400.0
_ADMIN: Final = {"role": None, "sees": Role.ADMIN}


@get("/ui/tokens", opt=_ADMIN, include_in_schema=False)
async def tokens_page(
    request: AnyRequest, view: NamedDependency[View], registry: NamedDependency[Registry]
) -> Response[str]:
    """All tokens, without their secrets."""
    return await _page(request, view, registry)


@post("/ui/tokens", opt=_ADMIN, include_in_schema=False)
async def create_token(
    request: AnyRequest,
    *,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    visitor: NamedDependency[Visitor],
    form: NamedDependency[FormMultiDict],
) -> Response[str]:
    """Create an API token and show its secret, this once: the answer is the page itself, so that nothing keeps it."""
    issued = await registry.tokens.create(
        str(form.get("name", "")), str(form.get("role", "")), _seconds(form), actor=visitor_name(visitor)
    )
    return await _page(request, view, registry, secret=issued.secret, of=issued.token.name, kind="API token")


@post("/ui/enrolment-tokens", opt=_ADMIN, include_in_schema=False)
async def create_enrolment_token(
    request: AnyRequest,
    *,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    visitor: NamedDependency[Visitor],
    form: NamedDependency[FormMultiDict],
) -> Response[str]:
    """Create an enrolment token and show its secret, this once."""
    issued = await registry.enrolment_tokens.create(
        str(form.get("name", "")),
        org_id=str(form.get("org_id", "")).strip() or None,
        labels=read_labels(str(form.get("labels", ""))),
        ttl=_seconds(form),
        max_uses=_whole(form, "max_uses"),
        actor=visitor_name(visitor),
    )
    return await _page(request, view, registry, secret=issued.secret, of=issued.token.name, kind="Enrolment token")


@post("/ui/tokens/{token_id:str}/revoke", opt=_ADMIN, include_in_schema=False)
async def revoke_token(
    request: AnyRequest,
    *,
    registry: NamedDependency[Registry],
    visitor: NamedDependency[Visitor],
    form: NamedDependency[FormMultiDict],
    token_id: FromPath[str],
) -> Response[None]:
    """End a token, of either kind."""
    tokens = registry.enrolment_tokens if form.get("kind") == "enrolment" else registry.tokens
    await tokens.revoke(token_id, actor=visitor_name(visitor))
    return see_other(request, "/ui/tokens", notice=f"{printable(token_id)} is revoked.")


async def _page(
    request: AnyRequest, view: View, registry: Registry, *, secret: str = "", of: str = "", kind: str = ""
) -> Response[str]:
    return view.page(
        request, "tokens.html", title="Tokens", secret=secret, of=of, kind=kind, roles=list(Role),
        tokens=[token_body(token) for token in reversed(await registry.tokens.list())],
        enrolment_tokens=[enrolment_token_body(token) for token in reversed(await registry.enrolment_tokens.list())],
    )  # fmt: skip


def _seconds(form: FormMultiDict) -> float | None:
    days = str(form.get("days", "")).strip()
    try:
        return float(days) * DAY_S if days else None
    except ValueError:
        raise _no_number("days", days) from None


def _whole(form: FormMultiDict, name: str) -> int | None:
    text = str(form.get(name, "")).strip()
    if text and not text.isdecimal():
        raise _no_number(name, text)
    return int(text) if text else None


def _no_number(field: str, text: str) -> Exception:
    return refuse(
        "API-INVALID",
        what=f"{printable(text)} is no number",
        why=f"{field} takes a number",
        fix="Correct it",
        field=field,
    )


ROUTES = [tokens_page, create_token, create_enrolment_token, revoke_token]
