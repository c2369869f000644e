"""Joining a doctor's report with the gateway's half, over HTTP."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from holdfast.diagnosis.joining import join
from holdfast.model import Attempt, Role, Step
from holdfast.protocol.times import rfc3339_millis
from tests.api.conftest import Api, running_api

Json = dict[str, Any]
REFUSED = {"code": "NET-CONN-REFUSED", "what": "Nothing listens", "why": "refused", "fix": "Start it"}


@pytest.fixture
async def api(sqlite_url: str) -> AsyncIterator[Api]:
    """An API on loopback that knows the rules of joining."""
    async with joining_api(sqlite_url) as running:
        yield running


@asynccontextmanager
async def joining_api(store_url: str, *, bound: str = "127.0.0.1") -> AsyncIterator[Api]:
    async with running_api(store_url, bound=bound, join=join) as running:
        yield running


def report(*, attempt: str | None = "a-doctor", failed: Json | None = None, **more: object) -> Json:
    """What a doctor of web-01 printed a moment ago."""
    tcp = {"name": "tcp", "title": "tcp 192.0.2.7:8080", "status": "FAIL" if failed else "PASS", "because": "connected"}
    key = {"name": "key", "title": "key", "status": "PASS", "because": "its own", "evidence": {"host_id": "web-01"}}
    return {
        "url": "ws://gateway.example:8080/ws/agent", "started_at": rfc3339_millis(time.time() - 1), "ok": not failed,
        "broken": False, "verdict": failed, "attempt": attempt,
        "checks": [tcp | {"problem": failed, "took_ms": 1.5, "evidence": {}}, key], "took_ms": 900.0, **more,
    }  # fmt: skip


def recorded(name: str, *, host: str = "web-01", codes: tuple[str, ...] = (), ago_s: float = 0.5) -> Attempt:
    at = time.time() - ago_s
    return Attempt(
        attempt=name, started_at=at, ended_at=at + 0.1, claimed_host_id=host, step=Step.CHALLENGE, codes=codes,
        ended_how="close-frame", close_code=1000, user_agent="holdfast-doctor/0.1.0",
    )  # fmt: skip


async def test_both_halves_and_their_verdict_come_in_one_answer(api: Api) -> None:
    await api.registry.save_attempts([recorded("a-doctor", codes=("ID-TOKEN-INVALID",))])

    answer = await api.http.post("/attempts/a-doctor/verdict", json=report())

    assert answer.status_code == 200, answer.text
    joined = answer.json()
    assert joined["attempt"] == "a-doctor"
    assert joined["verdict"]["code"] == "ID-TOKEN-INVALID"
    assert joined["verdict"]["blame"] == "agent"
    assert (joined["verdict"]["basis"], joined["verdict"]["confidence"]) == ("proof", 0.9)
    assert joined["verdict"]["doc"] == "docs/diagnosis/ID-TOKEN-INVALID.md"
    assert [check["title"] for check in joined["agent_side"]] == ["tcp 192.0.2.7:8080", "key"]
    assert joined["gateway_side"]["found_by"] == "id"
    assert joined["gateway_side"]["attempt"]["step"] == "challenge"


async def test_a_report_that_never_arrived_is_answered_with_the_negative_proof(api: Api) -> None:
    await api.registry.save_attempts([recorded("a-old", ago_s=7200)])

    answer = await api.http.post("/verdict", json=report(attempt=None, failed=REFUSED))

    joined = answer.json()
    assert joined["verdict"]["code"] == "NET-CONN-REFUSED"
    assert "no byte of web-01 has reached this gateway since" in joined["verdict"]["why"]
    assert joined["gateway_side"] == {"found_by": "nothing", "attempt": None}
    assert joined["agent_side"][0]["code"] == "NET-CONN-REFUSED"


async def test_an_attempt_that_is_not_written_yet_is_waited_for(api: Api) -> None:
    unfinished = Attempt(attempt="a-doctor", started_at=time.time(), step=Step.UPGRADE)
    await api.registry.save_attempts([unfinished])

    joined = (await api.http.post("/attempts/a-doctor/verdict", json=report())).json()

    assert joined["gateway_side"]["attempt"]["open"] is True


async def test_a_report_that_names_another_installations_attempt_is_told_so(api: Api) -> None:
    joined = (await api.http.post("/verdict", json=report(attempt="a-elsewhere"))).json()

    assert joined["verdict"]["code"] == "NET-DNS-STALE"
    assert joined["agrees"] is False


async def test_the_host_can_be_named_by_whoever_asks(api: Api) -> None:
    await api.registry.save_attempts([recorded("a-old", host="db-01", ago_s=7200)])
    unnamed = report(attempt=None, failed=REFUSED)
    unnamed["checks"] = unnamed["checks"][:1]

    joined = (await api.http.post("/verdict", params={"host_id": "db-01"}, json=unnamed)).json()

    assert "the last came from db-01" in joined["verdict"]["why"]


async def test_a_saved_report_that_was_joined_before_can_be_joined_again(api: Api) -> None:
    await api.registry.save_attempts([recorded("a-doctor")])

    answer = await api.http.post("/attempts/a-doctor/verdict", json=report(joined={"attempt": "a-doctor"}))

    assert answer.status_code == 200
    assert answer.json()["verdict"] is None


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"surprise": 1}, "surprise"),
        ({"checks": [{"name": "tcp"}]}, "checks"),
        ({"took_ms": "long"}, "took_ms"),
        ({"url": "x" * 2001}, "url"),
        ({"checks": [report()["checks"][0]] * 301}, "checks"),
    ],
)
async def test_a_report_of_another_form_is_refused_by_field(api: Api, broken: Json, field: str) -> None:
    answer = await api.http.post("/verdict", json=report() | broken)

    assert answer.status_code == 400
    assert answer.json()["code"] == "API-INVALID"
    assert field in answer.text


async def test_a_report_that_is_too_long_is_not_read(api: Api) -> None:
    answer = await api.http.post("/verdict", json=report() | {"url": "x" * 300_000})

    assert (answer.status_code, answer.json()["code"]) == (413, "API-BODY-SIZE")


async def test_control_characters_of_a_report_do_not_reach_the_reader(api: Api) -> None:
    evil = REFUSED | {"why": "\x1b[2Jgone", "code": "NET-\u202eEVIL"}

    joined = (await api.http.post("/verdict", json=report(attempt=None, failed=evil))).json()

    assert "\x1b" not in joined["verdict"]["why"]
    assert joined["verdict"]["code"] == "NET-\\u202eEVIL"
    assert joined["verdict"]["blame"] is None


async def test_it_needs_no_token_where_reading_needs_none(api: Api) -> None:
    assert (await api.http.post("/verdict", json=report())).status_code == 200


async def test_elsewhere_it_needs_the_role_to_read(sqlite_url: str) -> None:
    async with joining_api(sqlite_url, bound="0.0.0.0") as public:
        without = await public.http.post("/verdict", json=report())
        viewing = await public.http.post("/verdict", json=report(), headers=await public.token(Role.VIEWER))

    assert (without.status_code, viewing.status_code) == (401, 200)


async def test_a_page_of_another_origin_may_not_ask(api: Api) -> None:
    answer = await api.http.post("/verdict", json=report(), headers={"Origin": "http://evil.example"})

    assert answer.json()["code"] == "API-ORIGIN"
