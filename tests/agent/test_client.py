"""The agent against a gateway on a real socket."""

from pathlib import Path

from holdfast import Agent
from holdfast.agent import State
from tests.doubles.scripted_gateway import UID, scripted_gateway, welcome


async def test_an_agent_registers_and_says_so(tmp_path: Path) -> None:
    async with (
        scripted_gateway(welcome) as gateway,
        Agent(gateway.url, state_dir=tmp_path / "a", host_id="db-1") as agent,
    ):
        status = await agent.wait_registered(5)

        assert (status.state, status.uid, status.attempt, status.problem) == (State.READY, UID, "att-1", None)
