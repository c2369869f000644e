"""Clocks that are wrong, versions that differ, and answers that come from somebody else."""

import re
import secrets
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from holdfast.agent import Agent
from holdfast.lab.rawagent import OUT
from holdfast.lab.relays import Conduct, Relay
from holdfast.lab.responders import Responder, http_answer
from tests.certificates import DAY, Authority
from tests.doctor.places import code_of
from tests.threads.conftest import OpenGround
from tests.threads.ground import HASTE, Ground, until
from tests.threads.test_in_between import as_server

WS = "/ws/agent"


def dated(ahead_s: float) -> Conduct:
    """A way on which every answer's Date is so far ahead: to the host behind it, its own clock is that far behind."""
    date = formatdate(time.time() + ahead_s, usegmt=True)
    return Conduct(answer=lambda head: re.sub(rb"(?i)(\r\nDate:)[^\r]*", rb"\1 " + date.encode(), head))


@pytest.mark.parametrize("skew_s", [93, -90, 86_400])
async def test_only_a_generic_access_denied_and_the_node_cannot_be_reached_to_look(plane: Ground, skew_s: int) -> None:
    """gravitational/teleport#22166, owenthereal/upterm#475: the node's clock was off; only its own log could tell."""
    node = await plane.connect("node-1", clock=lambda: time.time() + skew_s)
    await node.register()
    for _ in range(4):
        await node.beat()

    finding = await plane.finding("CLK-SKEW")

    assert finding["blame"] == "host"
    assert finding["subject"]["host_id"] == "node-1"
    offset = next(entry["offset_s"] for entry in finding["evidence"] if "offset_s" in entry)
    assert offset == pytest.approx(skew_s, abs=2)

    async def listed() -> float | None:
        found: float | None = (await plane.agent("node-1"))["clock_offset_s"]
        return found

    assert await until(listed, "the offset to be listed") == pytest.approx(skew_s, abs=2)


async def test_the_doctor_on_the_node_names_the_amount_as_well(plane: Ground) -> None:
    """gravitational/teleport#22166."""
    async with Relay("127.0.0.1", plane.port, dated(93)) as relay:
        report = await plane.doctor(f"ws://127.0.0.1:{relay.port}{WS}")

    assert code_of(report) == "CLK-SKEW"
    assert report.verdict is not None
    assert re.search(r"\b9[234] s behind the gateway's", report.verdict.why)
    joined = await plane.joined(report)
    assert (joined["verdict"]["code"], joined["verdict"]["blame"]) == ("CLK-SKEW", "host")


async def test_a_node_whose_clock_is_behind_rejects_a_valid_certificate(
    open_ground: OpenGround, authority: Authority, tmp_path: Path
) -> None:
    """gravitational/teleport#22166: "not yet valid" on the node, which nobody saw at the other end."""
    plane = await open_ground(**as_server(tmp_path, authority.issue("127.0.0.1", begins=DAY / 2)))

    report = await plane.doctor(f"wss://127.0.0.1:{plane.port}{WS}", ca_file=authority.file)

    assert code_of(report) == "TLS-NOT-YET-VALID"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signs the certificates of a test."""
    return Authority(tmp_path)


async def test_invalid_character_looking_for_beginning_of_value(plane: Ground) -> None:
    """gravitational/teleport#14817: an HTML error page was parsed as JSON, and the parser's words were all there was.

    The answer came from a proxy, not from us.
    """
    page = http_answer("200 OK", "<html><title>Error</title></html>", "Server: cloudflare")
    async with Responder(lambda _: page) as server:
        url = f"ws://127.0.0.1:{server.port}{WS}"
        report = await plane.doctor(url)
        agent = Agent(url, state_dir=plane.folder / "state", backoff=HASTE)
        async with agent:

            async def told() -> str | None:
                return agent.status.problem.code if agent.status.problem else None

            said = await until(told, "the agent to say what it met")

    assert (code_of(report), said) == ("PXY-HTML-200", "PXY-HTML-200")
    assert report.verdict is not None
    assert "cloudflare" in report.verdict.why
    assert "titled 'Error'" in report.verdict.why


async def test_an_agent_two_versions_ahead_is_let_in(plane: Ground) -> None:
    """gravitational/teleport#14817, agent v10 against cluster v9: what a newer agent says beside is passed over."""
    newer = await plane.connect("node-1")
    await newer.init({"agent_version": "99.1", "quantum_state": {"up": 1}}, trace={"parent": secrets.token_hex(8)})
    await newer.complete(extra={"witness": [1, 2]})

    assert not newer.wire.errors
    assert (await plane.agent("node-1", "online"))["agent_version"] == "99.1"


async def test_an_agent_two_versions_behind_is_let_in(plane: Ground) -> None:
    """gravitational/teleport#14817: an agent that says no more than the first protocol asks for."""
    older = await plane.connect("node-1")
    await older.init(dict.fromkeys(("agent_version", "capabilities", "platform", "network"), OUT))
    await older.complete()

    assert not older.wire.errors
    assert (await plane.agent("node-1", "online"))["agent_version"] in (None, "")
