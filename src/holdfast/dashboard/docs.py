"""The documentation of every fault, rendered from the catalogue. The `type` of API problems leads here, too."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from holdfast.api.codes import API_CODES, refuse
from holdfast.dashboard.rendering import View, see_other
from holdfast.dashboard.visitors import AnyRequest
from holdfast.faults import printable
from holdfast.faults.catalogue import CATALOGUE, nearest
from holdfast.faults.explanation import explain
from holdfast.faults.pages import AREAS, WHERE


@get(["/docs", "/docs/diagnosis/README.md"], opt={"role": None, "sees": None}, include_in_schema=False)
async def faults_page(request: AnyRequest, view: NamedDependency[View]) -> Response[str]:
    """Every fault there is."""
    areas = {name: [entry for entry in CATALOGUE.values() if entry.area is area] for area, name in AREAS.items()}
    return view.page(request, "faults.html", title="Faults", areas=areas, count=len(CATALOGUE))


@get("/docs/{code:str}", opt={"role": None, "sees": None}, include_in_schema=False)
async def fault_page(request: AnyRequest, view: NamedDependency[View], code: FromPath[str]) -> Response[str]:
    """One fault."""
    if code in API_CODES:
        return view.page(request, "api_code.html", title=code, code=code, entry=API_CODES[code])
    if code not in CATALOGUE:
        raise refuse(
            "API-NOT-FOUND",
            what=f"there is no fault {printable(code)}",
            why=f"the nearest codes are {', '.join(nearest(code))}",
            fix="Choose one of the list under /docs",
        )
    return view.page(request, "fault.html", title=code, told=explain(code), where=WHERE)


@get("/docs/diagnosis/{page:str}", opt={"role": None, "sees": None}, include_in_schema=False)
async def problem_type(request: AnyRequest, page: FromPath[str]) -> Response[None]:
    """Where the `type` of a problem document points."""
    return see_other(request, f"/docs/{page.removesuffix('.md')}")


@get("/docs/reference/rest-api.md", opt={"role": None, "sees": None}, include_in_schema=False)
async def api_codes_page(request: AnyRequest, view: NamedDependency[View]) -> Response[str]:
    """Where the `type` of a problem points that only users of the API meet."""
    return view.page(request, "api_codes.html", title="Codes of the API", codes=API_CODES)


ROUTES = [faults_page, fault_page, problem_type, api_codes_page]
