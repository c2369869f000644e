"""A healthy fleet has no findings, whatever a healthy fleet does."""

import random

from holdfast.model.events import EventKind
from tests.diagnosis.fleet import Gateway, Host


def fleet(n: int) -> list[Host]:
    return [Host(f"web-{i:04d}", address=f"127.{i >> 8 & 255}.{i & 255}.1", instance=f"i-{i}") for i in range(n)]


def test_a_thousand_agents_that_come_and_stay_are_no_news() -> None:
    gateway = Gateway()

    for agent in fleet(1000):
        gateway.join(agent)
        gateway.wait(0.002)
    gateway.wait(600)

    assert gateway.changes == []


def test_a_rolling_restart_of_the_gateway_is_no_news() -> None:
    gateway, agents = Gateway(), fleet(1000)
    links = [gateway.join(agent) for agent in agents]
    gateway.wait(300)

    for link in links:
        link.tell(EventKind.REFUSED, code="LIFE-RESTART-1012", facts={"retry_after_s": 1.0})
    for link in links:
        link.end("close-frame", code=1012, by="gateway")
    gateway.tell(EventKind.GATEWAY_STOPPED, facts={"clean": True})
    gateway.wait(2)
    gateway.tell(EventKind.GATEWAY_STARTED)
    told = random.Random(7)
    back = sorted((told.uniform(0.1, 2.0), i) for i in range(1000))
    for earlier, (delay, i) in zip([(0.0, 0), *back], back, strict=False):
        gateway.wait(delay - earlier[0])
        gateway.join(agents[i])
    gateway.wait(600)

    assert gateway.changes == []


def test_agents_that_are_restarted_one_after_the_other_are_no_news() -> None:
    gateway, agents = Gateway(), fleet(50)
    links = [gateway.join(agent) for agent in agents]
    gateway.wait(300)

    for agent, link in zip(agents, links, strict=True):
        link.end("close-frame", code=1001, by="agent")
        agent.instance = f"{agent.instance}-again"
        gateway.wait(1.5)
        gateway.join(agent)
    gateway.wait(600)

    assert gateway.changes == []


def test_an_agent_that_replaces_its_own_dead_connection_is_no_news() -> None:
    gateway, agent = Gateway(), Host()
    older = gateway.join(agent)
    gateway.wait(40)
    newer = gateway.connect(agent)
    newer.first_message()
    older.tell(EventKind.REPLACED, facts={"by": newer.attempt})
    newer.resume().beat()
    gateway.wait(3)
    older.end("closed-by-gateway", code=4509, by="gateway")
    gateway.wait(60)

    assert gateway.changes == []


def test_a_clock_a_few_seconds_off_is_no_news() -> None:
    gateway = Gateway()
    for i, agent in enumerate(fleet(20)):
        agent.offset_s = (i - 10) / 3
        gateway.join(agent)
    gateway.wait(60)

    assert gateway.changes == []


def test_a_rehearsed_registration_of_the_doctor_is_no_news() -> None:
    gateway = Gateway()

    gateway.connect(Host()).first_message().init().challenge().complete().end("close-frame", code=1000, by="agent")
    gateway.wait(60)

    assert gateway.changes == []
