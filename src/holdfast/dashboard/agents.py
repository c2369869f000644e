"""The list of agents: searched, filtered, sorted and changed in bulk."""

from typing import Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from multidict import MultiMapping

from holdfast.api.agents import label_filter
from holdfast.api.codes import refuse
from holdfast.api.documents import agents_body
from holdfast.dashboard.rendering import View
from holdfast.dashboard.visitors import AnyRequest
from holdfast.faults import printable
from holdfast.model import AgentQuery, Role, Status
from holdfast.registry import Registry

COLUMNS: Final = {
    "host_id": "Host",
    "status": "Status",
    "why": "Why",
    "org": "Organisation",
    "version": "Version",
    "platform": "Platform",
    "address": "Address",
    "last_seen": "Last seen",
    "clock": "Clock",
    "labels": "Labels",
    "registered_at": "Registered",
    "fingerprint": "Key",
}
USUAL_COLUMNS: Final = ("host_id", "status", "why", "version", "last_seen", "labels")
SORTABLE: Final = frozenset({"host_id", "status", "version", "last_seen", "registered_at"})
PAGE_ROWS: Final = 50
TEXT_PARAMETERS: Final = ("org", "host_id", "version", "platform", "q")
PARAMETERS: Final = frozenset({*TEXT_PARAMETERS, "status", "label", "sort", "columns", "cursor"})


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of a list says: filters, order and columns. Pages link to neighbours of it."""

    status: tuple[Status, ...] = ()
    labels: tuple[str, ...] = ()
    org: str = ""
    host_id: str = ""
    version: str = ""
    platform: str = ""
    q: str = ""
    sort: str = "registered_at"
    columns: tuple[str, ...] = USUAL_COLUMNS
    cursor: str | None = None

    def query(self, limit: int = PAGE_ROWS) -> AgentQuery:
        """What the registry is asked."""
        return AgentQuery(
            status=self.status,
            labels=dict(label_filter(text) for text in self.labels),
            org_id=self.org or None,
            host_id=self.host_id or None,
            version=self.version or None,
            platform=self.platform or None,
            q=self.q or None,
            sort=self.sort,
            cursor=self.cursor,
            limit=limit,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return bool(self.status or self.labels or self.org or self.host_id or self.version or self.platform or self.q)

    def address(self, path: str = "/ui/agents", **changed: object) -> str:
        """The address of this choice with something changed; what is as usual is left out."""
        other = msgspec.structs.replace(self, **changed)
        said: list[tuple[str, str]] = [("status", status.value) for status in other.status]
        said += [("label", text) for text in other.labels]
        for name in TEXT_PARAMETERS:
            if getattr(other, name):
                said.append((name, getattr(other, name)))
        if other.sort != "registered_at":
            said.append(("sort", other.sort))
        if other.columns != USUAL_COLUMNS:
            said += [("columns", column) for column in other.columns]
        if other.cursor:
            said.append(("cursor", other.cursor))
        return f"{path}?{urlencode(said)}" if said else path

    def sorted_by(self, column: str) -> str:
        """The address of the list sorted by this column, or the other way round where it is already."""
        return self.address(sort=f"-{column}" if self.sort == column else column, cursor=None)

    def direction(self, column: str) -> str:
        """For `aria-sort`."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.sort, "none")


def chosen(said: MultiMapping[str]) -> Choice:
    """The choice in a request's address. Empty fields, as forms send them, ask nothing.

    Raises:
        Refused: API-INVALID, for a parameter or status that there is not; it must not answer with everything.
    """
    for name in said:
        if name not in PARAMETERS:
            fix = f"Use {', '.join(sorted(PARAMETERS))}"
            raise refuse("API-INVALID", what=f"there is no filter {printable(name)}", why="nothing reads it", fix=fix)
    wanted = [text for text in said.getall("status", []) if text]
    unknown = [text for text in wanted if text not in set(Status)]
    if unknown:
        what = f"there is no status {printable(unknown[0])}"
        raise refuse("API-INVALID", what=what, why="no agent can have it", fix=f"Use {', '.join(Status)}")
    texts = {name: said.get(name, "").strip() for name in TEXT_PARAMETERS}
    asked = set(said.getall("columns", []))
    return Choice(
        status=tuple(Status(text) for text in wanted),
        labels=tuple(text for text in said.getall("label", []) if text.strip()),
        sort=said.get("sort", "") or "registered_at",
        columns=tuple(column for column in COLUMNS if column in asked) or USUAL_COLUMNS,
        cursor=said.get("cursor", "") or None,
        **texts,
    )


@get("/ui/agents", opt={"role": None, "sees": Role.VIEWER, "reads_own_query": True}, include_in_schema=False)
async def agents_page(
    request: AnyRequest, view: NamedDependency[View], registry: NamedDependency[Registry]
) -> Response[str]:
    """One page of agents."""
    choice = chosen(request.query_params)
    body = agents_body(await registry.list_agents(choice.query()))
    # Searching as one types shall leave an address without empty fields.
    headers = {"HX-Push-Url": choice.address()} if request.headers.get("hx-trigger") == "filters" else {}
    return view.page(
        request, "agents.html", headers=headers, title="Agents", body=body, choice=choice, columns=COLUMNS,
        sortable=SORTABLE, statuses=list(Status),
    )  # fmt: skip


ROUTES = [agents_page]
