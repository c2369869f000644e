"""From a template and its values to a response."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie
from litestar.enums import MediaType

from holdfast.dashboard import texts
from holdfast.dashboard.assets import Assets
from holdfast.dashboard.visitors import AnyRequest, Visitor, cookie, guest_cookie, visitor_of
from holdfast.protocol.times import rfc3339_millis

_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": _CSP,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
NOTICE_COOKIE: Final = "holdfast_notice"
_NOTICE_S: Final = 60
_NOTICE_CHARS: Final = 400
THEME_COOKIE: Final = "holdfast_theme"
THEMES: Final = frozenset({"light", "dark"})


def environment(assets: Assets) -> Environment:
    """The template engine: everything is escaped, nothing may be undefined."""
    made = Environment(
        loader=PackageLoader("holdfast.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=texts.visible,
    )
    made.filters.update(
        lines=texts.lines, pretty=texts.pretty, tone=texts.tone, span=texts.span, ago=texts.ago,
        instant=texts.instant, number=texts.number, code_title=texts.code_title, platform=texts.platform_text,
        unix=texts.unix, ticks=texts.ticks, json=texts.json_text,
    )  # fmt: skip
    made.globals.update(asset=assets.url, has_vendor=assets.has_vendor, step_names=texts.STEP_NAMES)
    return made


class View:
    """Renders pages. `facts` are values that every page shows, such as the version."""

    def __init__(self, assets: Assets, clock: Callable[[], float], facts: Mapping[str, object]) -> None:
        self._environment = environment(assets)
        # Snippets are programs: what stands in them was checked to be a plain name, and the page escapes the whole.
        self._plain = self._environment.overlay(autoescape=False)
        self._clock = clock
        self._facts = dict(facts)

    def now(self) -> float:
        """Unix seconds, as on the page."""
        return self._clock()

    def fact(self, name: str) -> object:
        """A value that every page shows."""
        return self._facts[name]

    def text(self, template: str, **values: object) -> str:
        """A snippet: plain text, which a page has to escape like any other."""
        return self._plain.get_template(template).render(**values)

    def page(
        self,
        request: AnyRequest,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,  # whatever the template shows
    ) -> Response[str]:
        """A whole page."""
        visitor, now = visitor_of(request), self._clock()
        cookies = [] if visitor.is_signed_in else [cookie(request, guest_cookie(request), visitor.secret)]
        notice = unquote(request.cookies.get(NOTICE_COOKIE, ""))[:_NOTICE_CHARS]
        if notice:
            cookies.append(cookie(request, NOTICE_COOKIE, "", max_age_s=0))
        html = self._environment.get_template(template).render(
            visitor=visitor, now=now, now_rfc3339=rfc3339_millis(now), path=request.url.path, notice=notice,
            theme=theme(request), **self._facts, **values,
        )  # fmt: skip
        # Said here and not by the router, whose headers do not reach the pages of errors.
        sent = {**SECURITY_HEADERS, **(headers or {})}
        return Response(html, status_code=status, media_type=MediaType.HTML, cookies=cookies, headers=sent)


def theme(request: AnyRequest) -> str:
    """What the visitor chose; empty where the system decides."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def see_other(
    request: AnyRequest, path: str, *, notice: str = "", cookies: list[Cookie] | None = None
) -> Response[None]:
    """Go on to another page, which shows `notice` once."""
    sent = list(cookies or [])
    if notice:
        sent.append(cookie(request, NOTICE_COOKIE, quote(notice[:_NOTICE_CHARS]), max_age_s=_NOTICE_S))
    return Response(None, status_code=303, headers={"Location": path}, cookies=sent)


def visitor_name(visitor: Visitor) -> str:
    """Who stands in the audit log for what this visitor changes."""
    assert visitor.asker is not None, "a write passed without a token"
    return visitor.asker.name
