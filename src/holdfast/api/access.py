"""Who may ask for what. Decisions only: the headers come in, a `Problem` or nothing comes out.

On a loopback address reads are open, so that `curl` works without ceremony; the Host header must then name this
machine, or any web page could reach the API under a name of its own that resolves to 127.0.0.1 (DNS rebinding).
Everything else needs an API token. A page of another origin is refused everywhere.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from holdfast.api.codes import api_problem
from holdfast.faults import Problem, printable
from holdfast.model import Role

TOKEN_PREFIX: Final = "hfa_"  # noqa: S105 - the public prefix of tokens, not one
LOCAL_ACTOR: Final = "local"


class Asker(msgspec.Struct, frozen=True):
    """Who asks: an API token's name and role, or somebody on this machine, who may read (`role` None)."""

    name: str
    role: Role | None = None


class Access(msgspec.Struct, frozen=True):
    """The rules that follow from where the API listens. `hosts` are further names it answers to."""

    bound_host: str
    hosts: frozenset[str] = frozenset()

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the API."""
        return is_loopback(self.bound_host)


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address without port, is this machine's loopback."""
    name = host.lower().strip("[]").rstrip(".")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def check_host(access: Access, host_header: str | None) -> Problem | None:
    """Refuse a Host header that names another machine, where reads are open."""
    if not access.is_local:
        return None
    name = _hostname(host_header or "")
    if name is not None and (is_loopback(name) or name == access.bound_host.lower() or name in access.hosts):
        return None
    shown = printable(host_header or "nothing", 120)
    return api_problem(
        "API-HOST",
        what=f"the Host header names {shown}",
        why="the API listens on a loopback address and answers only to its own names, so that no web page can "
        "reach it under a name that was made to resolve here",
        fix="Ask for http://127.0.0.1 or http://localhost, or add the name to allowed_hosts",
        field="Host",
    )


def check_origin(
    *, host_header: str | None, origin: str | None, fetch_site: str | None, fetch_mode: str | None
) -> Problem | None:
    """Refuse what a page of another origin sends. Programs outside a browser send neither header."""
    if origin is not None and not _same_origin(origin, host_header or ""):
        return _foreign(f"the page's origin is {printable(origin, 120)}")
    # A plain GET from another page carries no Origin. Following a link (navigate) shows that page nothing.
    if fetch_site in {"cross-site", "same-site"} and fetch_mode != "navigate":
        return _foreign("the browser says that the request comes from another origin")
    return None


def _foreign(why: str) -> Problem:
    return api_problem("API-ORIGIN", what="a web page of another origin asked", why=why, field="Origin")


def bearer(authorization: str | None) -> str | Problem | None:
    """The token of an Authorization header; None where there is no header, a `Problem` where it has another form."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() == "bearer" and token.startswith(TOKEN_PREFIX) and token.isascii() and token.isprintable():
        return token
    if scheme.lower() != "bearer":
        why = f"the scheme is {printable(scheme, 20)!s}, not Bearer"
    elif token.startswith(("'", '"', "<")):
        why = "the token stands in quotes or brackets"
    else:
        why = f"the token does not begin with {TOKEN_PREFIX}"
    return api_problem("API-TOKEN-BAD", why=why, fix="Send `Authorization: Bearer hfa_…` without quotes or newline")


def check_role(access: Access, asker: Asker | None, needed: Role | None, *, writes: bool) -> Problem | None:
    """Whether `asker` (None: sent no token) may do what needs `needed` (None: anybody)."""
    if needed is None:
        return None
    if asker is None:
        if access.is_local and not writes and needed is Role.VIEWER:
            return None
        host = access.bound_host
        reason = f"only reading is open on {host}" if access.is_local else f"{host} is not a loopback address"
        return api_problem(
            "API-TOKEN-MISSING",
            why=f"this needs the role {needed.value}, and {reason}",
            fix=f"Create one with `holdfast tokens create --role {needed.value}` on the server and send "
            "`Authorization: Bearer hfa_…`",
        )
    if asker.role is not None and asker.role.includes(needed):
        return None
    held = asker.role.value if asker.role else "none"
    return api_problem(
        "API-ROLE",
        why=f"this needs the role {needed.value}; the token {printable(asker.name)} has {held}",
        fix=f"Use a token created with `--role {needed.value}`",
    )


def _hostname(host_header: str) -> str | None:
    """The name in a Host header, lower case and without port; None where there is none."""
    try:
        return urlsplit(f"//{host_header}").hostname
    except ValueError:
        return None


def _same_origin(origin: str, host_header: str) -> bool:
    """The scheme is not compared: a proxy in front may speak https for us."""
    try:
        page, asked = urlsplit(origin), urlsplit(f"//{host_header}")
        ports = page.port, asked.port
    except ValueError:
        return False
    default = 443 if page.scheme == "https" else 80
    same_port = (ports[0] or default) == (ports[1] or default)
    return page.scheme in {"http", "https"} and page.hostname == asked.hostname and same_port
