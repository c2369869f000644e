"""Who changed what."""

from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from holdfast.api.agents import CursorParameter
from holdfast.api.documents import audits_body
from holdfast.dashboard.rendering import View
from holdfast.dashboard.visitors import AnyRequest
from holdfast.model import AuditQuery, Role
from holdfast.registry import Registry

Filter = Annotated[str, QueryParameter(max_length=255)]


@get("/ui/audit", opt={"role": None, "sees": Role.VIEWER}, include_in_schema=False)
async def audit_page(
    request: AnyRequest,
    *,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    actor: Filter = "",
    action: Filter = "",
    subject: Filter = "",
    cursor: CursorParameter = None,
) -> Response[str]:
    """One page of changes, the newest first."""
    said = {"actor": actor.strip(), "action": action.strip(), "subject": subject.strip()}
    wanted = {name: text for name, text in said.items() if text}
    query = AuditQuery(
        actor=wanted.get("actor"), action=wanted.get("action"), subject=wanted.get("subject"), cursor=cursor or None
    )
    body = audits_body(await registry.list_audit(query))
    address = f"/ui/audit?{urlencode(wanted)}" if wanted else "/ui/audit"
    following = urlencode({**wanted, "cursor": body.next_cursor}) if body.next_cursor else ""
    return view.page(
        request, "audit.html", title="Audit", body=body, said=said, address=address, following=following,
        is_narrowed=bool(wanted), is_first=not cursor,
    )  # fmt: skip


ROUTES = [audit_page]
