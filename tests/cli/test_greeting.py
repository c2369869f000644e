"""What a person reads after `holdfast up`: lines that can be copied and work."""

from pathlib import Path

from holdfast.cli.greeting import lines, program
from holdfast.config import Config
from holdfast.serve import Running

SIGN_IN = "/sign-in/once"


def greeting(*, columns: int = 80, to_person: bool = True, command: str = "holdfast", **config: object) -> str:
    """The greeting of a control plane on its usual ports."""
    settings = {"data_dir": Path("/data"), "database_url": "sqlite+aiosqlite:////data/holdfast.db", **config}
    running = Running(
        config=Config(registration="open", **settings),  # type: ignore[arg-type]  # each is of its field's type
        gateway_port=8080,
        api_port=8083,
        sign_in_path=SIGN_IN,
    )
    return "\n".join(lines(running, command=command, columns=columns, to_person=to_person))


def test_the_link_that_signs_in_is_told_to_a_person_and_not_to_a_file() -> None:
    assert SIGN_IN in greeting()
    assert SIGN_IN not in greeting(to_person=False)


def test_with_tls_agents_are_sent_to_wss() -> None:
    told = greeting(tls_cert=Path("/cert.pem"), tls_key=Path("/key.pem"))

    assert "agent run --url wss://HOST:8080" in told
    assert "ws://" not in told.replace("wss://", "")


def test_away_from_loopback_the_token_comes_first_and_the_others_use_it() -> None:
    told = greeting(host="0.0.0.0", columns=200).split("terminal:\n")[1].splitlines()

    assert told[0] == "  holdfast tokens create --name me --role admin --data-dir /data > ~/.holdfast-token"
    assert "--token-file ~/.holdfast-token" in told[1]
    assert '-H "Authorization: Bearer $(cat ~/.holdfast-token)"' in told[2]


def test_a_command_that_is_too_long_for_the_terminal_is_broken_where_a_shell_joins_it() -> None:
    whole = "  holdfast tokens create --name me --role admin --data-dir /data"

    narrow = greeting(columns=50)

    assert whole in greeting(columns=80).splitlines()
    assert whole in narrow.replace(" \\\n   ", "")
    assert max(len(line) for line in narrow.split("terminal:\n")[1].splitlines()) <= 50


def test_a_store_elsewhere_is_not_mistaken_for_the_data_directory() -> None:
    assert "tokens create --name me --role admin --database-url URL" in greeting(
        database_url="postgresql+asyncpg://holdfast:secret@db/holdfast"
    )


def test_the_program_is_named_as_this_shell_can_start_it(tmp_path: Path) -> None:
    installed = tmp_path / ".venv" / "bin" / "holdfast"
    installed.parent.mkdir(parents=True)
    installed.touch()

    assert program(str(installed), None, tmp_path) == ".venv/bin/holdfast"
    assert program(str(installed), "/usr/bin/holdfast", tmp_path / "elsewhere") == str(installed)
    assert program(str(installed), str(installed), tmp_path) == "holdfast"
    assert program("-c", None, tmp_path) == "holdfast"
