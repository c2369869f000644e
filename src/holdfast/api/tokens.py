"""The routes of API tokens and enrolment tokens: for administrators, and never open."""

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from holdfast.api.agents import actor
from holdfast.api.authorisation import AskingRequest
from holdfast.api.bodies import (
    EnrolmentTokensBody,
    IssuedEnrolmentTokenBody,
    IssuedTokenBody,
    TokensBody,
)
from holdfast.api.documents import enrolment_token_body, token_body
from holdfast.model import Role
from holdfast.registry import Registry

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Seconds = Annotated[float, msgspec.Meta(gt=0, description="Life from now on, in seconds")]


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API token to create."""

    name: Name
    role: Role
    expires_in_s: Seconds | None = None


class NewEnrolmentToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An enrolment token to create."""

    name: Name
    org_id: str | None = None
    labels: dict[str, str] = {}
    expires_in_s: Seconds | None = None
    max_uses: Annotated[int, msgspec.Meta(ge=1)] | None = None


@get("/tokens", opt={"role": Role.ADMIN}, tags=["tokens"])
async def list_tokens(registry: NamedDependency[Registry]) -> TokensBody:
    """All API tokens, without their secrets."""
    return TokensBody(tokens=[token_body(token) for token in await registry.tokens.list()])


@post("/tokens", opt={"role": Role.ADMIN}, tags=["tokens"])
async def create_token(
    registry: NamedDependency[Registry], request: AskingRequest, data: JSONBody[NewToken]
) -> IssuedTokenBody:
    """Create an API token. The answer holds its secret, this once."""
    issued = await registry.tokens.create(data.name, data.role, data.expires_in_s, actor=actor(request))
    return IssuedTokenBody(secret=issued.secret, token=token_body(issued.token))


@delete("/tokens/{token_id:str}", opt={"role": Role.ADMIN}, tags=["tokens"])
async def revoke_token(registry: NamedDependency[Registry], request: AskingRequest, token_id: FromPath[str]) -> None:
    """End an API token, at once and for ever."""
    await registry.tokens.revoke(token_id, actor=actor(request))


@get("/enrolment-tokens", opt={"role": Role.ADMIN}, tags=["tokens"])
async def list_enrolment_tokens(registry: NamedDependency[Registry]) -> EnrolmentTokensBody:
    """All enrolment tokens, without their secrets."""
    found = await registry.enrolment_tokens.list()
    return EnrolmentTokensBody(enrolment_tokens=[enrolment_token_body(token) for token in found])


@post("/enrolment-tokens", opt={"role": Role.ADMIN}, tags=["tokens"])
async def create_enrolment_token(
    registry: NamedDependency[Registry], request: AskingRequest, data: JSONBody[NewEnrolmentToken]
) -> IssuedEnrolmentTokenBody:
    """Create a token that lets agents register. The answer holds its secret, this once."""
    issued = await registry.enrolment_tokens.create(
        data.name,
        org_id=data.org_id,
        labels=data.labels,
        ttl=data.expires_in_s,
        max_uses=data.max_uses,
        actor=actor(request),
    )
    return IssuedEnrolmentTokenBody(secret=issued.secret, token=enrolment_token_body(issued.token))


@delete("/enrolment-tokens/{token_id:str}", opt={"role": Role.ADMIN}, tags=["tokens"])
async def revoke_enrolment_token(
    registry: NamedDependency[Registry], request: AskingRequest, token_id: FromPath[str]
) -> None:
    """Let nobody register with this token any more; agents that did stay."""
    await registry.enrolment_tokens.revoke(token_id, actor=actor(request))


ROUTES = [
    list_tokens,
    create_token,
    revoke_token,
    list_enrolment_tokens,
    create_enrolment_token,
    revoke_enrolment_token,
]
