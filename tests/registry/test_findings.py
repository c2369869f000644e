"""Findings in the store: found again by whatever names them, marked by operators, bounded."""

from typing import Any

import pytest
from msgspec.structs import replace

from holdfast.faults import Severity, doc_path, fault
from holdfast.model import AuditQuery
from holdfast.model.findings import Affected, Basis, Finding, FindingQuery, FindingSubject, KeptFinding, Rival
from holdfast.registry import InvalidQuery, NotFound, Registry
from holdfast.registry.findings import Findings
from tests.registry.conftest import OpenRegistry
from tests.registry.fleet import Clock


def kept(finding_id: str, code: str = "SIG-ORDER", *, counted_by: str = "", **changes: Any) -> KeptFinding:
    entry = fault(code)
    finding = Finding(
        id=finding_id,
        code=code,
        title=entry.title,
        severity=entry.severity,
        blame=entry.blame,
        confidence=1.0,
        basis=Basis.PROOF,
        subject=FindingSubject(agent_uid="agt_a", org_id="default-org", host_id="web-01", peer="192.0.2.7"),
        step="challenge",
        evidence=({"fact": "it verifies over server_time + nonce + host_id", "tried": 12},),
        cause=entry.cause,
        fix=entry.fix,
        doc=doc_path(code),
        first_seen=1000.0,
        last_seen=1000.0,
        rivals=(Rival(code="SIG-JSON", excluded_because="no document was signed"),),
    )
    return KeptFinding(
        finding=replace(finding, **changes), counted_by=counted_by or f'["{code}","x"]', until=7, holds_s=300.0
    )


async def test_a_finding_is_read_as_it_was_saved(registry: Registry) -> None:
    one = kept("f-1", evidence=({"fact": "naïve \x1b[31m", "n": 3, "share": 0.25, "seen": True},))

    await registry.findings.save([one])

    assert await registry.findings.get("f-1") == one.finding
    assert await registry.findings.open_of_this_node() == [one]


async def test_a_finding_that_goes_on_stays_one_row(registry: Registry) -> None:
    await registry.findings.save([kept("f-1"), kept("f-1", count=2)])
    await registry.findings.save([kept("f-1", count=613, resolved_at=2000.0, resolved_because="passed")])

    page = await registry.findings.list()

    assert [(found.count, found.resolved_at) for found in page.findings] == [(613, 2000.0)]
    assert await registry.findings.open_of_this_node() == []


async def test_findings_are_listed_newest_first_by_every_filter(registry: Registry) -> None:
    other = FindingSubject(agent_uid="agt_b", host_id="web-02")
    await registry.findings.save(
        [
            kept("f-1", first_seen=1.0),
            kept("f-2", "CLK-JUMP", first_seen=3.0, subject=other),
            kept("f-3", first_seen=2.0, resolved_at=5.0, subject=other),
        ]
    )

    async def ids(**query: Any) -> list[str]:
        return [found.id for found in (await registry.findings.list(FindingQuery(**query))).findings]

    assert await ids() == ["f-2", "f-3", "f-1"]
    assert await ids(open=True) == ["f-2", "f-1"]
    assert await ids(open=False) == ["f-3"]
    assert await ids(code="SIG-ORDER") == ["f-3", "f-1"]
    assert await ids(severity=Severity.INFO) == ["f-2"]
    assert await ids(agent="web-02") == ["f-2", "f-3"]
    assert await ids(agent="agt_a") == ["f-1"]


async def test_pages_continue_where_they_ended_though_new_findings_come(registry: Registry) -> None:
    await registry.findings.save([kept(f"f-{i}", first_seen=float(i)) for i in range(5)])
    first = await registry.findings.list(FindingQuery(limit=2))
    await registry.findings.save([kept("f-9", first_seen=9.0)])

    second = await registry.findings.list(FindingQuery(limit=10, cursor=first.next_cursor))

    assert [found.id for found in first.findings] == ["f-4", "f-3"]
    assert ([found.id for found in second.findings], second.next_cursor) == (["f-2", "f-1", "f-0"], None)


async def test_a_shared_finding_is_found_by_each_agent_it_names(registry: Registry) -> None:
    agents = tuple(Affected(agent_uid=f"agt_{i}", host_id="web") for i in range(3))
    shared = kept("f-1", "PXY-RELOAD", subject=FindingSubject(peer="192.0.2.1"), agents=agents, agents_count=3)
    await registry.findings.save([shared])

    assert [found.id for found in await registry.findings.of_agent("agt_2", "web")] == ["f-1"]
    assert await registry.findings.of_agent("agt_9", "web") == []


