"""The layers merged into one `Config`, each value with the place it came from."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit, urlunsplit

import msgspec

from holdfast.api.access import is_loopback
from holdfast.config.keys import ENVIRONMENT_PREFIX, Key, keys, type_name
from holdfast.config.model import Config, Limits, Timeouts
from holdfast.config.problems import misconfigured, nearest

FILE_NAME: Final = "holdfast.toml"
HIDDEN: Final = "***"

# Read by other parts of Holdfast, and therefore no mistake when they stand in a server's environment.
OTHER_VARIABLES: Final = frozenset(
    {
        "HOLDFAST_CONFIG",
        "HOLDFAST_API_URL",
        "HOLDFAST_TOKEN",
        "HOLDFAST_TOKEN_FILE",
        "HOLDFAST_URL",
        "HOLDFAST_STATE_DIR",
        "HOLDFAST_HOST_ID",
        "HOLDFAST_ORG_ID",
        "HOLDFAST_ENROLMENT_TOKEN_FILE",
        "HOLDFAST_NO_BANNER",
        "HOLDFAST_AGENT_OPTIONS",  # of the agent's systemd unit
    }
)


class Value(msgspec.Struct, frozen=True):
    """One effective value as it may be shown, and where it came from."""

    key: str
    value: object
    source: str


class Effective(msgspec.Struct, frozen=True):
    """The configuration in force. `values` has one entry for each key, secrets already hidden."""

    config: Config
    values: tuple[Value, ...]


class _Raw(msgspec.Struct, frozen=True):
    """A value as a layer gave it. `text` ones (environment) are converted leniently: `"20"` is a number."""

    value: object
    source: str
    text: bool = False


def load(
    flags: Mapping[str, object] | None = None, *, environ: Mapping[str, str], working_dir: Path | None = None
) -> Effective:
    """Merge flags over the environment over the file over the defaults.

    `flags` maps dotted keys (and `config`, the file's path) to values; None means that the flag was not given.

    Raises:
        Misconfigured: a key is unknown, a value is wrong, the file is unreadable, or two values contradict each other.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    top = _from_environment(environ)
    top |= {name: _Raw(value, _flag_name(name)) for name, value in given.items() if name != "config"}
    merged = _from_file(_file(given, environ, top, working_dir or Path.cwd())) | top
    converted = {name: _convert(keys()[name], raw) for name, raw in merged.items()}
    sources = {name: raw.source for name, raw in merged.items()}
    return _effective(converted, sources, environ)


def _flag_name(key: str) -> str:
    return f"flag --{key.replace('.', '-').replace('_', '-')}"


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Raw]:
    by_variable = {key.variable: key for key in keys().values()}
    found: dict[str, _Raw] = {}
    for variable, text in environ.items():
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in OTHER_VARIABLES or not text:
            continue
        if (key := by_variable.get(variable)) is None:
            near = nearest(variable, by_variable)
            raise misconfigured(
                "CFG-UNKNOWN-KEY",
                what=f"the environment variable {variable} is not known",
                why="no part of Holdfast reads it, so what it was set for would silently not happen",
                fix=f"Set {near} instead" if near else "Remove it; `holdfast config show` lists every key",
                field=variable,
            )
        value = [part.strip() for part in text.split(",") if part.strip()] if key.is_list else text
        found[key.name] = _Raw(value, f"environment {variable}", text=True)
    return found


def _file(
    given: Mapping[str, object], environ: Mapping[str, str], top: Mapping[str, _Raw], working_dir: Path
) -> Path | None:
    """The file to read: the one asked for, else `./holdfast.toml`, else the one in the data directory."""
    if asked := given.get("config") or environ.get("HOLDFAST_CONFIG"):
        return Path(str(asked)).expanduser()
    data_dir = Path(str(top["data_dir"].value)).expanduser() if "data_dir" in top else _default_data_dir(environ)
    return next((path for path in (working_dir / FILE_NAME, data_dir / FILE_NAME) if path.is_file()), None)


def _from_file(path: Path | None) -> dict[str, _Raw]:
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise misconfigured(
            "CFG-FILE",
            what=f"the configuration file {path} cannot be read",
            why=getattr(error, "strerror", None) or str(error),
            fix="Correct the file, or name another one with --config",
        ) from error
    found: dict[str, _Raw] = {}
    for name, value in _flatten(document, ""):
        if name not in keys():
            near = nearest(name, keys())
            raise misconfigured(
                "CFG-UNKNOWN-KEY",
                what=f"the key {name} in {path} is not known",
                why="Holdfast has no such setting, so what it was set for would silently not happen",
                fix=f"Write {near} instead" if near else "Remove it; `holdfast config show` lists every key",
                field=name,
            )
        found[name] = _Raw(value, f"file {path}")
    return found


