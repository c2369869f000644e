"""Who is let in, and what is stored of them."""

import asyncio

import pytest

from holdfast.faults import Refused
from holdfast.model import Admission, AgentQuery, Status, agent_uid
from holdfast.registry import RegistrationPolicy, Registry
from tests.registry.conftest import OpenRegistry
from tests.registry.fleet import Clock, claim, key


async def test_a_registered_agent_is_listed_as_it_described_itself(registry: Registry, clock: Clock) -> None:
    claimed = claim(
        "web-01",
        org_id="acme",
        agent_version="1.2.3",
        capabilities=["exec", {"name": "files", "max": 3}],
        platform={"os": "Linux", "arch": "x86_64"},
        network={"addresses": ["192.0.2.7"]},
        machine_id_hash="ab" * 32,
        labels={"env": "prod"},
        instance="i-1",
        boot_id="b-1",
    )

    registered = await registry.register(claimed)

    agent = await registry.get_agent(registered.agent_uid)
    assert agent is not None
    assert registered.first_time
    assert registered.agent_uid == agent.agent_uid == agent_uid(key("web-01"))
    assert (agent.org_id, agent.host_id, agent.agent_version) == ("acme", "web-01", "1.2.3")
    assert agent.capabilities == ["exec", {"name": "files", "max": 3}]
    assert (agent.platform, agent.network) == ({"os": "Linux", "arch": "x86_64"}, {"addresses": ["192.0.2.7"]})
    assert (agent.machine_id_hash, agent.instance, agent.boot_id) == ("ab" * 32, "i-1", "b-1")
    assert agent.labels == {"env": "prod"}
    assert agent.fingerprint.startswith("ed25519:")
    assert agent.registered_at == agent.last_seen == agent.connected_since == clock.now
    assert (agent.status, agent.status_since) == (Status.ONLINE, clock.now)
    assert agent.status_why == "connected from 192.0.2.7:4711"


async def test_registering_again_is_the_same_agent_with_what_is_new_of_it(registry: Registry, clock: Clock) -> None:
    first = await registry.register(claim("web-01", agent_version="1", labels={"env": "prod"}))
    registered_at = clock.now
    await registry.update_agent(first.agent_uid, labels={"env": "test"}, note="moved")
    clock.pass_s(60)

    again = await registry.register(claim("web-01", agent_version="2", labels={"env": "prod"}, attempt="second"))

    page = await registry.list_agents()
    assert (again.agent_uid, again.first_time) == (first.agent_uid, False)
    assert [(a.agent_version, a.registered_at, a.last_seen) for a in page.agents] == [("2", registered_at, clock.now)]
    assert (page.agents[0].labels, page.agents[0].note) == ({"env": "test"}, "moved")


async def test_the_same_agent_may_register_several_times_at_once(registry: Registry) -> None:
    answers = await asyncio.gather(*(registry.register(claim("web-01", attempt=f"a{n}")) for n in range(20)))

    assert sorted(answer.first_time for answer in answers) == [False] * 19 + [True]
    assert (await registry.list_agents()).total == 1


async def test_many_agents_register_at_once(registry: Registry) -> None:
    await asyncio.gather(*(registry.register(claim(f"host-{n}")) for n in range(1500)))

    assert (await registry.list_agents()).total == 1500


async def test_a_host_with_a_new_key_is_another_agent_and_the_old_one_stays(registry: Registry) -> None:
    old = await registry.register(claim("web-01", agent_version="old"))

    new = await registry.register(claim("web-01", key_name="reinstalled", agent_version="new"))

    assert new.other_keys == (old.agent_uid,)
    assert new.first_time
    page = await registry.list_agents(AgentQuery(host_id="web-01"))
    assert [(a.agent_uid, a.agent_version) for a in page.agents] == [(old.agent_uid, "old"), (new.agent_uid, "new")]


async def test_keys_that_meet_in_one_transaction_see_each_other(registry: Registry) -> None:
    one, other = await asyncio.gather(
        registry.register(claim("web-01", key_name="one")), registry.register(claim("web-01", key_name="other"))
    )

    assert (one.other_keys, other.other_keys) == ((), (one.agent_uid,))


async def test_the_same_host_name_in_another_org_is_nobodys_business(registry: Registry) -> None:
    await registry.register(claim("web-01", org_id="acme"))

    other = await registry.register(claim("web-01", key_name="other", org_id="umbrella"))

    assert other.other_keys == ()


async def test_a_host_that_regenerates_its_key_for_ever_costs_no_more_each_time(registry: Registry) -> None:
    for batch in range(4):
        await asyncio.gather(*(registry.register(claim("web-01", key_name=f"{batch}-{n}")) for n in range(100)))

    last = await registry.register(claim("web-01", key_name="last"))

    assert len(last.other_keys) == 20
    assert agent_uid(key("3-99")) in last.other_keys


