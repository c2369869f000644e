"""The doctor's half and the gateway's half as one verdict: asked of the Actions API, and printed.

Asked with the standard library: the doctor runs on hosts where only the agent is installed.
"""

import http.client
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote, urlsplit

import msgspec
import typer

from holdfast.cli.options import DEFAULT_API, Api, AsJson, TokenFile

if TYPE_CHECKING:
    from holdfast.api.joined_bodies import JoinedBody, VerdictBody

TIMEOUT_S: Final = 15.0
MAX_ANSWER_BYTES: Final = 1024 * 1024
MAX_REPORT_BYTES: Final = 256 * 1024
GRAVE: Final = ("error", "critical")


class NotJoinedError(Exception):
    """The gateway's half could not be had; the text says why."""


class _Refusal(msgspec.Struct):
    detail: str = ""
    fix: str = ""


def ask_api(api: str, report: bytes, *, attempt: str | None) -> "JoinedBody":
    """The joined verdict over `report`, the doctor's JSON, from the API at `api`; HOLDFAST_TOKEN is sent to it.

    Raises:
        NotJoinedError: the API does not answer, refuses, or is none.
    """
    from holdfast.api.joined_bodies import JoinedBody

    headers = {"Content-Type": "application/json", "Connection": "close"}
    if token := os.environ.get("HOLDFAST_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    path = f"/attempts/{quote(attempt, safe='')}/verdict" if attempt else "/verdict"
    try:
        connection = _connection(api)
        try:
            connection.request("POST", path, report, headers)
            answer = connection.getresponse()
            body = answer.read(MAX_ANSWER_BYTES)
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotJoinedError(f"the API at {api} does not answer ({str(error) or type(error).__name__})") from error
    if answer.status != http.client.OK:
        raise NotJoinedError(_refusal(answer.status, body))
    try:
        return msgspec.json.decode(body, type=JoinedBody)
    except msgspec.DecodeError as error:
        raise NotJoinedError(f"what {api} answered is no verdict ({error})") from error


def _connection(api: str) -> http.client.HTTPConnection:
    """Raises ValueError: `api` has no host, or a port that is none."""
    parts = urlsplit(api if "://" in api else f"http://{api}")
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError("it is not http://HOST:8083")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=TIMEOUT_S)


def _refusal(status: int, body: bytes) -> str:
    try:
        said = msgspec.json.decode(body, type=_Refusal)
    except msgspec.DecodeError:
        return f"it answered with HTTP {status}"
    return f"the API refused with HTTP {status}: {said.detail}. {said.fix}"


def joined_lines(joined: "JoinedBody") -> Iterator[str]:
    """The verdict for people."""
    from holdfast.faults import printable

    half = joined.gateway_side.attempt
    yield "Joined with the gateway's half:"
    if half is not None:
        ended = f"ended by {half.ended_how}" if half.ended_how else "still open"
        codes = f", {' '.join(half.codes)}" if half.codes else ""
        yield f"      gateway {half.attempt} got as far as {half.step}, {ended}{codes}"
    else:
        yield "      gateway recorded nothing of this examination"
    if joined.verdict is not None:
        yield from _verdict_lines(joined.verdict, agrees=joined.agrees)
    for rival in joined.rivals:
        yield f"      or    {rival.code} {printable(rival.title, 200)}"
        yield f"            {printable(rival.told_apart_by, 400)}"
    for note in joined.notes:
        yield f"      note  {printable(note, 600)}"


def _verdict_lines(found: "VerdictBody", *, agrees: bool) -> Iterator[str]:
    sides = "both sides fit" if agrees else "the sides differ"
    yield f"      cause {found.code} {found.what} ({sides}; confidence {found.confidence:.2f}, {found.basis.value})"
    yield f"      why   {found.why}"
    yield f"      fix   {found.fix}"


def is_grave(joined: "JoinedBody") -> bool:
    """Whether an agent of that host cannot work. What the doctor only warned of does not keep it from that."""
    found = joined.verdict
    if found is None or found.severity not in GRAVE:
        return False
    told = {check.status for check in joined.agent_side if check.code == found.code}
    return told != {"WARN"}


def join_report(
    attempt: Annotated[str, typer.Argument(metavar="ATTEMPT", help="Attempt id; - for the one that the report names.")],
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="What `holdfast doctor --json` printed.")],
    as_json: AsJson = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """Join a report of the doctor, made elsewhere, with the gateway's half.

    Exit code: 0 nothing grave is wrong, 1 a cause was found.

    \b
    Examples:
      holdfast attempts join a-7alapqsvivec3ols report.json
      holdfast attempts join - report.json
    """
    from holdfast.api.joined_bodies import JoinedBody
    from holdfast.cli import client, screen

    path = "/verdict" if attempt == "-" else f"/attempts/{quote(attempt, safe='')}/verdict"
    with client.connect(api, token_file) as asked:
        joined = asked.send("POST", path, JoinedBody, msgspec.Raw(read_report(report)))
    if as_json:
        screen.print_json(joined)
    else:
        for line in joined_lines(joined):
            screen.say(line)
    raise typer.Exit(1 if is_grave(joined) else 0)


def read_report(path: Path) -> bytes:
    """The file's bytes, which the API reads strictly.

    Raises:
        Refused: it cannot be read, is too large, or holds no JSON.
    """
    from holdfast.cli.failures import usage

    fix = "Give a file with what `holdfast doctor URL --json` printed"
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_REPORT_BYTES else b""
    except OSError as error:
        raise usage(what=f"{path} cannot be read", why=error.strerror or str(error), fix=fix) from error
    if not raw:
        raise usage(what=f"{path} is no report", why=f"it has {size} bytes, of 1 to {MAX_REPORT_BYTES}", fix=fix)
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise usage(what=f"{path} is no report", why=f"it is no JSON: {error}", fix=fix) from error
    return raw
