"""One identity on two machines, and exchanges that broke off half-way."""

import signal
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from holdfast.agent.keyring import MEMORY_FILE
from holdfast.lab.commands import HOLDFAST, Process
from holdfast.lab.relays import Conduct, Relay
from tests.threads.ground import Ground, Json, until

IMAGE = SigningKey(bytes(range(32)))  # every machine of one image holds it
HERE = {"machine_id_hash": "a" * 64, "boot_id": "boot-here", "instance": "i-here"}
THERE = {"machine_id_hash": "b" * 64, "boot_id": "boot-there", "instance": "i-there"}


def told(finding: Json, name: str) -> set[Any]:
    """What the evidence of a finding says of each side under this name."""
    return {entry[name] for entry in finding["evidence"] if entry.get(name)}


async def test_cloned_vms_kick_each_other_off(plane: Ground) -> None:
    """wazuh/wazuh#10172, #15565: two hosts share one key; the server kept both connections and said nothing."""
    for machine, address in ((HERE, "127.0.8.1"), (THERE, "127.0.8.2"), (HERE, "127.0.8.1")):
        await plane.register("clone", key=IMAGE, facts=machine, source=address)

    finding = await plane.finding("ID-CLONED")

    assert told(finding, "address") == {"127.0.8.1", "127.0.8.2"}
    assert told(finding, "boot_id") == {"boot-here", "boot-there"}
    assert finding["cause"].startswith("Two machines hold the same key")
    assert finding["rivals"][0]["code"] == "LIFE-DUPLICATE-SESSION"
    assert await plane.agent("clone", "duplicate")


async def test_an_agent_randomly_disappears_from_the_list(plane: Ground) -> None:
    """elastic/kibana#270107, #263635, fleetdm/fleet#18645: one agent id in two containers, each check-in overwrote
    the other. The list shows one row, says that it is two, and names both."""
    first = await plane.register("container-1", key=IMAGE, facts=HERE, source="127.0.8.1")
    await plane.register("container-2", key=IMAGE, facts=THERE, source="127.0.8.2")

    finding = await plane.finding("ID-CLONED")

    assert told(finding, "host_id") == {"container-1", "container-2"}
    assert (await plane.agent("container-2", "duplicate"))["agent_uid"] == first.uid


async def test_two_processes_of_one_host_are_not_taken_for_a_clone(plane: Ground) -> None:
    """wazuh/wazuh#10172: the fix is another one: stop one of the processes, not make a new key."""
    for instance in ("i-1", "i-2", "i-1", "i-2"):
        await plane.register("twice", key=IMAGE, facts=HERE | {"instance": instance}, source="127.0.8.1")

    finding = await plane.finding("LIFE-DUPLICATE-SESSION")

    assert told(finding, "instance") == {"i-1", "i-2"}
    assert "ID-CLONED" not in await plane.finding_codes()


async def test_enrolment_loops_on_duplicate_name_rejecting_enrolment(plane: Ground) -> None:
    """wazuh/wazuh#13580, #38603: the key was issued, the answer lost, and the agent refused for ever after.

    The gateway has committed; the agent never heard of it, and begins again as if nothing had been.
    """
    lost = await plane.connect("web-01")
    await lost.init()
    lost.wire.stop_reading()
    await lost.send("agent.registration.complete", lost.proof())
    await plane.agent("web-01")
    await lost.wire.reset()

    again = await plane.register("web-01", key=lost.key)

    assert [row["agent_uid"] for row in await plane.agents("web-01")] == [again.uid]
    assert not again.wire.errors


async def test_an_answer_that_the_network_swallows_is_not_needed_twice(plane: Ground) -> None:
    """elastic/fleet-server#2254: idempotent enrolment. The relay cuts at the first answer; the SDK comes back."""
    async with Relay("127.0.0.1", plane.port, Conduct()) as relay:

        async def cut_when_stored() -> None:
            await until(lambda: plane.agents("web-01"), "the registration to be stored")
            relay.cut_all()

        url = f"ws://127.0.0.1:{relay.port}/ws/agent"
        async with plane.sdk("web-01", url=url) as agent:
            await cut_when_stored()
            first = (await agent.wait_registered(10)).uid
            await plane.agent("web-01", "online")

    assert [row["agent_uid"] for row in await plane.agents("web-01")] == [first]


async def test_an_agent_fails_for_ever_after_an_interrupted_exchange(plane: Ground, tmp_path: Path) -> None:
    """spiffe/spire#1033, #1257, #1644: the server committed the new credential before the agent had it.

    The agent is killed once it is listed, perhaps before it has saved; what it had saved is lost as well.
    """
    state = tmp_path / "state"
    command = [*HOLDFAST, "agent", "run", "--url", plane.url, "--state-dir", str(state), "--host-id", "web-01"]
    first = await Process.start(command, tmp_path / "first.log")
    try:
        before = (await until(lambda: plane.agents("web-01"), "web-01", within_s=30))[0]["agent_uid"]
    finally:
        await first.stop(signal.SIGKILL)
    (state / MEMORY_FILE).unlink(missing_ok=True)

    async with plane.sdk("web-01", state_dir=state) as agent:
        assert (await agent.wait_registered(10)).uid == before
    assert len(await plane.agents("web-01")) == 1


async def test_a_registration_that_broke_off_is_named_and_the_next_one_works(plane: Ground) -> None:
    """spiffe/spire#2910: the agent went away between challenge and signature."""
    half = await plane.connect("web-01")
    await half.init()
    await half.wire.reset()

    attempt = await plane.attempt(host_id="web-01", open=False)
    again = await plane.register("web-01", key=half.key)

    assert (attempt["step"], attempt["agent_uid"]) == ("challenge", None)
    assert attempt["ended_how"] == "reset"
    assert (await plane.agent("web-01"))["agent_uid"] == again.uid
