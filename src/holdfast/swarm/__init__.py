"""Many healthy agents in one process: the load and the quiet against which a gateway and its findings are judged."""

from holdfast.swarm.cause import first_cause
from holdfast.swarm.descriptors import make_room
from holdfast.swarm.fleet import Fleet
from holdfast.swarm.options import SwarmOptions
from holdfast.swarm.tally import Progress, Summary

__all__ = ["Fleet", "Progress", "Summary", "SwarmOptions", "first_cause", "make_room"]
