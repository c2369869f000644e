"""The commands that stay: `up`, `gateway`, `api` and `agent run`."""

import os
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from holdfast.cli import options as o

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


def _serve(flags: Mapping[str, object], *, gateway: bool = False, api: bool = False, agent: bool = False) -> None:
    from holdfast import logs, serve
    from holdfast.cli.greeting import greet
    from holdfast.config import load

    config = load(flags, environ=os.environ).config
    logs.configure(fmt=config.log_format, level=config.log_level)
    parts = serve.Parts(gateway=gateway, api=api, agent=agent)
    serve.run(config, parts, announce=lambda running: None if os.environ.get("HOLDFAST_NO_BANNER") else greet(running))
    sys.exit(0)
