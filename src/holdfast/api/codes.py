"""The codes that only users of the REST API meet, and the HTTP status that each problem is answered with."""

from typing import Final, NamedTuple

from holdfast.faults import Problem, Refused, doc_path
from holdfast.faults.catalogue import CATALOGUE

DOC_PAGE: Final = "docs/reference/rest-api.md"


class Code(NamedTuple):
    """One code of the API: its HTTP status, its title and, in general words, what to do."""

    status: int
    title: str
    fix: str


# Beside the catalogue of connection faults, because no agent ever meets them; `holdfast explain` knows them too.
API_CODES: Final[dict[str, Code]] = {
    "API-TOKEN-MISSING": Code(401, "An API token is needed", "Send `Authorization: Bearer hfa_…`"),
    "API-TOKEN-BAD": Code(401, "The API token is not valid", "Create a token with `holdfast tokens create`"),
    "API-ROLE": Code(403, "The token's role does not allow this", "Use a token of the role that is named"),
    "API-HOST": Code(421, "The Host header names another machine", "Ask under a name of this machine"),
    "API-ORIGIN": Code(403, "A page of another origin asked", "Ask from the API's own origin or outside a browser"),
    "API-INVALID": Code(400, "The request is not understood", "Correct the parameter or field that is named"),
    "API-BODY-SIZE": Code(413, "The request body is too large", "Send at most 256 KiB"),
    "API-NOT-FOUND": Code(404, "There is nothing of this name", "Correct the id, or list what there is"),
    "API-PATH": Code(404, "The API has no such path", "See /openapi.json for every path"),
    "API-METHOD": Code(405, "The path does not take this method", "Use one of the methods in `Allow`"),
    "API-CONFLICT": Code(412, "Somebody changed it in the meantime", "Read it again and repeat the change"),
    "API-BUG": Code(500, "Holdfast made a mistake", "Report it with the server's log lines of this moment"),
}

_CATALOGUE_STATUS: Final[dict[str, int]] = {
    "NET-WRONG-PORT": 421,
    "WS-WRONG-PATH": 404,
    "SRV-DB-DOWN": 503,
    "SRV-DISK-FULL": 503,
    "SRV-BUS-DOWN": 503,
}


def api_problem(
    code: str,
    *,
    why: str,
    what: str | None = None,
    fix: str | None = None,
    field: str | None = None,
    evidence: dict[str, str | int | float | bool | None] | None = None,
) -> Problem:
    """A problem of one of `API_CODES`; what the caller leaves out is said in its general words."""
    entry = API_CODES[code]
    return Problem(
        code=code, what=what or entry.title, why=why, fix=fix or entry.fix, field=field, evidence=evidence or {}
    )


def refuse(
    code: str, *, why: str, what: str | None = None, fix: str | None = None, field: str | None = None
) -> Refused:
    """The exception for `api_problem`."""
    return Refused(api_problem(code, why=why, what=what, fix=fix, field=field))


def http_status(problem: Problem) -> int:
    """What a problem is answered with; a fault of ours that has a time to come back is 503."""
    if (entry := API_CODES.get(problem.code)) is not None:
        return entry.status
    return _CATALOGUE_STATUS.get(problem.code, 503 if problem.retry_after_s is not None else 400)


def title(code: str) -> str:
    """The code's title, from whichever list has it."""
    if (entry := API_CODES.get(code)) is not None:
        return entry.title
    return CATALOGUE[code].title if code in CATALOGUE else code


def type_uri(code: str) -> str:
    """RFC 9457's `type`: a reference relative to the project's documentation, the same for every instance."""
    return f"/{doc_path(code)}" if code in CATALOGUE else f"/{DOC_PAGE}#{code.lower()}"
