"""Connection attempts, also of agents that never got in: the list, and the story of each."""

from typing import Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from multidict import MultiMapping

from holdfast.api.bodies import AttemptBody
from holdfast.api.codes import refuse
from holdfast.api.documents import attempts_body
from holdfast.api.history import found_attempt
from holdfast.dashboard.rendering import View
from holdfast.dashboard.stories import story, verdict
from holdfast.dashboard.visitors import AnyRequest
from holdfast.faults import printable
from holdfast.model import AttemptQuery, Role, Step
from holdfast.registry import Registry

SHOWN: Final = {"failed": "Failing", "open": "Live", "all": "All"}
TEXTS: Final = ("host_id", "address", "code", "step", "agent_uid")
PARAMETERS: Final = frozenset({*TEXTS, "show", "cursor"})
PAGE_ROWS: Final = 50


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of the list says. `show` is one of `SHOWN`."""

    show: str = "failed"
    host_id: str = ""
    address: str = ""
    code: str = ""
    step: str = ""
    agent_uid: str = ""
    cursor: str | None = None

    def query(self) -> AttemptQuery:
        """What the registry is asked."""
        return AttemptQuery(
            failed=True if self.show == "failed" else None,
            open=True if self.show == "open" else None,
            host_id=self.host_id or None,
            address=self.address or None,
            code=self.code.upper() or None,
            step=Step(self.step) if self.step else None,
            agent_uid=self.agent_uid or None,
            cursor=self.cursor,
            limit=PAGE_ROWS,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter beside `show` is set."""
        return any(getattr(self, name) for name in TEXTS)

    def link(self, **changed: object) -> str:
        """The address of this choice with something changed; what is as usual is left out."""
        other = msgspec.structs.replace(self, **changed)
        said = [("show", other.show)] if other.show != "failed" else []
        said += [(name, getattr(other, name)) for name in (*TEXTS, "cursor") if getattr(other, name)]
        return f"/ui/attempts?{urlencode(said)}" if said else "/ui/attempts"


def chosen(said: MultiMapping[str]) -> Choice:
    """The choice in a request's address.

    Raises:
        Refused: API-INVALID, for what there is not.
    """
    unknown = [name for name in said if name not in PARAMETERS]
    show, step = said.get("show", "") or "failed", said.get("step", "")
    if unknown or show not in SHOWN or (step and step not in set(Step)):
        what = f"there is no filter {printable(unknown[0])}" if unknown else "this choice cannot be shown"
        raise refuse("API-INVALID", what=what, why="nothing reads it", fix="Choose again with the filters of the page")
    texts = {name: said.get(name, "").strip() for name in TEXTS}
    return Choice(show=show, cursor=said.get("cursor", "") or None, **texts)


@get("/ui/attempts", opt={"role": None, "sees": Role.VIEWER, "reads_own_query": True}, include_in_schema=False)
async def attempts_page(
    request: AnyRequest, view: NamedDependency[View], registry: NamedDependency[Registry]
) -> Response[str]:
    """One page of attempts, the newest first."""
    choice = chosen(request.query_params)
    body = attempts_body(await registry.list_attempts(choice.query()))
    headers = {"HX-Push-Url": choice.link()} if request.headers.get("hx-trigger") == "filters" else {}
    return view.page(
        request, "attempts.html", headers=headers, title="Attempts", choice=choice, shown=SHOWN, steps=list(Step),
        stories=[story(attempt) for attempt in body.attempts], next_cursor=body.next_cursor,
    )  # fmt: skip


@get("/ui/attempts/{attempt:str}", opt={"role": None, "sees": Role.VIEWER}, include_in_schema=False)
async def attempt_page(
    request: AnyRequest, view: NamedDependency[View], registry: NamedDependency[Registry], attempt: FromPath[str]
) -> Response[str]:
    """The story of one attempt."""
    body = await found_attempt(registry, attempt)
    return view.page(
        request, "attempt.html", title=f"Attempt {body.attempt}", story=story(body), verdicts=verdicts(body)
    )


def verdicts(body: AttemptBody) -> dict[str, object]:
    """What each code of the timeline means."""
    return {code: verdict(code) for code in body.codes}


ROUTES = [attempts_page, attempt_page]
