"""Agents over REST: listed, shown, changed, let in and sent away."""

from typing import Any

import pytest

from holdfast.model import AuditQuery, Role
from tests.api.conftest import Api


async def names(api: Api, query: str) -> list[str]:
    """The host_ids of one page."""
    response = await api.http.get(f"/agents?{query}")
    assert response.status_code == 200, response.text
    return [agent["host_id"] for agent in response.json()["agents"]]


async def test_a_registered_agent_is_in_the_list_with_all_that_is_known_of_it(api: Api) -> None:
    registered = await api.register("web-1", agent_version="1.0", labels={"env": "prod"}, platform={"os": "linux"})

    body = (await api.http.get("/agents")).json()

    (agent,) = body.pop("agents")
    assert body == {"total": 1, "total_is_exact": True, "next_cursor": None}
    expected = {
        "agent_uid": registered.agent_uid,
        "org_id": "default-org",
        "host_id": "web-1",
        "status": "pending",
        "agent_version": "1.0",
        "labels": {"env": "prod"},
        "platform": {"os": "linux"},
        "heartbeat_interval": 20.0,
    }
    assert {name: agent[name] for name in expected} == expected
    assert agent["registered_at"].endswith("Z")


async def test_filters_narrow_the_list(api: Api) -> None:
    await api.register("web-1", labels={"env": "prod"}, agent_version="1.0", platform={"os": "linux"})
    await api.register("web-2", labels={"env": "test"}, agent_version="2.0", platform={"os": "windows"})
    admin = await api.token(Role.ADMIN)
    await api.http.post("/agents/web-1/approve", headers=admin)

    assert await names(api, "label=env%3Dprod") == ["web-1"]
    assert await names(api, "label=env&version=2.0") == ["web-2"]
    assert await names(api, "platform=windows") == ["web-2"]
    assert await names(api, "host_id=web-1&org=default-org") == ["web-1"]
    assert await names(api, "org=other") == []
    assert await names(api, "q=eb-2") == ["web-2"]
    assert await names(api, "status=pending&status=offline") == ["web-1", "web-2"]
    assert await names(api, "sort=-host_id") == ["web-2", "web-1"]


async def test_pages_follow_one_another_while_agents_register(api: Api) -> None:
    for number in range(5):
        await api.register(f"host-{number}")

    first = (await api.http.get("/agents?limit=2")).json()
    await api.register("host-5")
    second = (await api.http.get("/agents", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    third = (await api.http.get("/agents", params={"limit": 2, "cursor": second["next_cursor"]})).json()

    seen = [agent["host_id"] for page in (first, second, third) for agent in page["agents"]]
    assert seen == [f"host-{number}" for number in range(6)]
    assert third["next_cursor"] is None


async def test_a_query_that_means_nothing_is_refused_by_name(api: Api) -> None:
    see = "; /openapi.json says what it takes"
    expected = {
        "limt=5": ("limt", "Did you mean limit?"),
        "statuss=online": ("statuss", "Did you mean status?"),
        "status=onlin": ("status", f"Correct the query parameter status{see}"),
        "limit=0": ("limit", f"Correct the query parameter limit{see}"),
        "limit=501": ("limit", f"Correct the query parameter limit{see}"),
        "limit=x": ("limit", f"Correct the query parameter limit{see}"),
        "cursor=nonsense": ("cursor", "Start again without a cursor"),
        "sort=shoe": ("sort", "Sort by one of: registered_at, host_id, last_seen, status, version"),
    }

    found = {}
    for query in expected:
        response = await api.http.get(f"/agents?{query}")
        assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
        assert response.json()["code"] == "API-INVALID"
        found[query] = response.json()["field"], response.json()["fix"]
    assert found == expected


async def test_one_agent_is_shown_with_an_etag(api: Api) -> None:
    registered = await api.register("web-1")

    response = await api.http.get(f"/agents/{registered.agent_uid}")

    assert response.json()["host_id"] == "web-1"
    assert response.headers["etag"] == f'"{response.json()["version"]}"'


async def test_an_agent_that_is_not_there_is_a_404_that_says_what_to_do(api: Api) -> None:
    response = await api.http.get("/agents/agt_nobody")

    assert response.status_code == 404
    assert response.json() == {
        "type": "/docs/reference/rest-api.md#api-not-found",
        "title": "There is nothing of this name",
        "status": 404,
        "detail": "there is no agent agt_nobody: no agent has this uid or host_id",
        "code": "API-NOT-FOUND",
        "why": "no agent has this uid or host_id",
        "fix": "List the agents with GET /agents",
        "field": None,
        "evidence": {},
    }


async def test_labels_are_merged_and_null_removes_one(api: Api) -> None:
    uid = (await api.register("web-1", labels={"env": "prod", "old": "x"})).agent_uid
    operator = await api.token(Role.OPERATOR)

    response = await api.http.patch(
        f"/agents/{uid}", headers=operator, json={"labels": {"team": "core", "old": None}, "note": "spare"}
    )

    assert response.status_code == 200
    assert (response.json()["labels"], response.json()["note"]) == ({"env": "prod", "team": "core"}, "spare")


async def test_a_change_to_what_somebody_else_has_changed_is_refused(api: Api) -> None:
    uid = (await api.register("web-1")).agent_uid
    operator = await api.token(Role.OPERATOR)
    etag = (await api.http.get(f"/agents/{uid}")).headers["etag"]
    first = await api.http.patch(f"/agents/{uid}", headers={**operator, "If-Match": etag}, json={"note": "first"})

    second = await api.http.patch(f"/agents/{uid}", headers={**operator, "If-Match": etag}, json={"note": "second"})

    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 412, "API-CONFLICT")
    assert (await api.http.get(f"/agents/{uid}")).json()["note"] == "first"


@pytest.mark.parametrize("etag", ["3", 'W/"3"', '"x"'])
async def test_an_if_match_that_is_no_etag_of_ours_is_refused(api: Api, etag: str) -> None:
    uid = (await api.register("web-1")).agent_uid
    operator = await api.token(Role.OPERATOR)

    response = await api.http.patch(f"/agents/{uid}", headers={**operator, "If-Match": etag}, json={"note": "x"})

    assert (response.status_code, response.json()["field"]) == (400, "If-Match")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"notes": "x"}, "notes"),
        ({"note": 5}, "note"),
        ({"labels": {"a": 1}}, "labels"),
        ({"note": "x" * 5000}, "note"),
    ],
)
async def test_a_body_that_does_not_fit_changes_nothing_and_names_the_field(
    api: Api, body: dict[str, Any], field: str
) -> None:
    uid = (await api.register("web-1")).agent_uid
    operator = await api.token(Role.OPERATOR)

    response = await api.http.patch(f"/agents/{uid}", headers=operator, json=body)

    assert (response.status_code, response.json()["code"]) == (400, "API-INVALID")
    assert field in response.json()["detail"]
    assert (await api.http.get(f"/agents/{uid}")).json()["version"] == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(api: Api, content: bytes) -> None:
    uid = (await api.register("web-1")).agent_uid
    operator = await api.token(Role.OPERATOR)

    response = await api.http.patch(f"/agents/{uid}", headers=operator, content=content)

    assert (response.status_code, response.json()["code"]) == (400, "API-INVALID")


