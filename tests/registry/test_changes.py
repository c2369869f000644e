"""What operators do to agents: stored with its audit record, and told to whoever holds the connection."""

import pytest

from holdfast.bus import LocalBus
from holdfast.model import (
    Admission,
    AdmissionChanged,
    AgentDeleted,
    AgentQuery,
    AuditQuery,
    DisconnectRequested,
    Signal,
    Status,
)
from holdfast.registry import Conflict, InvalidQuery, NotFound, Registry
from holdfast.store import open_store
from tests.registry.fleet import Clock, claim


async def test_labels_and_note_are_replaced_and_the_version_counts(registry: Registry) -> None:
    uid = (await registry.register(claim("web-01", labels={"env": "prod"}))).agent_uid

    labelled = await registry.update_agent(uid, labels={"env": "test", "rack": "r1"}, actor="ops")
    noted = await registry.update_agent(uid, note="to be replaced", version=labelled.version, actor="ops")

    assert (labelled.labels, labelled.note, labelled.version) == ({"env": "test", "rack": "r1"}, "", 2)
    assert (noted.labels, noted.note, noted.version) == (labelled.labels, "to be replaced", 3)
    assert (await registry.list_agents(AgentQuery(labels={"env": "prod"}))).total == 0
    assert (await registry.list_agents(AgentQuery(labels={"env": "test"}))).total == 1


async def test_a_change_of_what_somebody_else_has_changed_is_refused(registry: Registry) -> None:
    uid = (await registry.register(claim("web-01"))).agent_uid
    await registry.update_agent(uid, note="mine", version=1)

    with pytest.raises(Conflict) as refusal:
        await registry.update_agent(uid, note="yours", version=1)

    assert refusal.value.problem.why == "it is at version 2, and the change was made for version 1"
    agent = await registry.get_agent(uid)
    assert agent is not None
    assert agent.note == "mine"


@pytest.mark.parametrize(
    "labels", [{"": "x"}, {" ": "x"}, {"k" * 257: "x"}, {"k": "v" * 257}, {str(number): "" for number in range(65)}]
)
async def test_labels_that_are_too_many_or_too_long_are_refused(registry: Registry, labels: dict[str, str]) -> None:
    uid = (await registry.register(claim("web-01"))).agent_uid

    with pytest.raises(InvalidQuery):
        await registry.update_agent(uid, labels=labels)

    assert (await registry.audit.list()).records == ()


async def test_what_is_not_there_cannot_be_changed(registry: Registry) -> None:
    for change in (
        registry.update_agent("agt_none", note="x"),
        registry.approve("agt_none"),
        registry.revoke("agt_none"),
        registry.delete_agent("agt_none"),
        registry.request_disconnect("agt_none"),
    ):
        with pytest.raises(NotFound):
            await change
    assert await registry.get_agent("agt_none") is None
    assert await registry.changes_since(0) == []


async def test_every_change_has_its_audit_record_the_newest_first(registry: Registry, clock: Clock) -> None:
    uid = (await registry.register(claim("web-01"))).agent_uid
    await registry.update_agent(uid, note="x", actor="ann")
    await registry.revoke(uid, actor="bob", reason="lost")
    await registry.revoke(uid, actor="bob", reason="again, which changes nothing")
    clock.pass_s(5)
    await registry.approve(uid, actor="ann")
    await registry.request_disconnect(uid, actor="ann", reason="restart")
    await registry.delete_agent(uid, actor="ann")
    await registry.expect_host("default-org", "web-02", actor="ann")

    everything = await registry.audit.list()
    assert [(record.actor, record.action) for record in everything.records] == [
        ("ann", "agent.expect"),
        ("ann", "agent.delete"),
        ("ann", "agent.disconnect"),
        ("ann", "agent.approve"),
        ("bob", "agent.revoke"),
        ("ann", "agent.update"),
    ]
    assert everything.records[4].detail == {"reason": "lost"}
    assert everything.records[5].detail == {"note": "x"}
    by_bob = await registry.audit.list(AuditQuery(actor="bob"))
    assert [record.subject for record in by_bob.records] == [uid]
    assert len((await registry.audit.list(AuditQuery(subject=uid, since=clock.now))).records) == 3
    assert len((await registry.audit.list(AuditQuery(until=clock.now - 5))).records) == 2


