"""Connections that end: what their times, their frames and the next start tell."""

import pytest

from holdfast.model.events import Fact
from holdfast.model.findings import Basis, Rival
from tests.diagnosis.fleet import HEALTHY_TCP, Gateway, Host


def lives(gateway: Gateway, agent: Host, n: int, *, age: float, **end: Fact) -> None:
    """The agent connects, lives for `age` seconds, ends, and is back after a second; `n` times."""
    for _ in range(n):
        link = gateway.join(agent)
        gateway.wait(age)
        how = str(end.get("how", "fin"))
        link.end(how, **{name: value for name, value in end.items() if name != "how"})  # type: ignore[arg-type]  # facts
        gateway.wait(1)


def test_one_end_without_a_word_is_unconfirmed_and_names_the_likeliest_cause() -> None:
    gateway = Gateway()

    lives(gateway, Host(), 1, age=100)

    (found,) = gateway.open()
    assert (found.code, found.parent, found.confidence, found.basis) == (
        "LIFE-NO-CLOSE-FRAME", "LIFE-KILLED", 0.4, Basis.ASSUMED,
    )  # fmt: skip
    assert Rival(code="LIFE-KILLED") in found.rivals
    assert found.evidence[0]["idle_s"] == 0.5


def test_a_new_process_on_the_same_boot_shows_that_the_last_one_was_killed() -> None:
    gateway, agent = Gateway(), Host()
    lives(gateway, agent, 1, age=100)

    agent.instance = "i-2"
    gateway.join(agent)

    killed = gateway.one("LIFE-KILLED")
    assert (killed.confidence, killed.basis) == (0.8, Basis.INFERRED)
    assert killed.resolved_because == "it is over: the agent is back"
    assert gateway.open() == []
    assert gateway.one("LIFE-NO-CLOSE-FRAME").resolved_because == "LIFE-KILLED explains it better"


@pytest.mark.parametrize(("said", "code"), [("killed", "LIFE-KILLED"), ("oom-kill", "LIFE-OOM")])
def test_the_next_start_tells_how_the_last_run_ended(said: str, code: str) -> None:
    gateway, agent = Gateway(), Host()
    lives(gateway, agent, 1, age=100)

    agent.instance = "i-2"
    gateway.connect(agent).first_message().init(last_exit=said).challenge().complete().register().beat()

    assert (gateway.one(code).confidence, gateway.one(code).basis) == (0.95, Basis.MEASURED)


def test_a_new_boot_shows_a_reboot_also_after_a_silent_loss() -> None:
    gateway, agent = Gateway(), Host()
    gateway.join(agent).lose()
    lost = gateway.open_codes()
    gateway.wait(30)

    agent.instance, agent.boot_id = "i-2", "boot-2"
    gateway.join(agent)

    assert lost == ["LIFE-HALF-OPEN"]
    assert gateway.one("LIFE-REBOOT").resolved_at == gateway.now
    assert gateway.open() == []


def test_the_same_process_back_after_a_long_silent_loss_has_slept() -> None:
    gateway, agent = Gateway(), Host()
    gateway.join(agent).lose()

    gateway.wait(6 * 3600)
    gateway.join(agent)

    assert gateway.codes() == {"LIFE-HALF-OPEN", "LIFE-SLEEP"}
    assert gateway.open() == []


def test_a_reset_followed_by_the_same_process_is_a_box_that_resets() -> None:
    gateway = Gateway()

    lives(gateway, Host(), 2, age=100, how="reset")

    assert gateway.one("NET-FW-RST").confidence == 0.6


def test_segments_sent_twice_tell_a_lossy_link() -> None:
    gateway, agent = Gateway(), Host()

    for age in (70, 190, 33):
        link = gateway.join(agent)
        gateway.wait(age)
        link.sample(HEALTHY_TCP | {"segs_out": 200, "total_retrans": 30})
        link.end("reset", heard_s=age / 10)
        gateway.wait(1)

    assert gateway.one("NET-PACKET-LOSS").evidence[2]["total_retrans"] == 30


def test_equal_idle_times_at_different_ages_are_a_proxys_limit_and_the_heartbeat_is_lowered() -> None:
    gateway, agent = Gateway(ping_interval_s=600.0), Host()

    for age in (75.0, 130.0, 90.0, 200.0, 65.0):
        link = gateway.join(agent)
        gateway.wait(age)
        link.end(heard_s=60.0, pinged_s=None)
        gateway.wait(1)

    (found,) = gateway.open()
    assert (found.code, found.confidence, found.count) == ("PXY-IDLE-60", 0.9, 3)
    assert found.evidence[0] == {
        "fact": "5 connections ended after 60.0 s without a frame, whatever their age",
        "n": 5, "median_s": 60.0, "spread_s": 0.0, "threshold_s": 1.2, "youngest_s": 65.0, "oldest_s": 200.0,
    }  # fmt: skip
    assert Rival(code="PXY-MAX-DURATION", excluded_because="the ages differ") in found.rivals
    assert {(advice.agent_uid, advice.interval_s) for advice in gateway.advice()} == {("agt_web-01", 24.0)}
    assert gateway.conditions()[-1] == ("agt_web-01", "flapping")


