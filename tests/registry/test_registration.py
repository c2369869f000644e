"""Who is let in, and what is stored of them."""

import asyncio

from holdfast.model import Admission, Status, agent_uid
from holdfast.registry import Registry
from tests.registry.fleet import claim, key


async def test_a_registered_agent_is_listed_as_online(registry: Registry) -> None:
    registered = await registry.register(claim("web-01"))

    page = await registry.list_agents()
    assert registered.agent_uid == agent_uid(key("web-01"))
    assert registered.first_time
    assert registered.admission is Admission.APPROVED
    assert [(agent.host_id, agent.status) for agent in page.agents] == [("web-01", Status.ONLINE)]


async def test_many_agents_register_at_once(registry: Registry) -> None:
    await asyncio.gather(*(registry.register(claim(f"host-{n}")) for n in range(300)))

    assert (await registry.list_agents()).total == 300
