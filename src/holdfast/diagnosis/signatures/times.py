"""The forms in which an agent may have put the time into what it signed.

Three families: server_time printed again in UTC, server_time turned into local time (every offset in use in the
world), and the agent's own clock in place of server_time.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from functools import lru_cache
from typing import Final, NamedTuple

from holdfast.diagnosis.signatures.failure import FailedSignature, utf8
from holdfast.diagnosis.signatures.forms import Form


class Notation(NamedTuple):
    """A way of writing an instant, and the Python expression that does it; `{at}` stands for the instant in it."""

    words: str
    python: str
    write: Callable[[datetime], str]


_PARSED: Final = "datetime.fromisoformat(server_time)"


def _javascript(at: datetime) -> str:
    # `ctime` is English in every locale, `strftime` is not.
    day, month, *_ = at.ctime().split()
    return f"{day} {month} {at:%d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def _date_command(at: datetime) -> str:
    text = at.ctime()
    return f"{text[:-4]}UTC {text[-4:]}"


NOTATIONS: Final[Mapping[str, Notation]] = {
    "+00:00": Notation("server_time with +00:00", "{at}.isoformat()", lambda at: at.isoformat()),
    ".000Z": Notation(
        "server_time with .000Z",
        "{at}.isoformat(timespec='milliseconds').replace('+00:00', 'Z')",
        lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
    ),
    "no zone": Notation(
        "server_time without zone", "{at}.strftime('%Y-%m-%dT%H:%M:%S')", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}"
    ),
    "unix": Notation("unix_seconds(server_time)", "str(int({at}.timestamp()))", lambda at: str(int(at.timestamp()))),
    "unix ms": Notation(
        "unix_milliseconds(server_time)", "str(int({at}.timestamp()) * 1000)", lambda at: f"{int(at.timestamp())}000"
    ),
    "str": Notation("server_time with a space and +00:00", "str({at})", str),
    "space": Notation(
        "server_time with a space, without zone",
        "{at}.strftime('%Y-%m-%d %H:%M:%S')",
        lambda at: f"{at:%Y-%m-%d %H:%M:%S}",
    ),
    "go": Notation(
        "String() of Go's time.Time",
        "{at}.strftime('%Y-%m-%d %H:%M:%S +0000 UTC')",
        lambda at: f"{at:%Y-%m-%d %H:%M:%S} +0000 UTC",
    ),
    "http": Notation(
        "server_time as an HTTP date",
        "email.utils.format_datetime({at}, usegmt=True)",
        lambda at: format_datetime(at, usegmt=True),
    ),
    "mail": Notation("server_time as a mail date", "email.utils.format_datetime({at})", format_datetime),
    "+0000": Notation(
        "server_time with +0000", "{at}.strftime('%Y-%m-%dT%H:%M:%S+0000')", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}+0000"
    ),
    ".000000Z": Notation(
        "server_time with .000000Z",
        "{at}.strftime('%Y-%m-%dT%H:%M:%S.%fZ')",
        lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.000000Z",
    ),
    ".000+00:00": Notation(
        "server_time with .000+00:00",
        "{at}.isoformat(timespec='milliseconds')",
        lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.000+00:00",
    ),
    "space Z": Notation(
        "server_time with a space and Z", "{at}.strftime('%Y-%m-%d %H:%M:%SZ')", lambda at: f"{at:%Y-%m-%d %H:%M:%S}Z"
    ),
    "space UTC": Notation(
        "server_time with a space and UTC",
        "{at}.strftime('%Y-%m-%d %H:%M:%S UTC')",
        lambda at: f"{at:%Y-%m-%d %H:%M:%S} UTC",
    ),
    "unix float": Notation("float(unix_seconds(server_time))", "str({at}.timestamp())", lambda at: str(at.timestamp())),
    "javascript": Notation(
        "String(Date) of JavaScript",
        "{at}.strftime('%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)')",
        _javascript,
    ),
    "ctime": Notation("ctime(server_time)", "{at}.ctime()", lambda at: at.ctime()),
    "date": Notation(
        "server_time as `date -u` prints it", "{at}.ctime()[:-4] + 'UTC ' + {at}.ctime()[-4:]", _date_command
    ),
}

# What a local or own time is written in. "false Z" is local time with the mark of UTC.
LOCAL_NOTATIONS: Final[Mapping[str, Notation]] = {
    "offset": Notation("with its offset", "{at}.isoformat()", lambda at: at.isoformat()),
    "no zone": Notation("without zone", "{at}.strftime('%Y-%m-%dT%H:%M:%S')", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}"),
    "false Z": Notation("marked Z", "{at}.strftime('%Y-%m-%dT%H:%M:%SZ')", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z"),
    "space": Notation("with a space", "{at}.strftime('%Y-%m-%d %H:%M:%S')", lambda at: f"{at:%Y-%m-%d %H:%M:%S}"),
}
OWN_NOTATIONS: Final[Mapping[str, Notation]] = {
    "Z": Notation("RFC 3339", "{at}.strftime('%Y-%m-%dT%H:%M:%SZ')", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z"),
    "unix": Notation("Unix seconds", "str(int({at}.timestamp()))", lambda at: str(int(at.timestamp()))),
}

# Minutes east of UTC that are anybody's legal time, summer time included, with a place for each.
ZONES: Final[Mapping[int, str]] = {
    60: "central Europe", 120: "eastern Europe", 330: "India", 480: "China", -300: "eastern North America",
    -240: "eastern North America in summer", -360: "central North America", -420: "mountain North America",
    -480: "western North America", -180: "eastern Brazil", 180: "Moscow", 540: "Japan", 600: "eastern Australia",
    660: "eastern Australia in summer", 240: "the Gulf", 300: "Pakistan", 420: "Indochina", 210: "Iran",
    270: "Afghanistan or Iran in summer", 345: "Nepal", 360: "Bangladesh", 390: "Myanmar", 525: "Eucla",
    570: "central Australia", 630: "central Australia in summer", 720: "New Zealand", 765: "Chatham Islands",
    780: "New Zealand in summer", 825: "Chatham Islands in summer", 840: "Line Islands", -60: "Azores",
    -120: "South Georgia", -150: "Newfoundland in summer", -210: "Newfoundland", -540: "Alaska",
    -570: "Marquesas Islands", -600: "Hawaii", -660: "Samoa", -720: "Baker Island",
}  # fmt: skip
OWN_SECONDS: Final = tuple(sorted(range(-10, 31), key=lambda s: (abs(s), s)))


def local_name(minutes: int, notation: str) -> str:
    return f"local {minutes} {notation}"


def own_name(seconds: int, notation: str) -> str:
    return f"own {seconds} {notation}"


@lru_cache(maxsize=1024)
def time_form(name: str) -> Form:
    """The form of this name: a key of `NOTATIONS`, or one made by `local_name` or `own_name`.

    Raises:
        KeyError: there is no such form.
    """
    if name == "text":
        return Form("server_time", "server_time", lambda f: utf8(f.server_time))
    if name.startswith("local "):
        _, minutes, notation = name.split(" ", 2)
        return _local(int(minutes), LOCAL_NOTATIONS[notation])
    if name.startswith("own "):
        _, seconds, notation = name.split(" ", 2)
        return _own(int(seconds), OWN_NOTATIONS[notation])
    written = NOTATIONS[name]
    return Form(written.words, written.python.format(at=_PARSED), lambda f: _write(server_instant(f), written))


def server_instant(failed: FailedSignature) -> datetime | None:
    """server_time as an instant in UTC; None when it is no RFC 3339."""
    try:
        at = datetime.fromisoformat(failed.server_time)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def offset_text(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _write(at: datetime | None, notation: Notation) -> bytes | None:
    return None if at is None else notation.write(at).encode()


def _local(minutes: int, notation: Notation) -> Form:
    zone = timezone(timedelta(minutes=minutes))
    words = f"local(server_time, {offset_text(minutes)} {ZONES.get(minutes, '')}, {notation.words})"
    python = notation.python.format(at=f"{_PARSED}.astimezone(timezone(timedelta(minutes={minutes})))")

    def render(failed: FailedSignature) -> bytes | None:
        at = server_instant(failed)
        try:
            return None if at is None else _write(at.astimezone(zone), notation)
        except OverflowError:
            return None

    return Form(words, python, render)


def _own(seconds: int, notation: Notation) -> Form:
    words = f"own clock ({notation.words}, {seconds:+d} s from the gateway's)"

    def render(failed: FailedSignature) -> bytes | None:
        try:
            return _write(datetime.fromtimestamp(int(failed.arrived_at) + seconds, UTC), notation)
        except (ValueError, OverflowError, OSError):
            return None

    return Form(words, notation.python.format(at="datetime.now(UTC)"), render)
