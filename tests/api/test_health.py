"""What probes and balancers ask."""

from holdfast.faults import Unavailable, problem
from tests.api.conftest import Api


async def test_healthz_names_the_service(api: Api) -> None:
    response = await api.http.get("/healthz")

    body = response.json()
    assert (response.status_code, body["status"], body["service"], body["version"]) == (
        200,
        "ok",
        "actions-api",
        "1.2.3",
    )
    assert body["timestamp"].endswith("Z")


async def test_readyz_tests_store_and_bus_and_says_who_may_register(api: Api) -> None:
    response = await api.http.get("/readyz")

    body = response.json()
    assert (response.status_code, body["status"], body["registration"]) == (200, "ready", "approve")
    assert {name: check["ok"] for name, check in body["checks"].items()} == {"store": True, "bus": True}


async def test_readyz_tells_what_is_ill_and_goes_on_telling_when_it_is_well_again(api: Api) -> None:
    api.ill["store"] = Unavailable(problem("SRV-DB-DOWN", why="it is locked", retry_after_s=2))

    ill = await api.http.get("/readyz")
    api.ill.clear()
    well = await api.http.get("/readyz")

    assert ill.status_code == 503
    assert ill.headers["content-type"] == "application/problem+json"
    assert ill.headers["retry-after"] == "2"
    assert (ill.json()["code"], ill.json()["why"], ill.json()["registration"]) == (
        "SRV-DB-DOWN",
        "it is locked",
        "approve",
    )
    assert ill.json()["checks"]["bus"]["ok"]
    assert well.status_code == 200


async def test_a_closed_store_makes_it_not_ready(api: Api) -> None:
    await api.registry.close()
    api.ill["bus"] = Unavailable(problem("SRV-BUS-DOWN", why="nobody answers"))

    response = await api.http.get("/readyz")

    assert (response.status_code, response.json()["code"]) == (503, "SRV-BUS-DOWN")


async def test_away_from_loopback_strangers_learn_what_is_ill_and_not_why(public_api: Api) -> None:
    public_api.ill["store"] = Unavailable(problem("SRV-DB-DOWN", why="password of db.internal refused"))

    response = await public_api.http.get("/readyz")

    assert response.status_code == 503
    assert response.json()["code"] == "SRV-DB-DOWN"
    assert "db.internal" not in response.text
