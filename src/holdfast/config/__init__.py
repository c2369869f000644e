"""The configuration, read once: flags, then the environment, then a TOML file, then defaults."""

from holdfast.config.effective import Effective, Value, load
from holdfast.config.model import Config, Limits, Registration, Timeouts
from holdfast.config.problems import CONFIGURATION_CODES, Misconfigured

__all__ = [
    "CONFIGURATION_CODES",
    "Config",
    "Effective",
    "Limits",
    "Misconfigured",
    "Registration",
    "Timeouts",
    "Value",
    "load",
]
