"""Holdfast: the control plane for fleets of host agents that tells you why one is not connected."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.agent.client import Agent

__all__ = ["Agent"]


def __getattr__(name: str) -> object:
    """`Agent`, loaded when it is first asked for: `import holdfast` alone stays quick, as every command needs it."""
    if name != "Agent":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from holdfast.agent.client import Agent

    return Agent
