"""The list of agents as a file: CSV for tables, JSON as the API gives it. Sent while it is read, page by page."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response import Stream

from holdfast.api.bodies import AgentBody
from holdfast.api.documents import agents_body
from holdfast.dashboard.agents import Choice, chosen
from holdfast.dashboard.texts import visible
from holdfast.dashboard.visitors import AnyRequest
from holdfast.model import Role
from holdfast.registry import Registry

_PAGE: Final = 500
# In this order a page is found by the primary key alone, however far the export is.
_SORT: Final = "registered_at"
FIELDS: Final = (
    "host_id", "agent_uid", "org_id", "status", "status_since", "status_why", "agent_version", "platform",
    "remote_address", "registered_at", "last_seen", "connected_since", "clock_offset_s", "fingerprint", "labels",
    "note",
)  # fmt: skip
# A cell that begins with one of these is a formula to a spreadsheet.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_OPT: Final = {"role": None, "sees": Role.VIEWER, "reads_own_query": True}


@get("/ui/agents.csv", opt=_OPT, include_in_schema=False)
async def agents_csv(request: AnyRequest, registry: NamedDependency[Registry]) -> Stream:
    """All agents that match, one a line."""
    choice = chosen(request.query_params)
    return _file(_csv(registry, choice), "text/csv; charset=utf-8", "agents.csv")


@get("/ui/agents.json", opt=_OPT, include_in_schema=False)
async def agents_json(request: AnyRequest, registry: NamedDependency[Registry]) -> Stream:
    """All agents that match, as one array of the API's documents."""
    choice = chosen(request.query_params)
    return _file(_json(registry, choice), "application/json", "agents.json")


def _file(content: AsyncIterator[bytes], media_type: str, name: str) -> Stream:
    return Stream(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def _pages(registry: Registry, choice: Choice) -> AsyncIterator[list[AgentBody]]:
    query = msgspec.structs.replace(choice, cursor=None, sort=_SORT).query(limit=_PAGE)
    while True:
        page = agents_body(await registry.list_agents(query))
        yield page.agents
        if page.next_cursor is None:
            return
        query = msgspec.structs.replace(query, cursor=page.next_cursor)


async def _json(registry: Registry, choice: Choice) -> AsyncIterator[bytes]:
    before = b"[\n"
    async for agents in _pages(registry, choice):
        for agent in agents:
            yield before + msgspec.json.encode(agent)
            before = b",\n"
    yield b"\n]\n" if before != b"[\n" else b"[]\n"


async def _csv(registry: Registry, choice: Choice) -> AsyncIterator[bytes]:
    yield _line(FIELDS)
    async for agents in _pages(registry, choice):
        yield b"".join(_line([_cell(getattr(agent, field)) for field in FIELDS]) for agent in agents)


def _line(cells: object) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)  # type: ignore[arg-type]  # any iterable of text
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> str:
    """As text; what a spreadsheet would run as a formula is quoted, what a terminal would obey is shown."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = text.strip('"') if not isinstance(value, str | dict | list) else text
    shown = str(visible(text))
    return f"'{shown}" if shown.startswith(_FORMULA) and isinstance(value, str) else shown


ROUTES = [agents_csv, agents_json]
