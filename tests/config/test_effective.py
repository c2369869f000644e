"""Flags over environment over file over defaults, each value with its source, and every mistake by name."""

from pathlib import Path

import pytest

from holdfast.config import Config, Effective, Limits, Misconfigured, Value, load
from holdfast.config.keys import keys


def shown(effective: Effective, key: str) -> Value:
    """The entry of `key`."""
    return next(value for value in effective.values if value.key == key)


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.toml"
    file.write_text("gateway_port = 1\napi_port = 2\nlog_level = 'debug'\n[limits]\nmessages_per_s = 7\n")

    effective = load(
        {"gateway_port": 9, "registration": None, "config": file},
        environ={"HOLDFAST_GATEWAY_PORT": "5", "HOLDFAST_API_PORT": "6", "HOME": str(tmp_path)},
    )

    assert [shown(effective, key) for key in ("gateway_port", "api_port", "limits.messages_per_s", "host")] == [
        Value("gateway_port", 9, "flag --gateway-port"),
        Value("api_port", 6, "environment HOLDFAST_API_PORT"),
        Value("limits.messages_per_s", 7.0, f"file {file}"),
        Value("host", "127.0.0.1", "default"),
    ]
    assert (effective.config.gateway_port, effective.config.api_port, effective.config.log_level) == (9, 6, "debug")


def test_every_key_can_be_set_by_its_environment_variable(tmp_path: Path) -> None:
    texts = {"host": "::1", "registration": "token", "log_format": "json", "compatibility": "off"}
    examples = {int: "65535", float: "7", bool: "true", Path: str(tmp_path / "file"), str: "text"}
    (tmp_path / "file").touch()
    environ = {"HOME": str(tmp_path)}
    for key in keys().values():
        kind = next(kind for kind in examples if kind.__name__ in repr(key.type) or kind is str)
        environ[key.variable] = texts.get(key.name, "info" if key.name == "log_level" else examples[kind])
    environ["HOLDFAST_TIMEOUTS__HEARTBEAT_INTERVAL_S"] = "2"

    effective = load(environ=environ)

    assert {value.source for value in effective.values} == {f"environment {key.variable}" for key in keys().values()}
    assert effective.config.limits.message_burst == 65535


def test_a_list_in_the_environment_is_separated_by_commas() -> None:
    config = load(environ={"HOLDFAST_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1,"}).config

    assert config.trusted_proxies == ("10.0.0.0/8", "192.0.2.1")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("HOLDFAST_REGISTRATON", "HOLDFAST_REGISTRATION"),
        ("HOLDFAST_LIMITS__MESSAGE_PER_S", "HOLDFAST_LIMITS__MESSAGES_PER_S"),
        ("HOLDFAST_DB_URL", "HOLDFAST_DATABASE_URL"),
    ],
)
def test_an_unknown_variable_is_an_error_that_names_the_nearest(variable: str, meant: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        load(environ={variable: "x"})

    assert refusal.value.problem.code == "CFG-UNKNOWN-KEY"
    assert refusal.value.problem.fix == f"Set {meant} instead"


def test_variables_of_other_commands_and_empty_ones_are_no_mistake() -> None:
    environ = {"HOLDFAST_TOKEN": "hfa_x", "HOLDFAST_NO_BANNER": "1", "HOLDFAST_HOST": ""}

    assert load(environ=environ).config.host == "127.0.0.1"


def test_an_unknown_variable_that_is_like_no_key_gets_no_guess() -> None:
    with pytest.raises(Misconfigured) as refusal:
        load(environ={"HOLDFAST_X": "1"})

    assert refusal.value.problem.fix == "Remove it; `holdfast config show` lists every key"


def test_an_unknown_key_in_the_file_is_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "holdfast.toml").write_text("[limits]\nmesages_per_s = 5\n")

    with pytest.raises(Misconfigured) as refusal:
        load(environ={"HOME": str(tmp_path)}, working_dir=tmp_path)

    assert refusal.value.problem.what == f"the key limits.mesages_per_s in {tmp_path / 'holdfast.toml'} is not known"
    assert refusal.value.problem.fix == "Write limits.messages_per_s instead"


