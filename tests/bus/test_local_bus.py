"""Messages within one process."""

import asyncio

import pytest

from holdfast.bus import LocalBus
from holdfast.faults import Unavailable
from holdfast.model import Admission, AdmissionChanged, DisconnectRequested

CHANGED = AdmissionChanged(agent_uid="agt_a", admission=Admission.REVOKED)
WANTED = DisconnectRequested(agent_uid="agt_a", reason="maintenance")


async def test_a_subscriber_hears_its_type_and_no_other() -> None:
    bus = LocalBus()
    subscription = bus.subscribe(AdmissionChanged)

    bus.publish(WANTED)
    bus.publish(CHANGED)

    assert await anext(subscription) == CHANGED


async def test_a_callback_is_called_until_it_leaves() -> None:
    bus = LocalBus()
    heard: list[AdmissionChanged] = []
    leave = bus.on(AdmissionChanged, heard.append)

    bus.publish(CHANGED)
    leave()
    bus.publish(CHANGED)

    assert heard == [CHANGED]


async def test_a_callback_that_fails_keeps_nothing_from_the_others() -> None:
    bus = LocalBus()
    heard: list[AdmissionChanged] = []

    def fail(_message: AdmissionChanged) -> None:
        raise RuntimeError("a bug of the subscriber")

    bus.on(AdmissionChanged, fail)
    bus.on(AdmissionChanged, heard.append)
    bus.publish(CHANGED)

    assert heard == [CHANGED]


async def test_a_slow_subscriber_loses_the_oldest_messages_and_can_tell() -> None:
    bus = LocalBus(max_waiting=2)
    subscription = bus.subscribe(DisconnectRequested)

    for number in range(5):
        bus.publish(DisconnectRequested(agent_uid=f"agt_{number}", reason=""))

    assert subscription.missed == 3
    assert [(await anext(subscription)).agent_uid for _ in range(2)] == ["agt_3", "agt_4"]


async def test_closing_ends_whoever_waits() -> None:
    bus = LocalBus()
    heard: list[AdmissionChanged] = []
    subscription = bus.subscribe(AdmissionChanged)

    async def listen() -> None:
        heard.extend([message async for message in subscription])

    listening = asyncio.create_task(listen())
    bus.publish(CHANGED)
    await bus.close()
    await asyncio.wait_for(listening, 5)

    assert heard == [CHANGED]


async def test_a_closed_bus_says_that_it_is() -> None:
    bus = LocalBus()
    await bus.ping()
    await bus.close()

    with pytest.raises(Unavailable) as refusal:
        await bus.ping()
    assert refusal.value.problem.code == "SRV-BUS-DOWN"
