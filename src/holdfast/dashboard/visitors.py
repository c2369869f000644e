"""Who looks at a page: somebody on this machine, a signed-in browser, or a program with a token.

A page checks the same rules as the API (`holdfast.api.access`). The session cookie counts for pages alone: the API
takes no cookies, so that no other page can make a browser use them there.
"""

import hashlib
import hmac
import secrets
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, FormMultiDict, State
from litestar.enums import ScopeType
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from holdfast.api.access import Access, Asker, check_role
from holdfast.api.codes import refuse
from holdfast.faults import Refused
from holdfast.model import Role
from holdfast.registry.sessions import Sessions

AnyRequest = Request[object, object, State]
AnyConnection = ASGIConnection[Any, object, object, State]
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD: Final = "csrf"
_GUEST_CHARS: Final = 32


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks (None: nobody signed in), and what every form of theirs has to send back."""

    asker: Asker | None
    secret: str
    is_local: bool
    session: str | None = None

    @property
    def csrf(self) -> str:
        """Follows from a secret that only this browser's cookie holds, which no other page can read."""
        return hashlib.sha256(f"csrf {self.secret}".encode()).hexdigest()

    @property
    def is_signed_in(self) -> bool:
        """Whether a token stands behind the visit."""
        return self.asker is not None

    def may(self, role: str) -> bool:
        """Whether what needs `role` would be allowed; pages offer nothing else."""
        held = self.asker.role if self.asker is not None else None
        return held is not None and held.includes(Role(role))

    @property
    def may_write(self) -> bool:
        """Whether agents may be changed."""
        return self.may("operator")


def visiting(access: Access, sessions: Sessions) -> Guard:
    """A guard that finds out who visits, and refuses those who may not. A page states its role in `opt["sees"]`."""

    async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        visitor = await _visitor(connection, access, sessions)
        connection.scope["state"]["visitor"] = visitor
        # A page that says nothing is for administrators: what was forgotten must not stand open.
        needed: Role | None = handler.opt.get("sees", Role.ADMIN)
        method = connection.scope["method"] if connection.scope["type"] == ScopeType.HTTP else "GET"
        refusal = check_role(access, visitor.asker, needed, writes=method not in READING)
        if refusal is not None:
            raise Refused(refusal)

    return guard


async def _visitor(connection: AnyConnection, access: Access, sessions: Sessions) -> Visitor:
    by_token = connection.scope.get("user")
    if isinstance(by_token, Asker):
        return Visitor(asker=by_token, secret=secrets.token_hex(16), is_local=access.is_local)
    cookie = connection.cookies.get(session_cookie(connection), "")
    session = await sessions.find(cookie) if cookie else None
    if session is not None:
        asker = Asker(name=session.name, role=session.role)
        return Visitor(asker=asker, secret=cookie, is_local=access.is_local, session=cookie)
    guest = connection.cookies.get(guest_cookie(connection), "")
    if len(guest) != _GUEST_CHARS:
        guest = secrets.token_hex(_GUEST_CHARS // 2)
    return Visitor(asker=None, secret=guest, is_local=access.is_local)


def visitor_of(request: AnyRequest) -> Visitor:
    """Whom the guard found."""
    found = request.scope["state"].get("visitor")
    assert isinstance(found, Visitor), "a page was reached around its guard"
    return found


def checked(form: FormMultiDict, visitor: Visitor) -> None:
    """Refuse a form that was not rendered for this very browser.

    Raises:
        Refused: API-ORIGIN.
    """
    shown = form.get(CSRF_FIELD)
    if not isinstance(shown, str) or not hmac.compare_digest(shown.encode(), visitor.csrf.encode()):
        raise refuse(
            "API-ORIGIN",
            what="the form was not sent from this browser's own page",
            why="its hidden proof is missing, or you signed in or out since the page was loaded",
            fix="Load the page again and repeat what you did",
            field=CSRF_FIELD,
        )


def session_cookie(connection: AnyConnection) -> str:
    """Cookies do not tell ports apart: two Holdfasts on one machine must not sign each other out."""
    return f"holdfast_session_{_port(connection)}"


def guest_cookie(connection: AnyConnection) -> str:
    """Of browsers that are not signed in."""
    return f"holdfast_guest_{_port(connection)}"


def cookie(connection: AnyConnection, key: str, value: str, *, max_age_s: int | None = None) -> Cookie:
    """A cookie that scripts cannot read, that no other site's request carries, and that TLS keeps to itself."""
    return Cookie(
        key=key, value=value, httponly=True, samesite="strict", secure=_is_encrypted(connection), max_age=max_age_s
    )


def _port(connection: AnyConnection) -> int:
    server = connection.scope.get("server")
    return int(server[1] or 0) if server else 0


def _is_encrypted(connection: AnyConnection) -> bool:
    # A proxy's word is enough here: believing it can only make the cookie stricter.
    return connection.url.scheme == "https" or connection.headers.get("x-forwarded-proto", "").lower() == "https"
