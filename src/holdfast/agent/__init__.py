"""The agent: keeps a registered connection to a gateway for as long as its host lives.

`Agent` is the SDK, `run_agent` the command on top of it. Needs nothing of the server.
"""

from holdfast.agent.client import Agent
from holdfast.agent.run import AgentOptions, run_agent
from holdfast.agent.status import State, Status

__all__ = ["Agent", "AgentOptions", "State", "Status", "run_agent"]
