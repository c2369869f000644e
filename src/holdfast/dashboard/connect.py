"""Connecting an agent: programs to paste, agents to approve, and a box that watches the new one arrive."""

import re
from typing import Annotated, Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from holdfast.api.documents import agents_body, attempts_body
from holdfast.dashboard.checklist import checklist
from holdfast.dashboard.rendering import View
from holdfast.dashboard.stories import Story, story
from holdfast.dashboard.texts import unix
from holdfast.dashboard.visitors import AnyRequest
from holdfast.model import AgentQuery, AttemptQuery, Role, Status
from holdfast.protocol.limits import PATH as AGENT_PATH
from holdfast.protocol.times import rfc3339_millis
from holdfast.registry import Registry

SNIPPETS: Final = {
    "command": "Command line",
    "sdk": "Python SDK",
    "python": "Bare Python",
    "node": "Node",
    "go": "Go",
    "systemd": "systemd",
    "compose": "Compose",
    "curl": "curl checks",
}
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]")
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
WATCHED: Final = 100
PENDING_SHOWN: Final = 20
SHORT: Final = QueryParameter(max_length=255)


@get("/ui/connect", opt={"role": None, "sees": Role.VIEWER}, include_in_schema=False)
async def connect_page(
    request: AnyRequest,
    *,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    how: Annotated[str, QueryParameter(max_length=20)] = "command",
    host_id: Annotated[str, SHORT] = "",
    since: Annotated[float | None, QueryParameter(ge=0)] = None,
) -> Response[str]:
    """The page. `since` (Unix seconds) is when it was opened first: what came before is not the awaited agent."""
    begun = view.now() if since is None else since
    wanted = host_id.strip()
    told = await awaited(registry, begun, wanted)
    pending = agents_body(await registry.list_agents(AgentQuery(status=(Status.PENDING,), limit=PENDING_SHOWN)))
    is_listed = told is not None and told.attempt.agent_uid is not None and told.has_arrived
    chosen = how if how in SNIPPETS else "command"
    return view.page(
        request, "connect.html", title="Connect an agent", how=chosen, snippets=SNIPPETS, host_id=wanted,
        since=f"{begun:.3f}", since_rfc3339=rfc3339_millis(begun), told=told,
        ticks=checklist(told, is_listed=is_listed), pending=pending,
        code=view.text(f"snippets/{chosen}.txt", **_places(request, view, wanted)),
    )  # fmt: skip


async def awaited(registry: Registry, since: float, host_id: str) -> Story | None:
    """The newest connection that began after `since`, of this host where one is named."""
    query = AttemptQuery(host_id=host_id or None, limit=WATCHED)
    body = attempts_body(await registry.list_attempts(query))
    return next((story(attempt) for attempt in body.attempts if unix(attempt.started_at) >= since), None)


def _places(request: AnyRequest, view: View, host_id: str) -> dict[str, object]:
    """What stands in a snippet. Only names without any meaning to a shell or a program are put into one."""
    asked = request.url.hostname or ""
    bracketed = f"[{asked}]" if ":" in asked else asked
    machine = bracketed if _HOST.fullmatch(bracketed) else "GATEWAY"
    gateway = f"{machine}:{view.fact('gateway_port')}{AGENT_PATH}"
    is_tls = bool(view.fact("gateway_tls"))
    port = f":{request.url.port}" if request.url.port else ""
    return {
        "url": f"{'wss' if is_tls else 'ws'}://{gateway}",
        "http_url": f"{'https' if is_tls else 'http'}://{gateway}",
        "api": f"{request.url.scheme}://{machine}{port}",
        "host": host_id if _SAFE_NAME.fullmatch(host_id) else "web-01",
        "wheel": f"holdfast-{view.fact('version')}-py3-none-any.whl",
        "needs_token": view.fact("registration") == "token",
    }


ROUTES = [connect_page]
