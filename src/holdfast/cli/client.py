"""Asking the Actions API, with every way it can fail told as a `Problem`."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self, TypeVar

import httpx
import msgspec

from holdfast.cli.failures import usage
from holdfast.faults import Problem, Refused, Unavailable, printable, problem

_TIMEOUT_S: Final = 30.0
_HOST_PORT: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s/:]+):\d{1,5}(/.*)?")
_NEED_URL: Final = "Give --api as http://HOST:8083"
_GIVE_IT: Final = "give the file that holds it with --token-file, or the token itself in HOLDFAST_TOKEN"
# The API says what to do to those who write HTTP by hand; here the commands are at hand.
_FIXES: Final = {
    "List the agents with GET /agents": "List the agents with `holdfast agents list`",
    "List the attempts with GET /attempts": "List the attempts with `holdfast attempts list`",
    "Send `Authorization: Bearer hfa_…` without quotes or newline": f"Copy the token whole and {_GIVE_IT}",
}
T = TypeVar("T")
Params = Mapping[str, str | int | bool | list[str] | None]


class _ProblemDocument(msgspec.Struct):
    """What we read of RFC 9457."""

    code: str
    detail: str
    why: str = ""
    fix: str = ""
    title: str = ""


class ApiClient:
    """One API, asked in turn. Close it, or use it in a `with` statement."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = _checked(url)
        self._http = httpx.Client(base_url=self._url, headers=headers, timeout=_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, kind: type[T], params: Params | None = None) -> T:
        """The document at `path`. Raises `Refused` or `Unavailable`."""
        return self._decoded(self._ask("GET", path, params=params), kind)

    def send(self, method: str, path: str, kind: type[T], body: object = None, *, version: int | None = None) -> T:
        """Change something and return what the API answers; `version` refuses it if somebody was faster."""
        return self._decoded(self._ask(method, path, body=body, version=version), kind)

    def pages(self, path: str, kind: type[T], params: Params, *, every: bool) -> Iterator[T]:
        """The page at `params`, and with `every` all that follow it."""
        cursor = params.get("cursor")
        while True:
            page = self.get(path, kind, {**params, "cursor": cursor})
            yield page
            cursor = getattr(page, "next_cursor", None)
            if not every or cursor is None:
                return

    def events(self, path: str) -> Iterator[tuple[str, str]]:
        """Name and data of each event of the stream at `path`, until it ends (server-sent events, one line of data).

        Raises:
            Refused, Unavailable: it cannot be followed, or the connection broke.
        """
        headers = {"Accept": "text/event-stream"}
        try:
            with self._http.stream("GET", path, headers=headers, timeout=httpx.Timeout(_TIMEOUT_S)) as response:
                if response.is_error:
                    response.read()
                    raise self._refused(response)
                name = "message"
                for line in response.iter_lines():
                    field, _, value = line.partition(":")
                    if field == "event":
                        name = value.strip()
                    elif field == "data":
                        yield name, value.strip()
                        name = "message"
        except httpx.TransportError as error:
            raise self._down(error) from error

    def _ask(
        self, method: str, path: str, *, params: Params | None = None, body: object = None, version: int | None = None
    ) -> httpx.Response:
        query = {name: value for name, value in (params or {}).items() if value not in (None, [])}
        headers = {"If-Match": f'"{version}"'} if version is not None else {}
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._http.request(method, path, params=query, content=content, headers=headers)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            raise self._no_http(error) from error
        except httpx.TransportError as error:
            raise self._down(error) from error
        if response.is_error:
            raise self._refused(response)
        return response

    def _decoded(self, response: httpx.Response, kind: type[T]) -> T:
        if response.status_code == httpx.codes.NO_CONTENT:
            return msgspec.convert(None, kind)
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.DecodeError as error:
            raise self._not_ours(response, str(error)) from error

    def _down(self, error: httpx.TransportError) -> Unavailable:
        return Unavailable(
            problem(
                "SRV-ACTIONS-API-DOWN",
                what=f"the Actions API at {self._url} does not answer",
                why=str(error) or type(error).__name__,
                fix="Start it with `holdfast up`, or name the right address with --api",
            )
        )

    def _no_http(self, error: httpx.TransportError) -> Refused:
        return Refused(
            problem(
                "NET-WRONG-PORT",
                what=f"{self._url} took the connection and did not answer as an API does",
                why=f"another program may listen there, or one that speaks TLS ({str(error) or type(error).__name__})",
                fix="Name the Actions API with --api, by default http://127.0.0.1:8083",
            )
        )

    def _refused(self, response: httpx.Response) -> Refused:
        try:
            found = msgspec.json.decode(response.content, type=_ProblemDocument)
        except msgspec.DecodeError:
            return self._not_ours(response, f"it answered HTTP {response.status_code}")
        what = found.detail.removesuffix(f": {found.why}") if found.why else found.detail
        return Refused(Problem(code=found.code, what=what, why=found.why or found.title, fix=_fix(found)))

    def _not_ours(self, response: httpx.Response, why: str) -> Refused:
        return Refused(
            problem(
                "NET-WRONG-PORT",
                what=f"{self._url} is not the Actions API",
                why=f"{printable(why, 200)} (content type {printable(response.headers.get('content-type', 'none'))})",
                fix="Name the Actions API with --api, by default http://127.0.0.1:8083",
            )
        )


def _checked(url: str) -> str:
    """The URL without a slash at its end; `http://` is put in front of a bare HOST:PORT.

    Raises:
        Refused: it is none.
    """
    full = f"http://{url}" if _HOST_PORT.fullmatch(url) else url
    try:
        parsed = httpx.URL(full)
    except (httpx.InvalidURL, ValueError) as error:
        raise usage(what=f"{printable(url)} is no URL", why=str(error), fix=_NEED_URL) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        why = "it does not begin with http:// or https:// and a host"
        raise usage(what=f"{printable(url)} is no URL of the Actions API", why=why, fix=_NEED_URL)
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise usage(what=f"{printable(url)} is no URL", why="a port is a number from 1 to 65535", fix=_NEED_URL)
    return full.rstrip("/")


def _fix(found: _ProblemDocument) -> str:
    """What to do about it on a command line."""
    if found.code == "API-TOKEN-MISSING":
        role = re.search(r"\brole (\w+)", found.why)
        create = f"`holdfast tokens create --role {role[1] if role else 'viewer'}`"
        return f"Create a token with {create} on the server, and {_GIVE_IT}"
    return _FIXES.get(found.fix, found.fix)


def connect(url: str, token_file: Path | None) -> ApiClient:
    """A client with the token of `token_file`, else of HOLDFAST_TOKEN, else without one.

    Raises:
        Refused: the file cannot be read.
    """
    if token_file is None:
        return ApiClient(url, os.environ.get("HOLDFAST_TOKEN") or None)
    try:
        return ApiClient(url, token_file.expanduser().read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise usage(
            what=f"the token file {token_file} cannot be read",
            why=getattr(error, "strerror", None) or "it is not UTF-8 text",
            fix="Correct --token-file",
        ) from error