@pytest.mark.parametrize(
    ("idle", "how", "via", "code"),
    [
        (2.0, "fin", "", "PXY-IDLE-OTHER"),
        (100.4, "fin", "CF-Ray: 1", "PXY-IDLE-100"),
        (30.0, "fin", "", "PXY-IDLE-OTHER"),
        (350.1, "reset", "", "PXY-IDLE-350"),
    ],
)
def test_the_idle_limit_tells_which_box_it_is(idle: float, how: str, via: str, code: str) -> None:
    gateway, agent = Gateway(ping_interval_s=1000.0), Host()

    for age in (1, 2, 3):
        link = gateway.join(agent, via=via)
        gateway.wait(idle + age)
        link.end(how, heard_s=idle, pinged_s=None)
        gateway.wait(1)

    assert gateway.open_codes() == [code]


def test_an_idle_limit_is_over_when_a_connection_outlives_it() -> None:
    gateway, agent = Gateway(ping_interval_s=1000.0), Host()
    for age in (40, 50, 60):
        link = gateway.join(agent)
        gateway.wait(age)
        link.end(heard_s=30.0, pinged_s=None)
        gateway.wait(1)

    gateway.join(agent)
    gateway.wait(290)
    still = gateway.open_codes()
    gateway.wait(20)

    assert still == ["PXY-IDLE-OTHER"]
    assert gateway.open() == []


def test_agents_behind_one_proxy_that_share_its_limit_are_one_finding() -> None:
    gateway = Gateway(ping_interval_s=1000.0)
    agents = [Host(f"web-{i}", address="192.0.2.1") for i in range(6)]

    for _ in range(3):
        for i, agent in enumerate(agents):
            link = gateway.join(agent, via="Via: proxy")
            gateway.wait(40 + i)
            link.end(heard_s=30.0, pinged_s=None)
            gateway.wait(3)

    (shared,) = gateway.open()
    assert (shared.code, shared.agents_count, shared.subject.peer) == ("PXY-IDLE-OTHER", 6, "192.0.2.1")
    assert shared.confidence == 0.97


def test_equal_ages_of_busy_connections_are_a_limit_on_age() -> None:
    gateway, agent = Gateway(), Host()

    for heard in (0.2, 4.0, 9.0, 2.0, 7.0):
        link = gateway.join(agent)
        link.messages = 12
        gateway.wait(120)
        link.end(heard_s=heard, pinged_s=11.0, quiet_s=heard)
        gateway.wait(1)

    (found,) = gateway.open()
    assert (found.code, found.confidence) == ("PXY-MAX-DURATION", 0.9)


def test_a_limit_on_age_is_not_mistaken_for_one_on_idle_time_when_beats_are_regular() -> None:
    gateway, agent = Gateway(), Host()

    for _ in range(5):
        link = gateway.join(agent)
        link.messages = 6  # beats at 20, 40 and 60 s, and so did our pings
        gateway.wait(70)
        link.end(heard_s=10.0, pinged_s=10.0, quiet_s=10.0)
        gateway.wait(1)

    assert gateway.open_codes() == ["PXY-MAX-DURATION"]


def test_a_polite_end_after_the_same_quiet_time_is_the_agents_own_timeout() -> None:
    gateway, agent = Gateway(), Host()

    for age in (35.0, 64.0, 31.0):
        link = gateway.join(agent)
        gateway.wait(age)
        link.end("close-frame", code=1000, by="agent", quiet_s=30.0, heard_s=10.0, pinged_s=10.0)
        gateway.wait(1)

    (found,) = gateway.open()
    assert (found.code, found.confidence) == ("LIFE-CLIENT-TIMEOUT", 0.6)
    assert found.evidence[0]["median_s"] == 30.0


def test_an_agent_that_dies_after_the_same_answer_as_a_new_process_each_time_crashes() -> None:
    gateway, agent = Gateway(), Host(registered=False)

    for i in range(5):
        agent.instance = f"i-{i}"
        link = gateway.connect(agent).first_message().init().challenge()
        gateway.wait(0.3)
        link.end()
        gateway.wait(0.5)

    (found,) = gateway.open()
    assert (found.code, found.step, found.confidence) == ("LIFE-CRASH-LOOP", "challenge", 0.9)
    assert found.cause == "The agent fails with an error right after our answer to its init"
    assert found.evidence[1]["shortest_s"] == 0.5


def test_a_registered_agent_that_dies_after_its_confirmation_crashes() -> None:
    gateway, agent = Gateway(), Host()

    for i in range(4):
        agent.instance = f"i-{i}"
        link = gateway.join(agent, beat=False)
        gateway.wait(0.2)
        link.end()
        gateway.wait(2)

    assert gateway.open_codes() == ["LIFE-CRASH-LOOP"]


