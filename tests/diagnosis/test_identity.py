"""Two of one, one of two, and clocks."""

from holdfast.model import Admission
from holdfast.model.events import EventKind
from tests.diagnosis.fleet import Gateway, Host, Link


def replace(gateway: Gateway, older: Link, agent: Host) -> Link:
    """`agent`, which holds the same key, connects while `older` is alive; the older one answers its close frame."""
    newer = gateway.connect(agent).first_message()
    older.tell(EventKind.REPLACED, facts={"by": newer.attempt})
    newer.resume().beat()
    gateway.wait(0.1)
    older.end("close-frame", code=4509, by="gateway")
    gateway.wait(1)
    return newer


def test_one_key_on_two_machines_is_a_clone_and_both_are_shown() -> None:
    gateway = Gateway()
    left = Host("web-01", address="192.0.2.1", instance="i-1", boot_id="b-1", machine_id="m-1")
    right = Host("web-01", address="192.0.2.2", instance="i-2", boot_id="b-2", machine_id="m-2", registered=True)

    first = gateway.join(left)
    replace(gateway, first, right)

    (found,) = gateway.open()
    assert (found.code, found.confidence) == ("ID-CLONED", 0.95)
    assert found.cause == "Two machines hold the same key: they differ in machine id and boot id and address"
    assert [(e.get("address"), e.get("boot_id")) for e in found.evidence[1:]] == [
        ("192.0.2.1", "b-1"), ("192.0.2.2", "b-2"),
    ]  # fmt: skip
    assert gateway.conditions()[-1] == ("agt_web-01", "duplicate")


def test_two_processes_on_one_machine_fight_for_one_session() -> None:
    gateway = Gateway()
    service, by_hand = Host(instance="i-1"), Host(instance="i-2", registered=True)
    link = gateway.join(service)

    link = replace(gateway, link, by_hand)
    once = gateway.one("LIFE-DUPLICATE-SESSION").confidence
    link = replace(gateway, link, service)

    (found,) = gateway.open()
    assert (found.code, found.count, once, found.confidence) == ("LIFE-DUPLICATE-SESSION", 2, 0.6, 0.9)


def test_two_of_whom_nothing_is_known_are_two_processes_with_even_confidence() -> None:
    gateway = Gateway()
    agent = Host(instance=None, boot_id=None)
    agent.machine_id = None
    link = gateway.join(agent)

    link = replace(gateway, link, agent)
    once = gateway.open_codes()
    replace(gateway, link, agent)

    (found,) = gateway.open()
    assert (once, found.code, found.confidence) == ([], "LIFE-DUPLICATE-SESSION", 0.5)


def test_the_same_process_that_connects_anew_is_no_duplicate() -> None:
    gateway, agent = Gateway(), Host()
    link = gateway.join(agent)

    for _ in range(5):
        link = replace(gateway, link, agent)

    assert gateway.changes == []


def test_a_second_key_of_a_host_is_told_and_a_third_is_a_key_that_is_not_kept() -> None:
    gateway = Gateway()
    for i in range(3):
        agent = Host("web-01", uid=f"agt_{i}")
        others = ", ".join(f"agt_{j}" for j in range(i))
        link = gateway.connect(agent).first_message().init().challenge().complete()
        link.register(other_keys=others).beat()
        gateway.wait(1)
        link.end("close-frame", code=1000, by="agent", quiet_s=None)

    (found,) = gateway.open()
    assert (found.code, found.confidence) == ("KEY-REGENERATED", 0.8)
    assert gateway.one("ID-HOST-NEW-KEY").resolved_because == "KEY-REGENERATED explains it better"


def test_two_hosts_of_one_name_are_told_apart_from_a_new_installation() -> None:
    gateway = Gateway()
    gateway.join(Host("web-01", uid="agt_a", machine_id="m-a"))

    other = Host("web-01", uid="agt_b", machine_id="m-b")
    gateway.connect(other).first_message().init().challenge().complete().register(other_keys="agt_a").beat()

    (found,) = gateway.open()
    assert found.code == "ID-HOST-NEW-KEY"
    assert found.cause == "Two hosts use the same host_id: another machine holds it and is connected now"


def test_a_known_key_under_another_name_is_told() -> None:
    gateway, agent = Gateway(), Host("web-02")

    gateway.connect(agent).first_message().init().challenge().complete().register(previous_host_id="web-01")

    assert gateway.open_codes() == ["ID-KEY-NEW-HOST"]


def test_an_agent_that_waits_for_approval_is_told_until_it_is_approved() -> None:
    gateway, agent = Gateway(), Host()
    gateway.connect(agent).first_message().init().challenge().complete().register(admission="pending")
    waiting = gateway.open_codes()

    changes = gateway.engine.on_admission(agent.uid, Admission.APPROVED, gateway.now)

    assert waiting == ["ID-PENDING"]
    assert [change.finding.resolved_because for change in changes if hasattr(change, "finding")] == [
        "an operator has approved it"
    ]


def test_one_wrong_clock_among_right_ones_is_the_hosts_and_over_when_it_is_set() -> None:
    gateway = Gateway()
    for i in range(5):
        gateway.join(Host(f"web-{i:02d}", address=f"192.0.2.{i}"))
    agent = Host("late", address="192.0.2.9", offset_s=-600.0)

    link = gateway.join(agent)
    (found,) = gateway.open()
    link.end("close-frame", code=1000, by="agent", quiet_s=None)
    agent.offset_s = 0.2
    gateway.join(agent)

    assert (found.code, found.cause) == ("CLK-SKEW", "The host's clock is 600 s behind the gateway's")
    assert gateway.open() == []


def test_when_all_clocks_differ_in_one_direction_it_is_ours() -> None:
    gateway = Gateway()

    for i in range(8):
        gateway.join(Host(f"web-{i:02d}", address=f"192.0.2.{i}", offset_s=600.0))

    assert "SRV-CLOCK" in gateway.open_codes()
    assert gateway.one("SRV-CLOCK").cause == "The gateway's clock is 600 s behind that of its agents"
    assert gateway.open_codes() == ["SRV-CLOCK"]


def test_a_clock_that_jumps_within_a_connection_is_told() -> None:
    gateway = Gateway()
    link = gateway.join(Host())

    link.clock(3600.0)

    (found,) = gateway.open()
    assert (found.code, found.evidence[0]["now_s"]) == ("CLK-JUMP", 3600.0)
