"""From the configuration to what gateway and listeners take."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from holdfast.api.about import Setting
from holdfast.config import Config, Value
from holdfast.config.keys import keys
from holdfast.gateway import GatewaySettings
from holdfast.gateway import Limits as GatewayLimits


def gateway_settings(config: Config) -> GatewaySettings:
    """What of the configuration concerns the gateway."""
    return GatewaySettings(
        host=bindable(config.host),
        port=config.gateway_port,
        tls_cert=_text(config.tls_cert),
        tls_key=_text(config.tls_key),
        tls_client_ca=_text(config.tls_client_ca),
        tls_client_cert_required=config.tls_client_cert_required,
        compatibility=config.compatibility,
        trusted_proxies=config.trusted_proxies,
        limits=GatewayLimits(**msgspec.structs.asdict(config.limits)),
        **msgspec.structs.asdict(config.timeouts),
    )


def shown_settings(values: Sequence[Value]) -> tuple[Setting, ...]:
    """The effective configuration as the API tells it."""
    return tuple(
        Setting(
            key=value.key, value=_shown(value.value), source=value.source, description=keys()[value.key].description
        )
        for value in values
    )


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def bindable(host: str) -> str:
    """The address to listen on. `localhost` is one address here, not two with a port each."""
    return "127.0.0.1" if host == "localhost" else host


def reachable(host: str) -> str:
    """A host for a URL on this machine that reaches a listener on `host`."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, never bound
    return f"[{name}]" if ":" in name else name