def test_the_same_process_that_leaves_after_our_answer_is_a_loop_over_a_registration_never_completed() -> None:
    gateway, agent = Gateway(), Host()

    for _ in range(6):
        link = gateway.connect(agent).first_message().init().challenge()
        gateway.wait(0.1)
        link.end()
        gateway.wait(1)

    codes = {finding.code: finding.parent for finding in gateway.open()}
    assert codes == {"REG-NEVER-COMPLETED": None, "RATE-RECONNECT-LOOP": "REG-NEVER-COMPLETED"}


def test_a_goodbye_right_after_registering_is_a_script_that_returns() -> None:
    gateway, agent = Gateway(), Host()

    link = gateway.join(agent, beat=False)
    gateway.wait(2)
    link.end("close-frame", code=1000, by="agent")

    (found,) = gateway.open()
    assert (found.code, found.evidence[0]["stayed_s"]) == ("LIFE-CLOSED-1000", 2.0)


def test_a_polite_stop_is_told_when_the_agent_stays_away_and_over_when_it_is_back() -> None:
    gateway, agent = Gateway(), Host()
    link = gateway.join(agent)
    gateway.wait(100)

    link.end("close-frame", code=1001, by="agent")
    at_once = gateway.open_codes()
    gateway.wait(6)
    later = gateway.open_codes()
    gateway.join(agent)

    assert (at_once, later, gateway.open_codes()) == ([], ["LIFE-GOING-AWAY-1001"], [])
    assert gateway.conditions() == []


def test_a_1011_points_to_the_agents_blocked_loop() -> None:
    gateway = Gateway()
    link = gateway.join(Host())

    link.end("close-frame", code=1011, by="agent", close_reason="keepalive ping timeout")

    (found,) = gateway.open()
    assert (found.code, found.parent) == ("LIFE-INTERNAL-1011", "LIFE-LOOP-BLOCKED")


def test_many_ends_at_once_behind_one_proxy_are_its_reload_and_one_finding() -> None:
    gateway = Gateway()
    agents = [Host(f"web-{i:02d}", address="192.0.2.1") for i in range(40)]
    links = [gateway.join(agent, via="X-Forwarded-For: 10.0.0.1") for agent in agents]
    gateway.wait(300)

    for i, link in enumerate(links):
        gateway.wait(0.02)
        link.end(heard_s=float(i % 17), pinged_s=float(i % 13))
    gateway.wait(5)

    (found,) = gateway.open()
    assert (found.code, found.agents_count, found.count) == ("PXY-RELOAD", 40, 1)
    assert gateway.codes() == {"PXY-RELOAD"}
    assert gateway.conditions() == []


def test_an_agent_elsewhere_that_ends_in_the_same_moment_keeps_a_cause_of_its_own() -> None:
    gateway = Gateway()
    links = [gateway.join(Host(f"web-{i}", address="192.0.2.1"), via="Via: 1.1 proxy") for i in range(6)]
    elsewhere = gateway.join(Host("db-1", address="198.51.100.9"))
    gateway.wait(300)

    elsewhere.end(heard_s=3.0)
    for i, link in enumerate(links):
        link.end(heard_s=float(i), pinged_s=float(i))
    gateway.wait(5)

    assert sorted(gateway.open_codes()) == ["LIFE-NO-CLOSE-FRAME", "PXY-RELOAD"]


def test_ends_that_trickle_in_over_two_seconds_are_still_one_finding() -> None:
    gateway = Gateway()
    links = [gateway.join(Host(f"web-{i:02d}", address="192.0.2.1")) for i in range(20)]
    gateway.wait(300)

    for i, link in enumerate(links):
        gateway.wait(0.15)
        link.end(heard_s=float(i % 17), pinged_s=float(i % 13))
    gateway.wait(5)

    assert gateway.open_codes() == ["PXY-RELOAD"]


def test_agents_of_a_reloaded_proxy_that_are_back_at_once_are_not_each_accused() -> None:
    gateway = Gateway()
    agents = [Host(f"web-{i:02d}", address="192.0.2.1") for i in range(20)]
    links = [gateway.join(agent) for agent in agents]
    gateway.wait(300)

    for link in links:
        link.end("reset", heard_s=3.0)
    gateway.wait(0.1)
    for agent in agents:
        gateway.wait(0.05)
        gateway.join(agent)
    gateway.wait(20)

    assert gateway.codes() == {"PXY-RELOAD"}


def test_a_fleet_that_comes_back_in_one_instant_is_a_herd() -> None:
    gateway = Gateway()
    agents = [Host(f"web-{i:03d}", address=f"192.0.2.{i % 250}") for i in range(300)]
    links = [gateway.join(agent) for agent in agents]
    gateway.wait(300)
    for link in links:
        link.end(heard_s=3.0)

    gateway.wait(3)
    for agent in agents:
        gateway.join(agent)
    gateway.wait(10)

    assert set(gateway.open_codes()) == {"PXY-RELOAD", "RATE-HERD"}
    assert gateway.one("RATE-HERD").agents_count == 200
