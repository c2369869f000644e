"""Every value an operator can set, with its unit, its bounds and its default.

The descriptions here are the text of `docs/reference/configuration.md` and of `holdfast config show`.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Registration = Literal["open", "approve", "token"]
LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
Compatibility = Literal["auto", "on", "off"]

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one peer, and all peers together, may ask of the gateway."""

    max_connections: Annotated[Count, Meta(description="Connections in all; 503 beyond it")] = 200_000
    max_unregistered: Annotated[Count, Meta(description="Connections that have not registered yet, in all")] = 4096
    max_unregistered_per_address: Annotated[
        Count, Meta(description="Connections that have not registered yet, from one address")
    ] = 64
    message_bytes_unregistered: Annotated[
        Annotated[int, Meta(ge=1024)], Meta(description="Largest message before registration, in bytes")
    ] = 65_536
    message_bytes_registered: Annotated[
        Annotated[int, Meta(ge=1024)], Meta(description="Largest message after registration, in bytes")
    ] = 1_048_576
    messages_per_s: Annotated[Positive, Meta(description="Messages per second of one connection, in the long run")] = 20
    message_burst: Annotated[Count, Meta(description="Messages of one connection at once")] = 100
    registrations_per_s: Annotated[
        Positive, Meta(description="Registrations per second from one address, in the long run")
    ] = 10
    registration_burst: Annotated[Count, Meta(description="Registrations from one address at once")] = 50
    write_buffer_bytes: Annotated[
        Annotated[int, Meta(ge=16_384)],
        Meta(description="Unsent bytes that end a connection whose agent does not read"),
    ] = 2_097_152


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the gateway waits, in seconds."""

    handshake_s: Annotated[Positive, Meta(description="Time a peer has to complete TLS and the upgrade")] = 10
    first_message_s: Annotated[
        Positive, Meta(description="Silence after connecting that becomes the finding LIFE-SILENT")
    ] = 5
    silent_close_s: Annotated[Positive, Meta(description="Silence after connecting that ends the connection")] = 300
    message_s: Annotated[Positive, Meta(description="Time in which a message that was begun has to end")] = 30
    ping_interval_s: Annotated[Positive, Meta(description="Time between two pings to an agent")] = 20
    dead_after_s: Annotated[Positive, Meta(description="Time without any frame that ends a connection")] = 60
    challenge_ttl_s: Annotated[Positive, Meta(description="Life of a registration challenge")] = 120
    heartbeat_interval_s: Annotated[
        Positive, Meta(description="Heartbeat interval that agents are told; at most a third of dead_after_s")
    ] = 20
    clock_skew_s: Annotated[
        Positive, Meta(description="Difference of an agent's clock that `auth` with its own nonce tolerates")
    ] = 300
    session_s: Annotated[Positive, Meta(description="Validity that `auth` answers with")] = 86_400
    drain_s: Annotated[
        Annotated[float, Meta(ge=0)], Meta(description="Time over which agents are sent away when the gateway stops")
    ] = 10


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration. `None` stands for a value that follows from others; `load` fills it in."""

    host: Annotated[str, Meta(description="Address to listen on, for the gateway and the API")] = "127.0.0.1"
    gateway_port: Annotated[Port, Meta(description="Port of the WebSocket gateway; 0 takes a free one")] = 8080
    api_port: Annotated[Port, Meta(description="Port of the Actions API; 0 takes a free one")] = 8083
    data_dir: Annotated[
        Path | None, Meta(description="Directory of the embedded database and of the local agent's state")
    ] = None
    database_url: Annotated[
        str | None,
        Meta(
            description="`sqlite+aiosqlite:///PATH` or `postgresql+asyncpg://USER@HOST/NAME`; "
            "SQLite in data_dir where nothing is said"
        ),
    ] = None
    database_password_file: Annotated[
        Path | None, Meta(description="File that holds the password for database_url")
    ] = None
    registration: Annotated[
        Registration | None,
        Meta(description="Who may register: `open`, `approve` or `token`; open on loopback, approve elsewhere"),
    ] = None
    node_id: Annotated[str | None, Meta(description="Name of this gateway among several; the host name by default")] = (
        None
    )
    tls_cert: Annotated[Path | None, Meta(description="Certificate chain (PEM); with it the gateway speaks wss://")] = (
        None
    )
    tls_key: Annotated[Path | None, Meta(description="Private key of tls_cert (PEM)")] = None
    tls_client_ca: Annotated[
        Path | None, Meta(description="CA (PEM) that must have signed the agents' client certificates")
    ] = None
    tls_client_cert_required: Annotated[
        bool, Meta(description="Whether agents without a client certificate are refused at the handshake")
    ] = False
    api_tls_cert: Annotated[
        Path | None, Meta(description="Certificate chain (PEM); with it the Actions API speaks https://")
    ] = None
    api_tls_key: Annotated[Path | None, Meta(description="Private key of api_tls_cert (PEM)")] = None
    webhook_url: Annotated[
        str | None, Meta(description="Where findings are posted as JSON when they open and when they are resolved")
    ] = None
    record_events: Annotated[
        Path | None, Meta(description="File to which every event is appended, for `holdfast findings replay`")
    ] = None
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks whose `Forwarded` and `X-Forwarded-For` are believed"),
    ] = ()
    allowed_hosts: Annotated[
        tuple[str, ...],
        Meta(description="Further names the API answers to in the Host header, such as that of a reverse proxy"),
    ] = ()
    compatibility: Annotated[
        Compatibility, Meta(description="Older agents' profile: by User-Agent (`auto`), for all (`on`) or never")
    ] = "auto"
    log_format: Annotated[LogFormat, Meta(description="`console`, `json`, or by whether stderr is a terminal")] = "auto"
    log_level: Annotated[LogLevel, Meta(description="Least severity that is logged")] = "info"
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
