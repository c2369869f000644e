"""Findings over REST: listed, followed, marked, and what is said of an agent that is away."""

import asyncio
import time

import msgspec

from holdfast.model import Attempt, Role, Step
from holdfast.model.finding_documents import FindingDocument
from holdfast.model.findings import KeptFinding
from tests.api.conftest import Api
from tests.diagnosis.fleet import Gateway, Host


def a_finding(code: str = "SIG-ORDER", *, host_id: str = "web-01", uid: str | None = None) -> KeptFinding:
    gateway, agent = Gateway(), Host(host_id, uid=uid or "")
    link = gateway.join(agent) if uid else gateway.connect(agent).first_message().init()
    link.refuse(code)
    return KeptFinding(finding=gateway.one(code), counted_by=f'["{code}",["x"],"y"]', until=None, holds_s=300.0)


async def test_a_finding_is_listed_and_shown_with_its_evidence(api: Api) -> None:
    kept = a_finding()
    await api.registry.findings.save([kept])

    listed = (await api.http.get("/findings", params={"open": "true", "code": "SIG-ORDER"})).json()
    shown = (await api.http.get(f"/findings/{kept.finding.id}")).json()

    assert listed == {"findings": [shown], "next_cursor": None}
    assert shown["subject"] == {
        "org_id": "default-org", "host_id": "web-01", "key_id": "ed25519:agt_web-01", "peer": "192.0.2.7",
        "attempt": "a-0001", "instance": "i-1",
    }  # fmt: skip
    assert (shown["confidence"], shown["basis"], shown["blame"]) == (1.0, "proof", "agent")
    assert shown["first_seen"] == "2025-11-24T16:01:00.000Z"


async def test_a_finding_that_is_not_there_is_refused_by_name(api: Api) -> None:
    answer = await api.http.get("/findings/f-0")

    assert (answer.status_code, answer.json()["code"]) == (404, "API-NOT-FOUND")


async def test_an_operator_acknowledges_and_mutes_and_a_viewer_may_not(api: Api) -> None:
    kept = a_finding()
    await api.registry.findings.save([kept])
    operator, viewer = await api.token(Role.OPERATOR), await api.token(Role.VIEWER)
    path = f"/findings/{kept.finding.id}"

    refused = await api.http.post(f"{path}/acknowledge", headers=viewer)
    seen = await api.http.post(f"{path}/acknowledge", headers=operator, json={"reason": "on it"})
    muted = await api.http.post(f"{path}/mute", headers=operator, json={"reason": "lab", "for_s": 60})
    silent = await api.http.post(f"{path}/mute", headers=operator, json={"reason": ""})
    loud = await api.http.post(f"{path}/unmute", headers=operator)

    assert (refused.status_code, seen.json()["acknowledged"]["by"]) == (403, "operator")
    assert (muted.json()["muted"]["reason"], silent.status_code) == ("lab", 400)
    assert loud.json()["muted"] is None


async def test_an_agent_that_is_away_is_told_with_how_far_it_last_came(api: Api) -> None:
    registered = await api.register("web-01")
    api.registry.presence.disconnected(registered.agent_uid, "a-web-01", at=time.time(), why="gone")
    await api.registry.flush()
    last = Attempt(
        attempt="a-9", started_at=time.time() + 1, ended_at=time.time() + 2, claimed_host_id="web-01",
        step=Step.CHALLENGE, codes=("SIG-ORDER",), close_code=1006,
    )  # fmt: skip
    await api.registry.save_attempts([last])
    await api.registry.findings.save([a_finding(), a_finding("MSG-TS-MILLIS", uid="agt_other")])

    told = (await api.http.get(f"/agents/{registered.agent_uid}/findings")).json()

    assert [finding["code"] for finding in told["findings"]] == ["SIG-ORDER"]
    assert told["absence"]["sentence"].startswith("No byte of web-01 has reached this gateway since ")
    assert (told["absence"]["step"], told["absence"]["code"]) == ("challenge", "SIG-ORDER")


async def test_an_agent_that_is_connected_is_not_absent(api: Api) -> None:
    registered = await api.register("web-01")
    await api.registry.approve(registered.agent_uid)

    told = (await api.http.get(f"/agents/{registered.agent_uid}/findings")).json()

    assert (told["findings"], told["absence"]) == ([], None)


async def test_a_host_that_was_announced_and_never_came_is_told(api: Api) -> None:
    agent = await api.registry.expect_host("default-org", "web-09")

    told = (await api.http.get(f"/agents/{agent.agent_uid}/findings")).json()

    assert told["absence"]["has_ever_come"] is False
    assert told["absence"]["fix"] == "Start the agent on web-09, or run `holdfast doctor` there"


async def test_findings_are_followed_as_they_open_and_resolve(api: Api) -> None:
    kept, began = a_finding(), time.time()
    seen: list[tuple[str, FindingDocument]] = []

    async def follow() -> None:
        async with api.http.stream("GET", "/findings/stream", params={"since": began}) as answer:
            name = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    seen.append((name, msgspec.json.decode(line.removeprefix("data: "), type=FindingDocument)))
                    if len(seen) == 2:
                        return

    async with asyncio.timeout(10):
        following = asyncio.create_task(follow())
        await api.registry.findings.save([kept])
        while not seen:
            await asyncio.sleep(0.02)
        over = msgspec.structs.replace(kept.finding, resolved_at=kept.finding.last_seen + 5)
        await api.registry.findings.save([msgspec.structs.replace(kept, finding=over)])
        await following

    names = [(name, document.id) for name, document in seen]
    assert names == [("open", kept.finding.id), ("resolved", kept.finding.id)]
