"""The doctor: what stands between this host and a gateway, looked at from the agent's side, before any credential."""

from holdfast.doctor.examination import Watcher, examine
from holdfast.doctor.options import Options, Surroundings
from holdfast.doctor.report import Check, Report, Status

__all__ = ["Check", "Options", "Report", "Status", "Surroundings", "Watcher", "examine"]
