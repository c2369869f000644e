"""Messages between the parts of the control plane."""

from holdfast.bus.bus import Bus, Subscription, Unsubscribe
from holdfast.bus.local import LocalBus

__all__ = ["Bus", "LocalBus", "Subscription", "Unsubscribe"]
