"""The tutorial is carried out as it stands: its blocks make the program, and its outputs come."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.processes import BIN, ROOT, Child, ControlPlane, control_plane, free_ports

PAGE = (ROOT / "docs" / "tutorial" / "write-an-agent.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


PROGRAM = "\n".join(blocks("python"))
HOST_ID = "my-first-agent"


def pattern(text: str) -> str:
    """A regular expression for an output of the page: uids and times differ."""
    escaped = re.escape(text.strip())
    return re.sub(r"\d{4}\\-\d\d\\-\d\dT[\d:]+Z", r"\\S+Z", re.sub(r"agt_[a-z2-7]{26}", r"agt_[a-z2-7]{26}", escaped))


def start(plane: ControlPlane, folder: Path, program: str, log: str = "log") -> Child:
    (folder / "agent.py").write_text(program)
    return Child([sys.executable, "agent.py", plane.agent_url, HOST_ID], folder / log, cwd=folder)


def test_the_program_has_forty_lines_as_the_title_says() -> None:
    ast.parse(PROGRAM)
    lines = [line for line in PROGRAM.splitlines() if line.strip() and not line.startswith(("import ", "from "))]

    assert len(lines) <= 40


def test_the_commands_are_those_that_this_test_carries_out() -> None:
    assert [block.strip() for block in blocks("bash")] == [
        ".venv/bin/holdfast up",
        f".venv/bin/python agent.py ws://127.0.0.1:8080/ws/agent {HOST_ID}",
        ".venv/bin/holdfast agents list",
    ]


def test_the_agent_registers_is_listed_and_comes_back_after_a_restart(tmp_path: Path) -> None:
    gateway_port, api_port = ports = free_ports(2)
    first_output, lost, _ = blocks("text")
    with control_plane(tmp_path / "data", ports=ports) as plane:
        agent = start(plane, tmp_path, PROGRAM)
        agent.wait_for_output("heartbeat received at")
        assert re.fullmatch(pattern(first_output), agent.output().strip()), agent.output()
        plane.wait_for_agent(HOST_ID)
        listing = [str(BIN / "holdfast"), "agents", "list", "--api", plane.api_url]
        with Child(listing, tmp_path / "list") as listed:
            listed.wait_for_output(HOST_ID)
            listed.finish()
    with agent:
        agent.wait_for_output(lost.strip())
        with control_plane(tmp_path / "data", ports=(gateway_port, api_port)) as plane:
            agent.wait_for_output("registered as", times=2)
            plane.wait_for_agent(HOST_ID)
            assert len(plane.agents(HOST_ID)) == 1
    assert len(set(re.findall(r"agt_[a-z2-7]{26}", agent.output()))) == 1
    assert (tmp_path / f"{HOST_ID}.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("broken", blocks("python-broken"))
def test_the_mistake_made_on_purpose_is_named(tmp_path: Path, broken: str) -> None:
    right = next(line for line in PROGRAM.splitlines() if line.lstrip().startswith("text ="))
    expected = blocks("text")[-1].strip()
    with (
        control_plane(tmp_path / "data") as plane,
        start(plane, tmp_path, PROGRAM.replace(right, broken.rstrip())) as agent,
    ):
        agent.wait_for_output(expected)
        assert agent.output().startswith(expected)
