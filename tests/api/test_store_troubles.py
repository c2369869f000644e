"""When the store is ill, the API says so, and is well again by itself."""

import sqlite3
import time
from collections.abc import Callable

import pytest

from tests.api.conftest import Api, running_api
from tests.conftest import PostgresServer


async def ready(api: Api, wanted: int, *, give_up: float) -> dict[str, object]:
    """What /readyz answers once its status is `wanted`."""
    while True:
        response = await api.http.get("/readyz", timeout=30)
        if response.status_code == wanted:
            body: dict[str, object] = response.json()
            return body
        assert time.monotonic() < give_up, response.text


async def test_a_postgresql_that_goes_away_and_comes_back(
    postgres_server: PostgresServer, postgres_url: str, deadline: Callable[[float], float]
) -> None:
    async with running_api(postgres_url) as api:
        await api.register("web-1")
        postgres_server.stop()
        try:
            ill = await ready(api, 503, give_up=deadline(30))
            listed = await api.http.get("/agents", timeout=30)
            alive = await api.http.get("/healthz")
        finally:
            postgres_server.start()
        await ready(api, 200, give_up=deadline(30))
        again = await api.http.get("/agents")

    assert ill["code"] == "SRV-DB-DOWN"
    assert (listed.status_code, listed.json()["code"]) == (503, "SRV-DB-DOWN")
    assert int(listed.headers["retry-after"]) >= 1
    assert alive.status_code == 200
    assert [agent["host_id"] for agent in again.json()["agents"]] == ["web-1"]


@pytest.mark.parametrize("path", ["/agents", "/healthz"])
async def test_a_locked_sqlite_file_stops_writing_and_not_reading(api: Api, sqlite_url: str, path: str) -> None:
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        ill = await api.http.get("/readyz", timeout=30)
        read = await api.http.get(path)
        other.execute("ROLLBACK")
    other.close()
    well = await api.http.get("/readyz", timeout=30)

    assert (ill.status_code, ill.json()["code"]) == (503, "SRV-DB-DOWN")
    assert (read.status_code, well.status_code) == (200, 200)
