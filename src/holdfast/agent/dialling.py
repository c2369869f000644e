"""Opening one connection: name, TCP, TLS, upgrade. The name is resolved anew each time."""

import asyncio
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from holdfast.agent.failures import Stage, dial_problem, url_problem
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, Refused
from holdfast.protocol.limits import MAX_MESSAGE_BYTES_REGISTERED, PATH

OPEN_S: Final = 15.0
CLOSE_S: Final = 3.0
PING_S: Final = (
    20.0  # interval and patience: a dead path is noticed within 40 s, below common idle limits (NET-NAT-IDLE)
)
RESOLVE_S: Final = 2.0


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """Files for `wss://`, PEM. Without `ca_file` the system's authorities are trusted."""

    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None  # None: in the file of the certificate

    def context(self) -> ssl.SSLContext:
        """A context with what the files hold now: they are read at each dial, so renewed ones need no restart.

        Raises:
            Refused: a file is missing, or is no such PEM.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise _bad_file("TLS-UNTRUSTED-CA", "CA file", self.ca_file, error) from error
        context.set_alpn_protocols(["http/1.1"])  # the upgrade does not exist in HTTP/2 (PXY-H2-ONLY)
        if self.client_cert is not None:
            try:
                # An encrypted key would make OpenSSL ask on the terminal and block the loop: give it a wrong answer.
                context.load_cert_chain(self.client_cert, self.client_key, password=lambda: "")
            except (OSError, ssl.SSLError) as error:
                raise _bad_file("TLS-CLIENT-CERT", "client certificate or key", self.client_cert, error) from error
        return context


class Dialler:
    """Dials one gateway. Proxies come from the environment, as is usual for WebSocket clients."""

    def __init__(self, url: str, *, tls: Tls, user_agent: str, open_s: float = OPEN_S, ping_s: float = PING_S) -> None:
        """Check the URL and the TLS files. A connection is pinged every `ping_s` seconds, and ends without its pong.

        Raises:
            Refused: one of them cannot be used.
        """
        if found := url_problem(url):
            raise Refused(found)
        self.url = _with_path(url)
        self._tls = tls
        self._user_agent = user_agent
        self._open_s = open_s
        self._ping_s = ping_s
        if self._is_secure:
            tls.context()

    @property
    def _is_secure(self) -> bool:
        return self.url.startswith("wss:")

    async def dial(self) -> ClientConnection | Problem:
        """One attempt, of at most `open_s` seconds: an open connection, or the named reason why there is none."""
        opened: list[ClientConnection] = []

        def observe(*args: object, **options: object) -> ClientConnection:
            opened.append(ClientConnection(*args, **options))  # type: ignore[arg-type]  # passed through as they came
            return opened[-1]

        try:
            return await connect(
                self.url,
                ssl=self._tls.context() if self._is_secure else None,
                user_agent_header=self._user_agent,
                compression=None,  # small messages gain nothing, and each compressor holds 300 KiB (WS-EXTENSION)
                open_timeout=self._open_s,
                close_timeout=CLOSE_S,
                ping_interval=self._ping_s,
                ping_timeout=self._ping_s,
                max_size=MAX_MESSAGE_BYTES_REGISTERED,
                create_connection=observe,  # type: ignore[arg-type]  # documented to take a wrapper of the class
            )
        except TimeoutError as error:
            return dial_problem(error, url=self.url, stage=await self._stage(opened))
        except (OSError, WebSocketException, Refused, ValueError) as error:
            return dial_problem(error, url=self.url)

    async def _stage(self, opened: list[ClientConnection]) -> Stage:
        """How far an attempt came that ran out of time."""
        if opened:
            # asyncio makes the connection object once TCP is up, and gives it its transport once TLS is.
            return Stage.UPGRADING if hasattr(opened[-1], "transport") else Stage.SECURING
        host = urlsplit(self.url).hostname
        try:
            async with asyncio.timeout(RESOLVE_S):
                await asyncio.get_running_loop().getaddrinfo(host, None)
        except OSError:
            return Stage.RESOLVING
        return Stage.CONNECTING


def _with_path(url: str) -> str:
    """`url` with the protocol's path where it has none."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=PATH)) if parts.path in ("", "/") else url


def _bad_file(code: str, name: str, path: Path | None, error: OSError) -> Refused:
    why = f"{path}: {error.strerror or error}"
    fix = f"Give the agent a readable PEM file with its {name}"
    return Refused(problem(code, what=f"the {name} cannot be used", why=why, fix=fix))
