"""The configuration's keys, flattened: `limits.messages_per_s` with its type, default and environment variable."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from holdfast.config.model import Config

ENVIRONMENT_PREFIX = "HOLDFAST_"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One value that can be set. `type` is what msgspec converts to, constraints included."""

    name: str
    type: Any
    default: object
    description: str

    @property
    def variable(self) -> str:
        """The environment variable: `HOLDFAST_LIMITS__MESSAGES_PER_S`."""
        return ENVIRONMENT_PREFIX + self.name.replace(".", "__").upper()

    @property
    def is_list(self) -> bool:
        """Whether the environment may give several values, separated by commas."""
        return isinstance(self.default, tuple)


@cache
def keys() -> dict[str, Key]:
    """Every key by its dotted name, in the order of the reference page."""
    return {key.name: key for key in _walk(Config, "")}


def _walk(struct: type[msgspec.Struct], prefix: str) -> Iterator[Key]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        kind = hints[field.name]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _walk(kind, f"{prefix}{field.name}.")
        else:
            yield Key(name=prefix + field.name, type=kind, default=field.default, description=_description(kind))


def _description(kind: object) -> str:
    for part in get_args(kind):
        if isinstance(part, msgspec.Meta) and part.description is not None:
            return part.description
    return ""


def type_name(key: Key) -> str:
    """The type in a word for people: `integer`, `number`, `text`, `path`, `yes or no`, or the choices."""
    if key.is_list:
        return "list of text"
    kind = _plain(key.type)
    options = [_plain(option) for option in get_args(kind) if option is not type(None)]
    if options and not all(isinstance(option, str) for option in options):
        kind, options = options[0], list(get_args(options[0]))
    if options:
        return " or ".join(f"`{option}`" for option in options)
    return {int: "integer", float: "number", str: "text", bool: "yes or no", Path: "path"}[kind]


def _plain(kind: Any) -> Any:
    """The type without its annotations."""
    while hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    return kind
