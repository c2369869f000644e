"""What an operator may choose about the gateway. Units stand in the names; limits are those of the protocol page."""

from typing import Literal

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on what a peer can make the gateway hold or do."""

    max_connections: int = 200_000
    max_unregistered: int = 4096
    max_unregistered_per_address: int = 64
    message_bytes_unregistered: int = 64 * 1024
    message_bytes_registered: int = 1024 * 1024
    messages_per_s: float = 20.0
    message_burst: int = 100
    registrations_per_s: float = 10.0
    registration_burst: int = 50
    write_buffer_bytes: int = 2 * 1024 * 1024


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the gateway needs to know to run; paths are of PEM files."""

    host: str = "127.0.0.1"
    port: int = 8080
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    tls_client_cert_required: bool = False
    handshake_s: float = 10.0
    first_message_s: float = 5.0
    silent_close_s: float = 300.0
    message_s: float = 30.0
    ping_interval_s: float = 20.0
    dead_after_s: float = 60.0
    challenge_ttl_s: float = 120.0
    heartbeat_interval_s: float = 20.0
    clock_skew_s: float = 300.0
    session_s: float = 86_400.0
    drain_s: float = 10.0
    compatibility: Literal["auto", "on", "off"] = "auto"
    trusted_proxies: tuple[str, ...] = ()
    limits: Limits = Limits()
