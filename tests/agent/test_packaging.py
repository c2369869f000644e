"""The unit files and the how-to page say what the program does."""

import asyncio
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from holdfast.agent import run
from tests.doubles.scripted_gateway import UID, scripted_gateway, welcome
from tests.processes import BIN, ROOT, environment

UNITS = ROOT / "packaging" / "systemd"
HOW_TO = ROOT / "docs" / "how-to" / "run-an-agent.md"


def directives(unit: str) -> dict[str, list[str]]:
    """Every directive of a unit file with its values, in order."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / unit).read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def options_of(*command: str) -> set[str]:
    shown = subprocess.run(
        [str(BIN / "holdfast"), *command, "--help"],
        check=True,
        capture_output=True,
        text=True,
        env=environment() | {"COLUMNS": "200"},
    )
    return set(re.findall(r"--[a-z][a-z-]+", shown.stdout))


@pytest.mark.parametrize(
    ("unit", "command"), [("holdfast-agent.service", ("agent", "run")), ("holdfast.service", ("up",))]
)
def test_the_command_of_a_unit_exists_with_each_of_its_options(unit: str, command: tuple[str, ...]) -> None:
    (start,) = directives(unit)["ExecStart"]

    assert start.startswith(f"/opt/holdfast/bin/holdfast {' '.join(command)} ")
    assert set(re.findall(r"--[a-z][a-z-]+", start)) <= options_of(*command)


def test_systemd_restarts_the_agent_except_where_a_person_has_to_act() -> None:
    unit = directives("holdfast-agent.service")

    assert unit["Restart"] == ["always"]
    assert unit["RestartPreventExitStatus"] == [f"{run.REFUSED} {run.MISCONFIGURED}"]


@pytest.mark.parametrize("unit", ["holdfast-agent.service", "holdfast.service"])
def test_a_unit_gives_no_privilege_and_one_private_folder(unit: str) -> None:
    found = directives(unit)

    assert found["DynamicUser"] == ["yes"]
    assert found["CapabilityBoundingSet"] == [""]
    assert found["ProtectSystem"] == ["strict"]
    assert found["StateDirectoryMode"] == ["0700"]


def test_the_how_to_page_lists_the_options_that_there_are() -> None:
    shown = set(re.findall(r"`(--[a-z][a-z-]+)", HOW_TO.read_text()))

    assert shown == options_of("agent", "run") - {"--help", "--log-format", "--log-level"}


def test_the_how_to_page_explains_every_line_of_the_log() -> None:
    source = "".join(path.read_text() for path in (ROOT / "src" / "holdfast" / "agent").glob("*.py"))
    channels = {"agent.registration", "agent.heartbeat", "agent.action", "agent.key", "agent.json", "agent.lock"}

    logged = set(re.findall(r"\"(agent\.[a-z_]+)\"", source)) - channels

    assert set(re.findall(r"^\| `(agent\.[a-z_]+)`", HOW_TO.read_text(), re.MULTILINE)) == logged


async def test_the_program_of_the_how_to_page_registers(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    (tmp_path / "program.py").write_text(program)
    async with scripted_gateway(welcome) as gateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            tmp_path / "program.py",
            gateway.url,
            tmp_path / "state",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
        )
        async with asyncio.timeout(20):
            out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    assert f"registered as {UID}, attempt att-1" in out.decode()


def test_the_sdk_needs_nothing_of_the_server() -> None:
    script = "import sys; from holdfast import Agent; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script, "--version"], check=True, capture_output=True, text=True
    ).stdout.split()

    server = {"litestar", "sqlalchemy", "uvicorn", "httpx", "alembic", "asyncpg", "cryptography", "jinja2", "typer"}
    assert server & set(loaded) == set()
    assert {name for name in loaded if name.startswith("holdfast.")} <= {
        name for name in loaded if name.split(".")[1:2] in (["agent"], ["protocol"], ["faults"])
    }


def test_importing_the_package_alone_loads_nothing_else_of_it() -> None:
    script = "import sys, holdfast; print(*(name for name in sys.modules if name.startswith('holdfast')))"
    loaded = subprocess.run(
        [sys.executable, "-c", script, "--version"], check=True, capture_output=True, text=True
    ).stdout.split()

    assert loaded == ["holdfast"]


def test_the_wheel_holds_all_that_an_agents_host_and_the_dashboard_need(tmp_path: Path) -> None:
    uv, site = str(BIN / "uv"), tmp_path / "site"
    build = [uv, "build", "--wheel", "--no-build-isolation", "--quiet", "--out-dir", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, env=environment() | {"VIRTUAL_ENV": str(BIN.parent)})
    (wheel,) = tmp_path.glob("holdfast-*.whl")
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--offline", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, env=environment() | {"VIRTUAL_ENV": str(BIN.parent)})

    script = "import holdfast, holdfast.cli as cli; print(holdfast.__file__); cli.main()"
    ran = subprocess.run(
        [sys.executable, "-c", script, "--version"], check=True, capture_output=True, text=True,
        env=environment() | {"PYTHONPATH": str(site)},
    )  # fmt: skip

    assert ran.stdout.splitlines() == [str(site / "holdfast" / "__init__.py"), f"holdfast {version('holdfast')}"]
    static = site / "holdfast" / "dashboard" / "static"
    assert {"htmx.min.js", "uPlot.iife.min.js"} <= {file.name for file in (static / "vendor").iterdir()}
