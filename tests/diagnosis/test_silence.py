"""Connections that stand and say nothing, or not the right thing."""

import pytest

from holdfast.model.events import EventKind
from holdfast.model.findings import Rival
from tests.diagnosis.fleet import HEALTHY_TCP, LOST_TCP, Gateway, Host


def test_a_connection_without_a_message_is_silent_until_the_first_one_comes() -> None:
    gateway, agent = Gateway(), Host()
    link = gateway.connect(agent)
    gateway.wait(5)

    link.tell(EventKind.SILENT, code="LIFE-SILENT", facts={"pings": 0, "messages": 0})
    (found,) = gateway.open()
    link.first_message()

    assert (found.code, found.subject.peer, found.confidence) == ("LIFE-SILENT", "192.0.2.7", 0.8)
    assert found.evidence == (
        {
            "fact": "101 was sent 5 s ago, and not one message came",
            "messages": 0, "waited_s": 5.0, "threshold_s": 5.0, "pings": 0,
        },
    )  # fmt: skip
    assert gateway.open() == []


def test_the_first_ping_of_a_silent_agent_turns_silence_into_pings_alone() -> None:
    gateway = Gateway()
    link = gateway.connect(Host())
    gateway.wait(5)
    link.tell(EventKind.SILENT, code="LIFE-SILENT", facts={"pings": 0, "messages": 0})

    link.tell(EventKind.SILENT, code="LIFE-PING-ONLY", facts={"pings": 1, "messages": 0})

    assert gateway.open_codes() == ["LIFE-PING-ONLY"]


def test_closing_a_silent_connection_makes_its_finding_surer_and_no_second_one() -> None:
    gateway = Gateway()
    link = gateway.connect(Host())
    gateway.wait(5)
    link.tell(EventKind.SILENT, code="LIFE-SILENT", facts={"pings": 0, "messages": 0})
    gateway.wait(295)

    link.refuse("LIFE-SILENT").end("closed-by-gateway", code=4408, by="gateway")

    (found,) = gateway.open()
    assert (found.code, found.count, found.confidence) == ("LIFE-SILENT", 1, 0.95)
    assert Rival(
        code="LIFE-FROZEN", excluded_because="its answers to our pings kept the connection open"
    ) in found.rivals  # fmt: skip


def test_a_challenge_without_an_answer_is_told_after_a_while_and_surer_when_it_expires() -> None:
    gateway = Gateway()
    link = gateway.connect(Host()).first_message().init().challenge()

    gateway.wait(16)
    (early,) = gateway.open()
    gateway.wait(104)
    link.tell(EventKind.UNFINISHED, code="REG-NEVER-COMPLETED")

    (late,) = gateway.open()
    assert (early.code, early.confidence, late.confidence) == ("REG-NEVER-COMPLETED", 0.7, 0.95)
    assert early.cause == "The agent stays connected after our answer and never sends step two"


def test_an_init_that_is_repeated_shows_that_the_answer_was_not_recognised() -> None:
    gateway = Gateway()
    link = gateway.connect(Host()).first_message()
    for _ in range(3):
        link.init().challenge()
        gateway.wait(5)

    (found,) = gateway.open()
    assert found.code == "REG-NEVER-COMPLETED"
    assert found.cause.startswith("The agent repeats its init: it does not recognise our answer")


def test_no_heartbeat_is_over_with_the_next_one() -> None:
    gateway = Gateway()
    link = gateway.join(Host(), beat=False)
    gateway.wait(60)

    link.tell(EventKind.NO_HEARTBEAT, code="LIFE-NO-HEARTBEAT", facts={"pings": 0, "messages": 2})
    before = gateway.open_codes()
    link.beat()

    assert (before, gateway.open_codes()) == (["LIFE-NO-HEARTBEAT"], [])
    assert gateway.conditions() == [("agt_web-01", "degraded"), ("agt_web-01", None)]


def test_what_nobody_confirms_is_a_host_or_path_that_is_gone() -> None:
    gateway = Gateway()

    gateway.join(Host()).lose(LOST_TCP)

    (found,) = gateway.open()
    assert (found.code, found.confidence) == ("LIFE-HALF-OPEN", 0.95)
    assert found.evidence[1]["backoff"] == 4
    assert found.rivals[0].code == "LIFE-FROZEN"
    assert found.rivals[0].excluded_because is not None


def test_what_the_kernel_confirms_is_a_process_that_stands() -> None:
    gateway = Gateway()

    gateway.join(Host()).lose(HEALTHY_TCP | {"last_data_recv": 60_000})

    (found,) = gateway.open()
    assert (found.code, found.confidence) == ("LIFE-FROZEN", 0.9)
    assert Rival(code="LIFE-LOOP-BLOCKED") in found.rivals