async def test_what_a_shared_finding_took_up_is_kept_and_no_longer_listed(registry: Registry) -> None:
    merged = kept("f-1", merged_into="f-2", resolved_at=5.0)
    await registry.findings.save([merged, kept("f-2", agents=(Affected(agent_uid="agt_a"),))])

    assert [found.id for found in (await registry.findings.list()).findings] == ["f-2"]
    assert [found.id for found in await registry.findings.of_agent("agt_a", "web-01")] == ["f-2"]
    assert await registry.findings.get("f-1") == merged.finding


async def test_an_agents_findings_hold_claims_of_its_name_but_nothing_proved_about_others(registry: Registry) -> None:
    claim = FindingSubject(host_id="web-01", peer="198.51.100.1")
    other = FindingSubject(agent_uid="agt_b", host_id="web-01")
    await registry.findings.save(
        [
            kept("f-mine", first_seen=1.0),
            kept("f-claim", first_seen=2.0, subject=claim),
            kept("f-other", first_seen=3.0, subject=other),
        ]
    )

    found = await registry.findings.of_agent("agt_a", "web-01")

    assert [finding.id for finding in found] == ["f-claim", "f-mine"]


async def test_marks_of_operators_are_audited_and_outlive_what_diagnosis_writes(
    registry: Registry, clock: Clock
) -> None:
    await registry.findings.save([kept("f-1")])

    await registry.findings.acknowledge("f-1", actor="ann", reason="on it")
    await registry.findings.mute("f-1", actor="ann", reason="known until Friday", until=clock() + 100)
    await registry.findings.save([kept("f-1", count=2)])
    found = await registry.findings.get("f-1")

    assert found.count == 2
    assert found.acknowledged is not None
    assert (found.acknowledged.by, found.acknowledged.reason) == ("ann", "on it")
    assert found.muted is not None
    assert found.muted.until == clock() + 100
    records = (await registry.list_audit(AuditQuery(subject="f-1"))).records
    assert [(record.actor, record.action) for record in records] == [
        ("ann", "finding.mute"), ("ann", "finding.acknowledge"),
    ]  # fmt: skip


async def test_a_muted_finding_that_comes_back_as_a_new_one_is_still_muted(registry: Registry) -> None:
    await registry.findings.save([kept("f-1", resolved_at=1500.0)])
    await registry.findings.mute("f-1", actor="ann", reason="a lab machine")
    await registry.findings.save([kept("f-2", first_seen=9000.0)])
    await registry.findings.unmute("f-2", actor="ann")
    await registry.findings.save([kept("f-3", first_seen=19000.0)])

    second, third = await registry.findings.get("f-2"), await registry.findings.get("f-3")

    assert (second.muted, third.muted) == (None, None)
    records = (await registry.list_audit(AuditQuery(subject="f-2"))).records
    assert [record.action for record in records] == ["finding.unmute"]


async def test_a_mute_is_handed_on_to_the_next_finding_of_the_same_kind(registry: Registry) -> None:
    await registry.findings.save([kept("f-1", resolved_at=1500.0)])
    await registry.findings.mute("f-1", actor="ann", reason="a lab machine")

    await registry.findings.save([kept("f-2", first_seen=9000.0), kept("f-3", counted_by="another")])

    muted = (await registry.findings.get("f-2")).muted
    assert muted is not None
    assert muted.reason == "a lab machine"
    assert (await registry.findings.get("f-3")).muted is None


async def test_a_mute_without_a_reason_is_refused(registry: Registry) -> None:
    await registry.findings.save([kept("f-1")])

    with pytest.raises(InvalidQuery) as refused:
        await registry.findings.mute("f-1", actor="ann", reason=" ")

    assert refused.value.problem.fix == "Say why this finding is muted"


async def test_marking_what_is_not_there_is_refused(registry: Registry) -> None:
    with pytest.raises(NotFound):
        await registry.findings.acknowledge("f-0", actor="ann")


async def test_the_oldest_resolved_findings_make_room_and_open_ones_stay(
    open_registry: OpenRegistry, clock: Clock
) -> None:
    registry = await open_registry()
    bounded = Findings(registry.findings._store, clock, node="node-1", kept_in_all=3)
    await bounded.save([kept("f-open", first_seen=0.5, subject=FindingSubject(host_id="old"))])

    for i in range(8):
        await bounded.save([kept(f"f-{i}", first_seen=1.0 + i, resolved_at=10.0 + i)])

    left = [found.id for found in (await bounded.list()).findings]
    assert left == ["f-7", "f-6", "f-5", "f-open"]
    assert [found.id for found in await bounded.of_agent("agt_a", "web-01")] == ["f-7", "f-6", "f-5"]


async def test_findings_that_another_node_left_open_are_its_own(open_registry: OpenRegistry) -> None:
    here, there = await open_registry(node_id="a"), await open_registry(node_id="b")
    await here.findings.save([kept("f-1")])

    assert [each.finding.id for each in await here.findings.open_of_this_node()] == ["f-1"]
    assert await there.findings.open_of_this_node() == []
