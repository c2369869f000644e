"""The WebSocket gateway: it registers agents, keeps them connected, and records what went wrong."""

from holdfast.gateway.effects import Explained, FailedProof
from holdfast.gateway.journal import Journal
from holdfast.gateway.orders import Orders
from holdfast.gateway.server import Gateway
from holdfast.gateway.settings import GatewaySettings, Limits

__all__ = ["Explained", "FailedProof", "Gateway", "GatewaySettings", "Journal", "Limits", "Orders"]