def test_the_file_in_the_working_directory_goes_before_the_one_in_the_data_directory(tmp_path: Path) -> None:
    here, data = tmp_path / "here", tmp_path / "data"
    for folder, port in ((here, 1), (data, 2)):
        folder.mkdir()
        (folder / "holdfast.toml").write_text(f"api_port = {port}")

    both = load({"data_dir": data}, environ={}, working_dir=here)
    only_data = load({"data_dir": data}, environ={}, working_dir=tmp_path)

    assert (both.config.api_port, only_data.config.api_port) == (1, 2)


@pytest.mark.parametrize(
    ("content", "why"),
    [("api_port = ", "Invalid value"), ("api_port = 1\napi_port = 2", "Cannot overwrite"), (None, "No such file")],
)
def test_an_unreadable_file_is_an_error_that_says_why(tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "some.toml"
    if content is not None:
        file.write_text(content)

    with pytest.raises(Misconfigured) as refusal:
        load(environ={"HOLDFAST_CONFIG": str(file)})

    assert refusal.value.problem.code == "CFG-FILE"
    assert why in refusal.value.problem.why


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("HOLDFAST_GATEWAY_PORT", "70000"),
        ("HOLDFAST_GATEWAY_PORT", "http"),
        ("HOLDFAST_REGISTRATION", "closed"),
        ("HOLDFAST_LIMITS__MESSAGES_PER_S", "0"),
        ("HOLDFAST_TIMEOUTS__SILENT_CLOSE_S", "-1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_source(variable: str, text: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        load(environ={variable: text})

    assert refusal.value.problem.code == "CFG-BAD-VALUE"
    assert refusal.value.problem.what.endswith(f"cannot be '{text}' (environment {variable})")


@pytest.mark.parametrize(
    ("host", "policy"),
    [("127.0.0.1", "open"), ("localhost", "open"), ("::1", "open"), ("0.0.0.0", "approve"), ("10.1.2.3", "approve")],
)
def test_registration_is_open_on_loopback_and_asks_for_approval_elsewhere(host: str, policy: str) -> None:
    effective = load({"host": host}, environ={})

    assert effective.config.registration == policy
    assert host in str(shown(effective, "registration").source)


def test_the_database_is_a_file_in_the_data_directory_unless_named(tmp_path: Path) -> None:
    config = load({"data_dir": tmp_path / "d"}, environ={}).config

    assert config.database_url == f"sqlite+aiosqlite:///{tmp_path}/d/holdfast.db"


def test_the_data_directory_follows_the_users_data_home(tmp_path: Path) -> None:
    by_home = load(environ={"HOME": str(tmp_path)}).config
    by_xdg = load(environ={"HOME": "/nowhere", "XDG_DATA_HOME": str(tmp_path)}).config

    assert by_home.data_dir == tmp_path / ".local" / "share" / "holdfast"
    assert by_xdg.data_dir == tmp_path / "holdfast"


def test_a_password_in_the_database_url_is_never_shown() -> None:
    url = "postgresql+asyncpg://holdfast:s3cret@db:5432/holdfast?ssl=require"

    effective = load(environ={"HOLDFAST_DATABASE_URL": url})

    assert shown(effective, "database_url").value == "postgresql+asyncpg://holdfast:***@db:5432/holdfast?ssl=require"
    assert effective.config.database_url == url


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()

    with pytest.raises(Misconfigured) as refusal:
        load({"tls_cert": tmp_path / "cert.pem"}, environ={})

    assert refusal.value.problem.code == "CFG-CONFLICT"
    assert refusal.value.problem.fix == "Set tls_key as well, or remove tls_cert"


def test_a_file_that_is_named_and_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refusal:
        load({"database_password_file": tmp_path / "none"}, environ={})

    assert refusal.value.problem.code == "CFG-FILE"
    assert refusal.value.problem.fix == "Correct database_password_file"


def test_a_heartbeat_interval_above_a_third_of_the_timeout_is_refused() -> None:
    with pytest.raises(Misconfigured) as refusal:
        load(environ={"HOLDFAST_TIMEOUTS__HEARTBEAT_INTERVAL_S": "25"})

    assert refusal.value.problem.code == "CFG-CONFLICT"
    assert "to 20 or less" in refusal.value.problem.fix


def test_the_configuration_cannot_be_changed_afterwards() -> None:
    config = load(environ={}).config

    with pytest.raises(AttributeError):
        config.host = "0.0.0.0"  # type: ignore[misc]  # the point of this test
    assert isinstance(config, Config)
    assert config.limits == Limits()
