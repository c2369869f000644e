"""The description of the API is complete and true."""

import re
from pathlib import Path

from jsonschema import Draft202012Validator

from holdfast.api.codes import API_CODES
from holdfast.faults import CATALOGUE
from tests.api.conftest import Api

SOURCE = Path(__file__).parents[2] / "src" / "holdfast"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rest-api.md"


async def test_it_is_openapi_3_1_and_names_every_route(api: Api) -> None:
    document = (await api.http.get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item} == {
        "GET /healthz",
        "GET /readyz",
        "GET /agents",
        "POST /agents",
        "GET /agents/{uid}",
        "PATCH /agents/{uid}",
        "DELETE /agents/{uid}",
        "POST /agents/{uid}/approve",
        "POST /agents/{uid}/revoke",
        "POST /agents/{uid}/disconnect",
        "GET /attempts",
        "GET /attempts/{attempt}",
        "GET /findings",
        "GET /findings/stream",
        "GET /findings/{finding}",
        "POST /findings/{finding}/acknowledge",
        "POST /findings/{finding}/mute",
        "POST /findings/{finding}/unmute",
        "GET /agents/{uid}/findings",
        "GET /agents/{uid}/history",
        "GET /audit",
        "GET /fleet",
        "GET /fleet/history",
        "GET /settings",
        "GET /tokens",
        "POST /tokens",
        "DELETE /tokens/{token_id}",
        "GET /enrolment-tokens",
        "POST /enrolment-tokens",
        "DELETE /enrolment-tokens/{token_id}",
    }


async def test_an_answer_fits_its_schema(api: Api) -> None:
    await api.register("web-1", platform={"os": "linux"})
    document = (await api.http.get("/openapi.json")).json()
    reference = document["paths"]["/agents"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    schema = {**reference, "components": document["components"]}

    Draft202012Validator(schema).validate((await api.http.get("/agents")).json())


async def test_every_route_is_in_the_reference_page(api: Api) -> None:
    document = (await api.http.get("/openapi.json")).json()
    page = PAGE.read_text("utf-8")

    for path, item in document["paths"].items():
        for method in item:
            assert f"`{method.upper()} {path}`" in page


def test_every_code_of_the_api_is_in_the_reference_page() -> None:
    page = PAGE.read_text("utf-8")

    for code, entry in API_CODES.items():
        assert f'| <a id="{code.lower()}"></a>{code} | {entry.status} | {entry.title} | {entry.fix} |' in page


def test_every_api_code_in_the_source_is_listed() -> None:
    used = {code for path in SOURCE.rglob("*.py") for code in re.findall(r'"(API-[A-Z-]+)"', path.read_text("utf-8"))}

    assert used == set(API_CODES)
    assert used.isdisjoint(CATALOGUE)