async def test_a_field_that_is_not_known_is_named(api: Api) -> None:
    uid = (await api.register("web-1")).agent_uid

    refused = await api.http.patch(f"/agents/{uid}", headers=await api.token(Role.OPERATOR), json={"nota": "n"})

    body = refused.json()
    assert (refused.status_code, body["code"], body["field"]) == (400, "API-INVALID", "nota")
    assert body["detail"].startswith("a field that is not known here: nota")


async def test_an_agent_is_approved_revoked_and_forgotten_and_the_audit_log_says_by_whom(api: Api) -> None:
    uid = (await api.register("web-1")).agent_uid
    operator = await api.token(Role.OPERATOR)

    approved = await api.http.post(f"/agents/{uid}/approve", headers=operator)
    revoked = await api.http.post(f"/agents/{uid}/revoke", headers=operator, json={"reason": "laptop lost"})
    deleted = await api.http.delete(f"/agents/{uid}", headers=operator)

    assert (approved.json()["status"], revoked.json()["status"], deleted.status_code) == ("online", "revoked", 204)
    assert "laptop lost" in revoked.json()["status_why"]
    log = await api.registry.list_audit(AuditQuery(subject=uid))
    assert [(record.action, record.actor) for record in log.records] == [
        ("agent.delete", "operator"),
        ("agent.revoke", "operator"),
        ("agent.approve", "operator"),
    ]


async def test_a_disconnect_is_accepted_and_audited(api: Api) -> None:
    uid = (await api.register("web-1")).agent_uid
    operator = await api.token(Role.OPERATOR)

    response = await api.http.post(f"/agents/{uid}/disconnect", headers=operator)

    assert response.status_code == 202
    assert (await api.http.get("/audit?action=agent.disconnect")).json()["records"][0]["subject"] == uid


async def test_an_expected_host_is_listed_as_never_connected(api: Api) -> None:
    operator = await api.token(Role.OPERATOR)

    response = await api.http.post("/agents", headers=operator, json={"host_id": "db-7", "labels": {"env": "prod"}})

    assert response.status_code == 201
    assert await names(api, "status=never-connected") == ["db-7"]


async def test_head_answers_like_get_without_a_body(api: Api) -> None:
    await api.register("web-1")

    head, get = await api.http.head("/agents"), await api.http.get("/agents")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


async def test_what_an_agent_claims_comes_back_as_it_is_and_no_browser_takes_it_for_a_page(api: Api) -> None:
    await api.register("<script>alert(1)</script>", labels={"x": "\x1b[31m"})

    response = await api.http.get("/agents")

    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.json()["agents"][0]["host_id"] == "<script>alert(1)</script>"