def _flatten(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict) and prefix + name not in keys():
            yield from _flatten(cast("dict[str, object]", value), f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _convert(key: Key, raw: _Raw) -> object:
    try:
        converted = msgspec.convert(
            str(raw.value) if isinstance(raw.value, Path) else raw.value,
            key.type,
            strict=not raw.text,
            dec_hook=lambda kind, value: kind(value) if kind is Path and isinstance(value, str) else _refuse(value),
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise misconfigured(
            "CFG-BAD-VALUE",
            what=f"{key.name} cannot be {raw.value!r} ({raw.source})",
            why=str(error),
            fix=f"Give {key.name} {type_name(key)}: {key.description[0].lower()}{key.description[1:]}",
            field=key.name,
        ) from error
    return converted.expanduser().absolute() if isinstance(converted, Path) else converted


def _refuse(value: object) -> object:
    raise ValueError(f"expected a path, got {type(value).__name__}")


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path(environ.get("HOME") or Path.home()) / ".local" / "share") / "holdfast"


def _effective(values: dict[str, object], sources: dict[str, str], environ: Mapping[str, str]) -> Effective:
    _fill_in(values, sources, environ)
    tree: dict[str, dict[str, object]] = {"limits": {}, "timeouts": {}, "": {}}
    for name, value in values.items():
        group, _, leaf = name.rpartition(".")
        tree[group][leaf] = value
    config = Config(
        limits=Limits(**tree["limits"]),  # type: ignore[arg-type]  # each value was converted to its field's type
        timeouts=Timeouts(**tree["timeouts"]),  # type: ignore[arg-type]  # as above
        **tree[""],  # type: ignore[arg-type]  # as above
    )
    _check(config)
    shown = tuple(
        Value(name, _shown(name, values.get(name, key.default)), sources.get(name, "default"))
        for name, key in keys().items()
    )
    return Effective(config, shown)


def _fill_in(values: dict[str, object], sources: dict[str, str], environ: Mapping[str, str]) -> None:
    """Give the keys that follow from others their value, and say from what it follows."""
    if "data_dir" not in values:
        values["data_dir"] = _default_data_dir(environ)
    if "database_url" not in values:
        values["database_url"] = f"sqlite+aiosqlite:///{values['data_dir']}/holdfast.db"
        sources["database_url"] = "default (SQLite in data_dir)"
    if "registration" not in values:
        host = str(values.get("host", "127.0.0.1"))
        values["registration"] = "open" if is_loopback(host) else "approve"
        sources["registration"] = f"default (host {host} is {'' if is_loopback(host) else 'not '}a loopback address)"


def _shown(name: str, value: object) -> object:
    if name == "database_url":
        return _without_password(str(value))
    return str(value) if isinstance(value, Path) else value


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.split(':')[0]}:{HIDDEN}@{host}"))


def _check(config: Config) -> None:
    _check_pair("tls_cert", config.tls_cert, "tls_key", config.tls_key)
    _check_pair("api_tls_cert", config.api_tls_cert, "api_tls_key", config.api_tls_key)
    timeouts = config.timeouts
    if timeouts.heartbeat_interval_s * 3 > timeouts.dead_after_s:
        raise misconfigured(
            "CFG-CONFLICT",
            what=f"timeouts.heartbeat_interval_s is {timeouts.heartbeat_interval_s:g}",
            why=f"it may be at most a third of timeouts.dead_after_s ({timeouts.dead_after_s:g}), so that one lost "
            "heartbeat does not end a connection",
            fix=f"Set timeouts.heartbeat_interval_s to {timeouts.dead_after_s / 3:g} or less, or raise "
            "timeouts.dead_after_s",
            field="timeouts.heartbeat_interval_s",
        )
    _check_files(config)


def _check_pair(certificate: str, certificate_path: Path | None, key: str, key_path: Path | None) -> None:
    if (certificate_path is None) == (key_path is None):
        return
    present, absent = (certificate, key) if certificate_path else (key, certificate)
    raise misconfigured(
        "CFG-CONFLICT",
        what=f"{present} is set and {absent} is not",
        why="TLS needs the certificate and its private key together",
        fix=f"Set {absent} as well, or remove {present}",
        field=absent,
    )


def _check_files(config: Config) -> None:
    for name in ("tls_cert", "tls_key", "tls_client_ca", "api_tls_cert", "api_tls_key", "database_password_file"):
        path: Path | None = getattr(config, name)
        if path is not None and not path.is_file():
            raise misconfigured(
                "CFG-FILE",
                what=f"the file {path} cannot be read",
                why="it does not exist or is not a file",
                fix=f"Correct {name}",
                field=name,
            )