def test_behind_a_proxy_both_are_shown_with_even_confidence_and_what_would_tell_them_apart() -> None:
    gateway = Gateway()

    gateway.join(Host(), via="X-Forwarded-For: 10.0.0.1").lose(HEALTHY_TCP)

    assert [(f.code, f.confidence) for f in gateway.open()] == [("LIFE-FROZEN", 0.5), ("LIFE-HALF-OPEN", 0.5)]
    assert all("holdfast doctor" in finding.fix for finding in gateway.open())


def test_a_pong_that_comes_late_after_all_shows_a_blocked_loop() -> None:
    gateway = Gateway()
    link = gateway.join(Host())
    gateway.wait(60)
    link.sample(HEALTHY_TCP | {"last_data_recv": 50_000})
    link.tell(EventKind.NO_PONG, code="LIFE-NO-PONG")
    frozen = gateway.open_codes()

    link.tell(EventKind.LATE_PONG, facts=HEALTHY_TCP | {"late_s": 31.0})

    (found,) = gateway.open()
    assert (frozen, found.code) == (["LIFE-FROZEN"], "LIFE-LOOP-BLOCKED")
    assert found.evidence[0]["late_s"] == 31.0


def test_a_pong_that_a_lossy_path_delayed_accuses_no_event_loop() -> None:
    gateway = Gateway()
    link = gateway.join(Host())
    gateway.wait(60)

    link.tell(EventKind.LATE_PONG, facts=HEALTHY_TCP | {"late_s": 3.1, "total_retrans": 9, "segs_out": 60})

    assert gateway.open_codes() == []


def test_messages_without_pongs_are_a_client_that_never_answers_pings() -> None:
    gateway = Gateway()
    link = gateway.join(Host())
    gateway.wait(60)

    link.sample(HEALTHY_TCP)
    link.tell(EventKind.NO_PONG, code="LIFE-NO-PONG")

    assert gateway.open_codes() == ["LIFE-NO-PONG"]


def test_a_path_lost_three_times_after_the_same_quiet_time_forgets_idle_flows() -> None:
    gateway, agent = Gateway(ping_interval_s=20.0), Host()

    for age in (100, 300, 170):
        link = gateway.join(agent)
        gateway.wait(age)
        # Heard 60 s ago; the pings at 20 and 40 s since are not confirmed.
        link.lose(LOST_TCP | {"unacked": 2, "last_data_sent": 20_000})
        gateway.wait(1)

    (found,) = gateway.open()
    assert (found.code, found.confidence, found.evidence[0]["median_s"]) == ("NET-NAT-IDLE", 0.6, 20.0)
    assert [advice.interval_s for advice in gateway.advice()] == [8.0]


@pytest.mark.parametrize("code", ["LIFE-SILENT", "LIFE-NO-HEARTBEAT"])
def test_nothing_measured_is_held_against_anybody_while_the_gateway_stood_still(code: str) -> None:
    gateway = Gateway()
    link = gateway.join(Host(), beat=False)
    gateway.tell(EventKind.GATEWAY_LAGGED, facts={"lag_s": 4.0})

    kind = EventKind.SILENT if code == "LIFE-SILENT" else EventKind.NO_HEARTBEAT
    link.tell(kind, code=code)
    link.lose()

    (found,) = gateway.open()
    assert (found.code, found.subject.gateway) == ("SRV-LOOP-LAG", True)


def test_what_is_proved_stands_also_while_the_gateway_stood_still() -> None:
    gateway = Gateway()
    gateway.tell(EventKind.GATEWAY_LAGGED, facts={"lag_s": 4.0})

    gateway.connect(Host()).refuse("MSG-NOT-JSON")

    assert gateway.open_codes() == ["MSG-NOT-JSON", "SRV-LOOP-LAG"]


def test_ends_that_a_lag_explains_are_not_the_agents() -> None:
    gateway = Gateway()
    link = gateway.join(Host())
    gateway.wait(100)
    link.end()

    gateway.tell(EventKind.GATEWAY_LAGGED, facts={"lag_s": 30.0})
    gateway.wait(60)

    assert gateway.codes() == {"SRV-LOOP-LAG"}


def test_a_gateway_that_was_not_stopped_in_order_restarted_after_a_crash() -> None:
    gateway = Gateway()
    gateway.join(Host())

    gateway.tell(EventKind.GATEWAY_STARTED)

    (found,) = gateway.open()
    assert (found.code, found.evidence[0]["clean"]) == ("SRV-RESTART", False)
