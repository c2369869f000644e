"""Who may ask, over a real connection."""

import asyncio

import pytest

from holdfast.model import Role
from tests.api.conftest import GATEWAY_PORT, Api

READS = [("GET", "/agents"), ("GET", "/attempts"), ("GET", "/audit"), ("GET", "/openapi.json")]
WRITES = [
    ("POST", "/agents"),
    ("PATCH", "/agents/x"),
    ("DELETE", "/agents/x"),
    ("POST", "/agents/x/approve"),
    ("POST", "/agents/x/revoke"),
    ("POST", "/agents/x/disconnect"),
]
ADMIN = [
    ("GET", "/tokens"),
    ("POST", "/tokens"),
    ("DELETE", "/tokens/x"),
    ("GET", "/enrolment-tokens"),
    ("POST", "/enrolment-tokens"),
    ("DELETE", "/enrolment-tokens/x"),
]


async def codes(api: Api, routes: list[tuple[str, str]], headers: dict[str, str] | None = None) -> dict[str, object]:
    """What each route is answered with: the problem's code, or the status where it is none."""
    found: dict[str, object] = {}
    for method, path in routes:
        response = await api.http.request(method, path, headers=headers)
        found[f"{method} {path}"] = response.json()["code"] if response.is_error else response.status_code
    return found


def all_with(answer: object, routes: list[tuple[str, str]]) -> dict[str, object]:
    """The same answer for each of the routes."""
    return {f"{method} {path}": answer for method, path in routes}


async def test_on_loopback_reading_needs_no_token_and_everything_else_does(api: Api) -> None:
    assert await codes(api, READS) == all_with(200, READS)
    assert await codes(api, WRITES + ADMIN) == all_with("API-TOKEN-MISSING", WRITES + ADMIN)


async def test_a_missing_token_is_asked_for_as_http_does(api: Api) -> None:
    response = await api.http.post("/agents")

    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Bearer realm="holdfast"')


async def test_away_from_loopback_everything_needs_a_token(public_api: Api) -> None:
    every = READS + WRITES + ADMIN

    assert await codes(public_api, every) == all_with("API-TOKEN-MISSING", every)


async def test_a_viewer_may_read_and_nothing_else(public_api: Api) -> None:
    viewer = await public_api.token(Role.VIEWER)

    assert await codes(public_api, READS, viewer) == all_with(200, READS)
    assert await codes(public_api, WRITES + ADMIN, viewer) == all_with("API-ROLE", WRITES + ADMIN)


async def test_an_operator_may_act_on_agents_and_not_manage_tokens(public_api: Api) -> None:
    operator = await public_api.token(Role.OPERATOR)

    assert "API-ROLE" not in (await codes(public_api, READS + WRITES, operator)).values()
    assert await codes(public_api, ADMIN, operator) == all_with("API-ROLE", ADMIN)


async def test_a_wrong_token_is_refused_also_where_none_is_needed(api: Api) -> None:
    response = await api.http.get("/agents", headers={"Authorization": "Bearer hfa_wrong"})

    assert (response.status_code, response.json()["code"]) == (401, "API-TOKEN-BAD")


async def test_a_revoked_token_is_worth_nothing(public_api: Api) -> None:
    admin = await public_api.token(Role.ADMIN)
    created = await public_api.http.post("/tokens", headers=admin, json={"name": "ci", "role": "viewer"})
    headers = {"Authorization": f"Bearer {created.json()['secret']}"}
    before = await public_api.http.get("/agents", headers=headers)

    await public_api.http.delete(f"/tokens/{created.json()['token']['token_id']}", headers=admin)

    assert (before.status_code, (await public_api.http.get("/agents", headers=headers)).status_code) == (200, 401)


async def test_a_list_of_tokens_holds_no_secret(api: Api) -> None:
    admin = await api.token(Role.ADMIN)
    created = await api.http.post("/enrolment-tokens", headers=admin, json={"name": "rack", "max_uses": 3})

    listed = await api.http.get("/enrolment-tokens", headers=admin)
    tokens = await api.http.get("/tokens", headers=admin)

    assert created.status_code == 201
    assert created.json()["secret"].startswith("hfe_")
    assert [token["name"] for token in listed.json()["enrolment_tokens"]] == ["rack"]
    assert created.json()["secret"] not in listed.text
    assert admin["Authorization"].removeprefix("Bearer ") not in tokens.text


async def test_a_name_that_was_made_to_resolve_here_is_refused(api: Api) -> None:
    response = await api.http.get("/agents", headers={"Host": f"evil.example:{api.port}"})

    assert (response.status_code, response.json()["code"]) == (421, "API-HOST")


async def test_a_page_of_another_origin_is_refused_even_with_a_token(api: Api) -> None:
    admin = await api.token(Role.ADMIN)

    response = await api.http.get("/agents", headers={**admin, "Origin": "http://evil.example"})

    assert (response.status_code, response.json()["code"]) == (403, "API-ORIGIN")
    assert "access-control-allow-origin" not in response.headers


async def test_the_apis_own_page_may_ask(api: Api) -> None:
    response = await api.http.get("/agents", headers={"Origin": f"http://127.0.0.1:{api.port}"})

    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/ws/agent", "/", "/agents"])
async def test_an_agent_that_dials_this_port_is_told_the_right_one(api: Api, path: str) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "WebSocket", "Sec-WebSocket-Version": "13"}

    response = await api.http.get(path, headers={**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})

    assert (response.status_code, response.json()["code"]) == (421, "NET-WRONG-PORT")
    assert response.json()["fix"] == f"Use ws://HOST:{GATEWAY_PORT}/ws/agent for agents"


async def test_a_path_that_does_not_exist_is_told_as_a_problem(api: Api) -> None:
    response = await api.http.get("/agent")

    assert (response.status_code, response.json()["code"]) == (404, "API-PATH")


async def test_a_method_that_a_path_does_not_take_is_told_as_a_problem(api: Api) -> None:
    response = await api.http.put("/agents")

    assert (response.status_code, response.json()["code"]) == (405, "API-METHOD")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_body_of_megabytes_is_refused(api: Api) -> None:
    operator = await api.token(Role.OPERATOR)

    response = await api.http.patch("/agents/x", headers=operator, content=b'{"note": "' + b"x" * 1_000_000 + b'"}')

    assert (response.status_code, response.json()["code"]) == (413, "API-BODY-SIZE")


async def test_bytes_that_are_no_http_do_not_disturb_others(api: Api) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")

    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400")
    assert (await api.http.get("/healthz")).status_code == 200