async def test_the_audit_log_is_read_page_by_page(registry: Registry) -> None:
    for number in range(7):
        await registry.expect_host("default-org", f"host-{number}")

    query, subjects = AuditQuery(limit=3), []
    while True:
        page = await registry.list_audit(query)
        subjects += [record.detail["host_id"] for record in page.records]
        if page.next_cursor is None:
            break
        query = AuditQuery(limit=3, cursor=page.next_cursor)

    assert subjects == [f"host-{number}" for number in reversed(range(7))]


async def test_gateways_hear_of_changes_on_the_bus_and_find_them_in_the_store(database_url: str, clock: Clock) -> None:
    store, bus, heard = await open_store(database_url), LocalBus(), list[Signal]()
    registry = Registry(store, bus, node_id="node-1", clock=clock)
    bus.on(AdmissionChanged, heard.append)
    bus.on(DisconnectRequested, heard.append)
    bus.on(AgentDeleted, heard.append)
    uid = (await registry.register(claim("web-01"))).agent_uid

    await registry.request_disconnect(uid, actor="ops", reason="update")
    clock.pass_s(10)
    await registry.revoke(uid, actor="ops", reason="stolen")
    await registry.delete_agent(uid, actor="ops")

    assert heard == [
        DisconnectRequested(agent_uid=uid, reason="update", at=clock.now - 10),
        AdmissionChanged(agent_uid=uid, admission=Admission.REVOKED, reason="stolen", at=clock.now),
        AgentDeleted(agent_uid=uid, reason="deleted by ops", at=clock.now),
    ]
    assert await registry.changes_since(0) == heard
    assert await registry.changes_since(clock.now) == heard[1:]
    await registry.close()
    await store.close()


async def test_signals_of_yesterday_are_forgotten(registry: Registry, clock: Clock) -> None:
    uid = (await registry.register(claim("web-01"))).agent_uid
    await registry.request_disconnect(uid, reason="yesterday")
    clock.pass_s(86_401)

    await registry.request_disconnect(uid, reason="today")

    assert [signal.reason for signal in await registry.changes_since(0)] == ["today"]


async def test_a_deleted_agent_may_register_again_as_if_new(registry: Registry) -> None:
    uid = (await registry.register(claim("web-01", labels={"env": "prod"}))).agent_uid
    await registry.update_agent(uid, note="old")
    await registry.delete_agent(uid)
    assert (await registry.list_agents()).total == 0

    again = await registry.register(claim("web-01"))

    agent = await registry.get_agent(uid)
    assert agent is not None
    assert (again.first_time, agent.note, agent.labels) == (True, "", {})


async def test_an_agent_is_found_by_its_host_the_one_that_is_online_first(registry: Registry, clock: Clock) -> None:
    online = await registry.register(claim("web-01", key_name="old", attempt="a1"))
    clock.pass_s(5)
    newer = await registry.register(claim("web-01", key_name="new", attempt="a2"))
    registry.presence.disconnected(newer.agent_uid, "a2", at=clock.now, why="gone")
    await registry.flush()

    found = await registry.get_agent("web-01")
    registry.presence.disconnected(online.agent_uid, "a1", at=clock.now, why="gone")
    await registry.flush()
    afterwards = await registry.get_agent("web-01")

    assert found is not None
    assert afterwards is not None
    assert (found.agent_uid, afterwards.agent_uid) == (online.agent_uid, newer.agent_uid)
    assert found.status is Status.ONLINE
