"""The commands that stay: `up`, `gateway`, `api` and `agent run`."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import typer

from holdfast.cli import options as o
from holdfast.cli.failures import usage

Choice = TypeVar("Choice", bound=str)
FORMATS: Final[tuple[Literal["auto"], Literal["console"], Literal["json"]]] = ("auto", "console", "json")
LEVELS: Final = ("info", "debug", "warning", "error")

agent = typer.Typer(no_args_is_help=True, help="Run an agent.", rich_markup_mode=None)


def up(
    *,
    host: o.Host = None,
    gateway_port: o.GatewayPort = None,
    api_port: o.ApiPort = None,
    data_dir: o.DataDir = None,
    registration: o.Registration = None,
    with_agent: Annotated[bool, typer.Option("--with-agent", help="Run one local agent as well.")] = False,
    database_url: o.DatabaseUrl = None,
    tls_cert: o.TlsCert = None,
    tls_key: o.TlsKey = None,
    tls_client_ca: o.TlsClientCa = None,
    log_format: o.LogFormat = None,
    log_level: o.LogLevel = None,
    config: o.ConfigFile = None,
) -> None:
    """Start gateway and Actions API in one process.

    \b
    Examples:
      holdfast up --with-agent
      holdfast up --host 0.0.0.0 --registration token
      holdfast up --data-dir /var/lib/holdfast --log-format json
    """
    flags = {
        "host": host, "gateway_port": gateway_port, "api_port": api_port, "data_dir": data_dir,
        "registration": registration, "database_url": database_url, "tls_cert": tls_cert, "tls_key": tls_key,
        "tls_client_ca": tls_client_ca, "log_format": log_format, "log_level": log_level, "config": config,
    }  # fmt: skip
    _serve(flags, gateway=True, api=True, agent=with_agent)


def gateway(
    *,
    host: o.Host = None,
    gateway_port: o.GatewayPort = None,
    data_dir: o.DataDir = None,
    registration: o.Registration = None,
    database_url: o.DatabaseUrl = None,
    tls_cert: o.TlsCert = None,
    tls_key: o.TlsKey = None,
    tls_client_ca: o.TlsClientCa = None,
    log_format: o.LogFormat = None,
    log_level: o.LogLevel = None,
    config: o.ConfigFile = None,
) -> None:
    """Start the WebSocket gateway alone.

    \b
    Example:
      holdfast gateway --database-url postgresql+asyncpg://holdfast@db/holdfast
    """
    flags = {
        "host": host, "gateway_port": gateway_port, "data_dir": data_dir, "registration": registration,
        "database_url": database_url, "tls_cert": tls_cert, "tls_key": tls_key, "tls_client_ca": tls_client_ca,
        "log_format": log_format, "log_level": log_level, "config": config,
    }  # fmt: skip
    _serve(flags, gateway=True)


def api(
    *,
    host: o.Host = None,
    api_port: o.ApiPort = None,
    gateway_port: o.GatewayPort = None,
    data_dir: o.DataDir = None,
    registration: o.Registration = None,
    database_url: o.DatabaseUrl = None,
    log_format: o.LogFormat = None,
    log_level: o.LogLevel = None,
    config: o.ConfigFile = None,
) -> None:
    """Start the Actions API alone.

    \b
    Example:
      holdfast api --database-url postgresql+asyncpg://holdfast@db/holdfast
    """
    flags = {
        "host": host, "api_port": api_port, "gateway_port": gateway_port, "data_dir": data_dir,
        "registration": registration, "database_url": database_url, "log_format": log_format,
        "log_level": log_level, "config": config,
    }  # fmt: skip
    _serve(flags, api=True)


@agent.command("run")
def run_agent(
    *,
    url: Annotated[
        str, typer.Option("--url", envvar="HOLDFAST_URL", help="The gateway, e.g. ws://gateway:8080/ws/agent.")
    ],
    state_dir: Annotated[
        Path | None, typer.Option("--state-dir", envvar="HOLDFAST_STATE_DIR", help="Where key and uid are kept.")
    ] = None,
    host_id: Annotated[
        str | None, typer.Option("--host-id", help="Name to register under. [default: host name]")
    ] = None,
    org: Annotated[str, typer.Option("--org", "--org-id", help="Organisation.")] = "default-org",
    label: Annotated[list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Label (repeatable).")] = None,
    enrolment_token_file: Annotated[
        Path | None, typer.Option("--enrolment-token-file", help="File with the token that lets this agent in.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", "--ca", help="CA of the gateway's certificate (PEM).")
    ] = None,
    client_cert: Annotated[Path | None, typer.Option("--client-cert", help="This agent's certificate (PEM).")] = None,
    client_key: Annotated[Path | None, typer.Option("--client-key", help="Key of --client-cert (PEM).")] = None,
    heartbeat_interval: Annotated[
        float | None, typer.Option("--heartbeat-interval", min=0.1, help="Seconds; only shortens the gateway's.")
    ] = None,
    log_format: o.LogFormat = None,
    log_level: o.LogLevel = None,
) -> None:
    """Run an agent on this host until it is stopped.

    \b
    Examples:
      holdfast agent run --url ws://127.0.0.1:8080
      holdfast agent run --url wss://gateway.example/ws/agent --label env=prod
    """
    import asyncio

    from holdfast import logs
    from holdfast.agent import AgentOptions
    from holdfast.agent import run_agent as run
    from holdfast.cli.labels import parsed

    logs.configure(
        fmt=_one_of("--log-format", log_format, FORMATS),
        level=_one_of("--log-level", log_level, LEVELS),
        service=logs.AGENT_SERVICE,
    )
    options = AgentOptions(
        url=url,
        state_dir=state_dir,
        host_id=host_id,
        org_id=org,
        labels=parsed(label or []),
        enrolment_token_file=enrolment_token_file,
        ca_file=ca_file,
        client_cert=client_cert,
        client_key=client_key,
        heartbeat_interval=heartbeat_interval,
    )
    sys.exit(asyncio.run(run(options)))


def _one_of(option: str, given: str | None, choices: tuple[Choice, ...]) -> Choice:
    """The choice that was given; the first where none was."""
    for choice in choices:
        if given in (choice, None):
            return choice
    raise usage(what=f"{option} cannot be {given}", why="it is none of the choices", fix=f"Use {' or '.join(choices)}")


def _serve(flags: Mapping[str, object], *, gateway: bool = False, api: bool = False, agent: bool = False) -> None:
    from holdfast import logs, serve
    from holdfast.cli.greeting import greet
    from holdfast.config import load

    effective = load(flags, environ=os.environ)
    config = effective.config
    service = logs.GATEWAY_SERVICE if gateway else logs.API_SERVICE
    logs.configure(fmt=config.log_format, level=config.log_level, service=service)
    parts = serve.Parts(gateway=gateway, api=api, agent=agent)
    serve.run(
        config,
        parts,
        announce=lambda running: None if os.environ.get("HOLDFAST_NO_BANNER") else greet(running),
        shown=effective.values,
    )
    sys.exit(0)