async def test_a_key_under_a_new_host_name_says_which_it_had(registry: Registry) -> None:
    await registry.register(claim("web-01", key_name="k"))

    renamed = await registry.register(claim("web-02", key_name="k"))

    assert (renamed.previous_host_id, renamed.first_time) == ("web-01", False)
    assert [agent.host_id for agent in (await registry.list_agents()).agents] == ["web-02"]


async def test_texts_that_a_database_cannot_keep_are_kept_as_well_as_can_be(registry: Registry) -> None:
    registered = await registry.register(claim("web-01", agent_version="1\x002", platform={"os": "a\x00b"}))

    agent = await registry.get_agent(registered.agent_uid)
    assert agent is not None
    assert (agent.agent_version, agent.platform) == ("1\ufffd2", {"os": "a\x00b"})


async def test_where_approval_is_asked_for_an_agent_is_pending_until_it_is_approved(
    open_registry: OpenRegistry, clock: Clock
) -> None:
    registry = await open_registry(RegistrationPolicy.APPROVE)

    registered = await registry.register(claim("web-01"))
    pending = await registry.get_agent("web-01")
    clock.pass_s(5)
    approved = await registry.approve(registered.agent_uid, actor="ops")
    again = await registry.register(claim("web-01"))

    assert registered.admission is Admission.PENDING
    assert pending is not None
    assert (pending.status, pending.status_why) == (Status.PENDING, "waiting for an operator's approval")
    assert (approved.status, approved.admission) == (Status.ONLINE, Admission.APPROVED)
    assert again.admission is Admission.APPROVED


async def test_a_revoked_agent_is_refused_with_who_and_why(registry: Registry) -> None:
    registered = await registry.register(claim("web-01"))
    await registry.revoke(registered.agent_uid, actor="ops", reason="stolen laptop")

    with pytest.raises(Refused) as refusal:
        await registry.register(claim("web-01"))

    assert refusal.value.problem.code == "ID-REVOKED"
    assert "revoked by ops: stolen laptop" in refusal.value.problem.why
    agent = await registry.get_agent("web-01")
    assert agent is not None
    assert agent.status is Status.REVOKED


async def test_an_expected_host_is_listed_and_hands_on_what_was_noted_of_it(registry: Registry) -> None:
    expected = await registry.expect_host("default-org", "web-01", labels={"rack": "r1"}, note="new", actor="ops")
    assert (expected.status, expected.expected, expected.last_seen) == (Status.NEVER_CONNECTED, True, None)

    registered = await registry.register(claim("web-01", labels={"env": "prod"}))

    page = await registry.list_agents(AgentQuery(labels={"rack": "r1"}))
    assert [(a.agent_uid, a.expected, a.note) for a in page.agents] == [(registered.agent_uid, False, "new")]
    assert page.agents[0].labels == {"env": "prod", "rack": "r1"}
    assert registered.other_keys == ()
    assert (await registry.list_agents()).total == 1


async def test_expecting_a_host_that_is_there_changes_nothing(registry: Registry) -> None:
    registered = await registry.register(claim("web-01"))

    found = await registry.expect_host("default-org", "web-01", note="ignored")

    assert (found.agent_uid, found.note) == (registered.agent_uid, "")


async def test_a_known_key_is_identified_and_an_unknown_one_is_not(registry: Registry) -> None:
    registered = await registry.register(claim("web-01", org_id="acme"))

    known, unknown = await asyncio.gather(
        registry.identify("web-01", key("web-01")), registry.identify("web-01", key("somebody else"))
    )

    assert unknown is None
    assert known is not None
    assert (known.agent_uid, known.org_id, known.host_id) == (registered.agent_uid, "acme", "web-01")
    assert (known.admission, known.heartbeat_interval_s) == (Admission.APPROVED, 20.0)


async def test_five_thousand_agents_are_identified_at_once(registry: Registry) -> None:
    await asyncio.gather(*(registry.register(claim(f"host-{n}")) for n in range(500)))

    found = await asyncio.gather(*(registry.identify("", key(f"host-{n % 1000}")) for n in range(5000)))

    assert [one.host_id if one else None for one in found[:1000]] == [
        f"host-{n}" if n < 500 else None for n in range(1000)
    ]


async def test_a_key_uses_a_nonce_once_on_all_gateways(open_registry: OpenRegistry, clock: Clock) -> None:
    one, other = await open_registry(node_id="one"), await open_registry(node_id="other")
    until = clock.now + 60

    first = await one.claim_nonce(key("a"), "nonce", expires_at=until)
    replayed = await other.claim_nonce(key("a"), "nonce", expires_at=until)
    by_another_key = await other.claim_nonce(key("b"), "nonce", expires_at=until)
    clock.pass_s(61)
    forgotten = await one.claim_nonce(key("a"), "nonce", expires_at=clock.now + 60)

    assert (first, replayed, by_another_key, forgotten) == (True, False, True, True)


async def test_of_those_who_claim_a_nonce_at_once_one_gets_it(registry: Registry, clock: Clock) -> None:
    claims = (registry.claim_nonce(key("a"), "nonce", expires_at=clock.now + 60) for _ in range(10))

    assert sorted(await asyncio.gather(*claims)) == [False] * 9 + [True]
