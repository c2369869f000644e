"""What diagnosis found: grouped by fault, each with its fix, evidence and whom it hits; acknowledged or muted here."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath
from multidict import MultiMapping

from holdfast.api.codes import refuse
from holdfast.dashboard.rendering import View, see_other, visitor_name
from holdfast.dashboard.visitors import AnyRequest, Visitor
from holdfast.faults import Severity, printable
from holdfast.model import Role
from holdfast.model.finding_documents import FindingDocument, finding_document
from holdfast.model.findings import FindingQuery
from holdfast.registry import Registry

SHOWN: Final = {"open": "Open", "resolved": "Resolved", "all": "All"}
PARAMETERS: Final = frozenset({"show", "code", "agent", "severity", "cursor"})
PAGE_ROWS: Final = 200
RANKED_FROM: Final = 500
MUTE_TIMES: Final = {"3600": "1 hour", "86400": "1 day", "604800": "1 week", "": "for good"}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of the list says. `show` is one of `SHOWN`."""

    show: str = "open"
    code: str = ""
    agent: str = ""
    severity: str = ""
    cursor: str | None = None

    def query(self) -> FindingQuery:
        """What the registry is asked."""
        return FindingQuery(
            open={"open": True, "resolved": False}.get(self.show),
            code=self.code.upper() or None,
            agent=self.agent or None,
            severity=Severity(self.severity) if self.severity else None,
            cursor=self.cursor,
            limit=PAGE_ROWS,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter beside `show` is set."""
        return bool(self.code or self.agent or self.severity)

    def link(self, **changed: object) -> str:
        """The address of this choice with something changed; what is as usual is left out."""
        other = msgspec.structs.replace(self, **changed)
        said = [("show", other.show)] if other.show != "open" else []
        names = ("code", "agent", "severity", "cursor")
        said += [(name, getattr(other, name)) for name in names if getattr(other, name)]
        return f"/ui/findings?{urlencode(said)}" if said else "/ui/findings"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """All findings of one fault. `agents` counts those whom it hits."""

    code: str
    title: str
    severity: str
    fix: str
    agents: int
    last_seen: str
    findings: list[FindingDocument]


def chosen(said: MultiMapping[str]) -> Choice:
    """The choice in a request's address.

    Raises:
        Refused: API-INVALID, for what there is not.
    """
    unknown = [name for name in said if name not in PARAMETERS]
    show, severity = said.get("show", "") or "open", said.get("severity", "")
    if unknown or show not in SHOWN or (severity and severity not in set(Severity)):
        what = f"there is no filter {printable(unknown[0])}" if unknown else "this choice cannot be shown"
        raise refuse("API-INVALID", what=what, why="nothing reads it", fix="Choose again with the filters of the page")
    return Choice(
        show=show, severity=severity, code=said.get("code", "").strip(), agent=said.get("agent", "").strip(),
        cursor=said.get("cursor", "") or None,
    )  # fmt: skip


def grouped(findings: Sequence[FindingDocument]) -> list[Group]:
    """By fault, the most agents first. What a shared finding took up is counted there and not again."""
    by_code: dict[str, list[FindingDocument]] = {}
    for finding in findings:
        if finding.merged_into is None:
            by_code.setdefault(finding.code, []).append(finding)
    groups = [
        Group(
            code=code,
            title=of_code[0].title,
            severity=of_code[0].severity,
            fix=of_code[0].fix,
            agents=sum(finding.agents_count for finding in of_code),
            last_seen=max(finding.last_seen for finding in of_code),
            findings=of_code,
        )
        for code, of_code in by_code.items()
    ]
    order = [severity.value for severity in Severity]
    return sorted(groups, key=lambda group: (-group.agents, -order.index(group.severity), group.code))


async def ranked(registry: Registry) -> list[Group]:
    """The open faults that hit most agents; muted findings are left out."""
    page = await registry.findings.list(FindingQuery(open=True, limit=RANKED_FROM))
    told = [finding_document(finding) for finding in page.findings if finding.muted is None]
    return grouped(told)


@get("/ui/findings", opt={"role": None, "sees": Role.VIEWER, "reads_own_query": True}, include_in_schema=False)
async def findings_page(
    request: AnyRequest, view: NamedDependency[View], registry: NamedDependency[Registry]
) -> Response[str]:
    """One page of findings."""
    choice = chosen(request.query_params)
    page = await registry.findings.list(choice.query())
    headers = {"HX-Push-Url": choice.link()} if request.headers.get("hx-trigger") == "filters" else {}
    return view.page(
        request, "findings.html", headers=headers, title="Findings", choice=choice, shown=SHOWN,
        severities=list(Severity), groups=grouped([finding_document(finding) for finding in page.findings]),
        next_cursor=page.next_cursor,
    )  # fmt: skip


@get("/ui/findings/{finding:str}", opt={"role": None, "sees": Role.VIEWER}, include_in_schema=False)
async def finding_page(
    request: AnyRequest, view: NamedDependency[View], registry: NamedDependency[Registry], finding: FromPath[str]
) -> Response[str]:
    """One finding with all that is known."""
    body = finding_document(await registry.findings.get(finding))
    return view.page(request, "finding.html", title=body.title, finding=body, mutes=MUTE_TIMES)


@post("/ui/findings/{finding:str}/mark", opt={"role": None, "sees": Role.OPERATOR}, include_in_schema=False)
async def mark_finding(
    request: AnyRequest,
    *,
    view: NamedDependency[View],
    registry: NamedDependency[Registry],
    visitor: NamedDependency[Visitor],
    form: NamedDependency[FormMultiDict],
    finding: FromPath[str],
) -> Response[None]:
    """Acknowledge, mute or unmute."""
    actor, reason = visitor_name(visitor), str(form.get("reason", ""))
    match str(form.get("do", "")):
        case "acknowledge":
            await registry.findings.acknowledge(finding, actor=actor, reason=reason)
            told = "Acknowledged."
        case "mute":
            for_s = str(form.get("for_s", ""))
            until = view.now() + float(for_s) if for_s in MUTE_TIMES and for_s else None
            await registry.findings.mute(finding, actor=actor, reason=reason, until=until)
            told = "Muted."
        case "unmute":
            await registry.findings.unmute(finding, actor=actor)
            told = "No longer muted."
        case _:
            raise refuse("API-INVALID", what="nothing was chosen to be done", why="no button was pressed", field="do")
    return see_other(request, f"/ui/findings/{finding}", notice=told)


ROUTES = [findings_page, finding_page, mark_finding]
