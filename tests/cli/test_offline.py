"""What needs no server: help, explanations, the configuration."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from holdfast.cli.app import app
from holdfast.cli.reference import commands, page
from holdfast.faults import CATALOGUE
from tests.cli.commands import holdfast
from tests.processes import environment

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


COMMANDS = commands()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    text = COMMANDS[name].help or ""

    assert re.search(rf"Examples?:\n\s+(\w+=\S+ )?holdfast {name}\b", text) or name == "version"


def test_the_reference_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m holdfast.cli.reference > docs/reference/cli.md`"


def test_the_names_that_others_rely_on_are_there() -> None:
    options = {option for parameter in COMMANDS["up"].params for option in parameter.opts}

    assert {"--host", "--gateway-port", "--api-port", "--data-dir", "--registration", "--with-agent"} <= options
    assert {"gateway", "api", "agent run", "agents list", "agents show", "agents approve", "agents revoke",
            "agents label", "tokens create", "tokens list", "tokens revoke", "attempts list", "config show"} <= set(
        COMMANDS
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "spellings"),
    [("agent run", {"--ca-file", "--ca"}), *((name, {"--org", "--org-id"}) for name in (
        "agent run", "agents list", "agents expect", "enrolment create"))],
)  # fmt: skip
def test_both_spellings_of_an_option_are_taken(command: str, spellings: set[str]) -> None:
    assert spellings in [set(parameter.opts) for parameter in COMMANDS[command].params]


def test_help_imports_nothing_that_only_servers_and_clients_need() -> None:
    heavy = "{'litestar', 'sqlalchemy', 'httpx', 'uvicorn', 'rich', 'structlog', 'nacl', 'websockets'}"
    script = f"""
import sys
from holdfast.cli import main
sys.argv = ["holdfast", "--help"]
try:
    main()
except SystemExit as end:
    loaded = {heavy} & {{name.partition(".")[0] for name in sys.modules}}
    sys.exit(f"loaded {{loaded}}" if loaded or end.code else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment()
    )

    assert done.returncode == 0, done.stderr
    assert "Usage: holdfast" in done.stdout


def test_where_only_the_agent_is_installed_a_server_command_says_what_to_install() -> None:
    script = """
import importlib.abc, sys
class WithoutServer(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in {"httpx", "sqlalchemy", "litestar", "uvicorn"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, WithoutServer())
from holdfast.cli import main
sys.argv = ["holdfast", *sys.argv[1:]]
main()
"""
    for arguments in (["agents", "list"], ["up"], ["tokens", "list"]):
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())

        assert done.returncode == 2
        assert "[CLI-NOT-INSTALLED]" in done.stderr
        assert "pip install './holdfast-VERSION-py3-none-any.whl[server]'" in done.stderr


def test_help_fits_60_columns() -> None:
    for arguments in ((), ("up",), ("agents", "list")):
        shown = holdfast(*arguments, "--help", columns=60)

        assert shown.code == 0
        # An example is shown as it is typed.
        prose = [line for line in shown.out.splitlines() if "holdfast " not in line]
        assert max(len(line) for line in prose) <= 60


def test_every_code_of_the_catalogue_is_explained() -> None:
    explained = holdfast("explain", "sig-order", "--json").json()

    assert (explained["code"], explained["fix"]) == ("SIG-ORDER", CATALOGUE["SIG-ORDER"].fix)


@pytest.mark.parametrize(("typed", "meant"), [("SIG-ODER", "SIG-ORDER"), ("1008", "LIFE-POLICY-1008")])
def test_a_mistyped_code_is_told_with_the_nearest(typed: str, meant: str) -> None:
    shown = holdfast("explain", typed)

    assert shown.code == 2
    assert f"Did you mean {meant}" in shown.err


def test_what_is_like_no_code_gets_no_guess() -> None:
    shown = holdfast("explain", "BANANA")

    assert shown.code == 2
    assert "Did you mean" not in shown.err
    assert "fix: See docs/diagnosis/README.md" in shown.err


@pytest.mark.parametrize("code", ["API-TOKEN-MISSING", "CFG-PORT-IN-USE", "CLI-USAGE", "CLI-COMMAND-ENDED"])
def test_codes_of_the_api_and_the_configuration_are_explained_too(code: str) -> None:
    shown = holdfast("explain", code)

    assert (shown.code, code in shown.out) == (0, True)


def test_the_configuration_is_shown_with_the_source_of_each_value(tmp_path: Path) -> None:
    (tmp_path / "holdfast.toml").write_text("api_port = 9000\n")
    environ = {"HOLDFAST_DATABASE_URL": "postgresql+asyncpg://u:secret@h/d", "HOME": str(tmp_path)}

    shown = holdfast("config", "show", "--json", environ=environ, cwd=tmp_path)

    assert "secret" not in shown.out
    assert shown.json()["api_port"] == {"value": 9000, "source": f"file {tmp_path / 'holdfast.toml'}"}
    assert shown.json()["database_url"] == {
        "value": "postgresql+asyncpg://u:***@h/d",
        "source": "environment HOLDFAST_DATABASE_URL",
    }


@pytest.mark.parametrize("arguments", [("agents", "lst"), ("up", "--gatewayport", "1"), ("agents", "show")])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert holdfast(*arguments).code == 2


def test_a_pipe_that_is_closed_early_is_no_error() -> None:
    script = f"{Path(sys.executable).parent / 'holdfast'} config show | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False, env=environment()
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_is_told_in_both_usual_ways() -> None:
    assert holdfast("version").out == holdfast("--version").out
    assert isinstance(app, typer.Typer)


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "holdfast", "version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment()).stdout

    assert told == holdfast("version").out
