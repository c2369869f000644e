"""How values are written on pages: pure functions that become filters of the templates."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from markupsafe import Markup, escape

from holdfast.faults.catalogue import CATALOGUE
from holdfast.model import Step

_TONES: Final[Mapping[str, str]] = {
    "online": "ok",
    "approved": "ok",
    "degraded": "warn",
    "flapping": "warn",
    "pending": "warn",
    "duplicate": "bad",
    "revoked": "bad",
    "offline": "off",
    "never-connected": "idle",
    "critical": "bad",
    "error": "bad",
    "warning": "warn",
    "info": "idle",
}
_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))
STEP_NAMES: Final[Mapping[str, str]] = {
    Step.TCP: "Connected (TCP)",
    Step.TLS: "TLS agreed",
    Step.UPGRADE: "WebSocket open",
    Step.FIRST_MESSAGE: "First message",
    Step.INIT: "Registration init",
    Step.CHALLENGE: "Challenge sent",
    Step.SIGNATURE: "Signature sent",
    Step.REGISTERED: "Registered",
    Step.FIRST_HEARTBEAT: "First heartbeat",
}


def visible(value: object) -> object:
    """Every text on its way into a page: control characters, terminal escapes and bidirectional overrides are shown
    as `\\x1b` and the like. Markup that we made ourselves passes; escaping `<` and `&` is the template engine's.
    """
    if isinstance(value, Markup) or not isinstance(value, str) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else _escaped(c) for c in value)


def lines(value: str) -> Markup:
    """A text of several lines for `<pre>`: as `visible`, with its line breaks kept."""
    return Markup("\n").join(escape(visible(line)) for line in value.split("\n"))


def ticks(value: str) -> Markup:
    """A sentence of ours in which `code` stands between backticks."""
    parts = [escape(visible(part)) for part in value.split("`")]
    if len(parts) % 2 == 0:
        return escape(visible(value))
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def pretty(value: object) -> Markup:
    """Any document as indented JSON for `<pre>`."""
    return lines(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def json_text(value: object) -> str:
    """Any document as JSON in one line, for attributes that scripts read."""
    return msgspec.json.encode(value).decode()


def tone(status: object) -> str:
    """The colour class of a status or severity; colour is for nothing else."""
    return _TONES.get(str(status), "idle")


def unix(rfc3339: str) -> float:
    """Unix seconds of a time of the API."""
    return datetime.fromisoformat(rfc3339).timestamp()


def span(seconds: float) -> str:
    """A length of time in its two largest units: `3 d 4 h`, `12 min 5 s`, `0 s`."""
    left, parts = max(0.0, seconds), list[str]()
    for size, name in _UNITS:
        count = int(left // size)
        if count or (parts and len(parts) < 2) or (name == "s" and not parts):
            parts.append(f"{count} {name}")
            left -= count * size
        if len(parts) == 2:
            break
    return " ".join(parts)


def ago(rfc3339: str, now: float) -> str:
    """How long ago, in one unit: `12 s ago`, `3 h ago`."""
    seconds = now - unix(rfc3339)
    if seconds < 1:
        return "now"
    size, name = next((size, name) for size, name in _UNITS if seconds >= size)
    return f"{int(seconds // size)} {name} ago"


def instant(rfc3339: str) -> str:
    """The time in UTC to the second. Scripts turn it into the viewer's zone; it keeps its width."""
    return rfc3339[:19].replace("T", " ")


def number(value: float) -> str:
    """A count with thin groups of three."""
    return f"{value:,.0f}".replace(",", "\u2009")


def code_title(code: str) -> str:
    """The catalogue's title of a code, or the code itself."""
    entry = CATALOGUE.get(code)
    return entry.title if entry is not None else code


def platform_text(platform: object) -> str:
    """An agent's platform in a few words, whatever form it sent it in."""
    if isinstance(platform, str):
        return platform
    if isinstance(platform, dict):
        wanted = ("os", "system", "name", "distribution", "version", "release", "arch", "machine")
        found = [str(platform[key]) for key in wanted if isinstance(platform.get(key), str | int | float)]
        return " ".join(dict.fromkeys(found))[:80]
    return ""


def _escaped(char: str) -> str:
    # Spaces of other widths are harmless, and nobody wants to read their numbers.
    return " " if char.isspace() and char not in "\n\r\t\x0b\x0c\x85\u2028\u2029\x1c\x1d\x1e\x1f" else _code(char)


def _code(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode()
