"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

_API = "Where to ask"

Api = Annotated[
    str,
    typer.Option("--api", metavar="URL", envvar="HOLDFAST_API_URL", help="The Actions API."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", envvar="HOLDFAST_TOKEN_FILE", help="File with an API token; else HOLDFAST_TOKEN is used."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="Rows of one page.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Continue where the last page ended.")]
All = Annotated[bool, typer.Option("--all", help="Fetch every page.")]

DEFAULT_API = "http://127.0.0.1:8083"

ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file with the configuration.")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Directory for the database and local state.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="sqlite+aiosqlite:… or postgresql+asyncpg:…")]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on. [default: 127.0.0.1]")]
GatewayPort = Annotated[int | None, typer.Option("--gateway-port", help="Port of the gateway. [default: 8080]")]
ApiPort = Annotated[int | None, typer.Option("--api-port", help="Port of the Actions API. [default: 8083]")]
Registration = Annotated[
    str | None,
    typer.Option("--registration", metavar="open|approve|token", help="Who may register."),
]
TlsCert = Annotated[Path | None, typer.Option("--tls-cert", help="Certificate chain of the gateway (PEM).")]
TlsKey = Annotated[Path | None, typer.Option("--tls-key", help="Private key of --tls-cert (PEM).")]
TlsClientCa = Annotated[Path | None, typer.Option("--tls-client-ca", help="CA of the agents' certificates (PEM).")]
LogFormat = Annotated[str | None, typer.Option("--log-format", metavar="auto|console|json", help="Form of log lines.")]
LogLevel = Annotated[
    str | None, typer.Option("--log-level", metavar="debug|info|warning|error", help="Least severity to log.")
]
