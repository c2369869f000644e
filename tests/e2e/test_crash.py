"""A server that is killed in the middle of everything: what was confirmed is kept, and nothing is half."""

import asyncio
import contextlib
import signal
from pathlib import Path

from nacl.signing import SigningKey
from websockets.exceptions import WebSocketException

from holdfast.model import agent_uid
from tests.e2e.fleet import HASTE, holdfast_up, listed
from tests.gateway.loopback import peer
from tests.processes import ControlPlane

AGENTS = 1000
AT_ONCE = 50
KILLED_AFTER = 400


async def register_until_the_end(running: ControlPlane, keys: list[SigningKey]) -> set[str]:
    """Register one agent per key, kill the server on the way, and return the uids that were confirmed."""
    confirmed: set[str] = set()
    waiting = list(enumerate(keys))

    async def work() -> None:
        while waiting:
            number, key = waiting.pop()
            with contextlib.suppress(WebSocketException, OSError, TimeoutError):
                async with peer(running.gateway_port, f"web-{number}", key=key) as agent:
                    await agent.register()
                    confirmed.add(agent.uid)
            if len(confirmed) >= KILLED_AFTER and running.child.process.poll() is None:
                running.child.process.send_signal(signal.SIGKILL)
                running.child.process.wait()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return confirmed


async def test_every_confirmed_agent_survives_a_kill_and_none_is_half(tmp_path: Path) -> None:
    keys = [SigningKey.generate() for _ in range(AGENTS)]
    with holdfast_up(tmp_path / "data", environ=HASTE) as running:
        confirmed = await register_until_the_end(running, keys)
        assert running.child.process.returncode == -signal.SIGKILL

    with holdfast_up(tmp_path / "data", environ=HASTE) as again:
        found = await asyncio.to_thread(listed, again)
        by_uid = {agent_uid(bytes(key.verify_key)): number for number, key in enumerate(keys)}
        async with peer(again.gateway_port, key=keys[0]) as agent:
            await agent.register()  # whether it was confirmed or not

    assert KILLED_AFTER <= len(confirmed) < AGENTS
    assert confirmed <= set(found)
    assert len(found) <= len(confirmed) + AT_ONCE, "only those in flight may be stored without our knowledge"
    for uid, row in found.items():
        assert row["host_id"] == f"web-{by_uid[uid]}"
        assert row["fingerprint"]
        assert row["registered_at"]
        assert row["status"] == "offline"
