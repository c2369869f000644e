"""A store full of agents: `python -m bench.seed SQLITE_FILE COUNT`, through the store and its own statements."""

import asyncio
import hashlib
import sys
import time
from typing import Final

import sqlalchemy as sa

from holdfast.model import Registration
from holdfast.registry.admission import RegistrationPolicy
from holdfast.registry.presence_rows import PresenceStatements
from holdfast.registry.registration import Admissions, Entrant, entrant
from holdfast.store import open_store

SLICE: Final = 2_000
ORGS: Final = 20
NODE: Final = "bench"
WITHIN_S: Final = 30 * 86_400.0  # they registered one after the other in that time, the last one now


async def fill(file: str, count: int) -> None:
    """Register `count` agents that are offline now, in `ORGS` organisations."""
    store = await open_store(f"sqlite:///{file}")
    admit = Admissions(RegistrationPolicy.OPEN, store.dialect)
    began = time.time() - WITHIN_S
    for start in range(0, count, SLICE):
        part = [
            _entrant(number, began + WITHIN_S * number / count) for number in range(start, min(count, start + SLICE))
        ]

        def register(connection: sa.Connection, entrants: list[Entrant] = part) -> None:
            admit(connection, entrants)

        await store.write(register)
    statements = PresenceStatements(NODE)
    await store.write(lambda connection: statements.end_what_a_crash_left(connection, time.time()))
    await store.close()


def _entrant(number: int, at: float) -> Entrant:
    host_id, key = f"bench-{number:07d}", hashlib.sha256(b"%d" % number).digest()  # nobody signs with it
    registration = Registration(
        org_id=f"org-{number % ORGS}",
        host_id=host_id,
        public_key=key,
        attempt=f"a-{number:016d}",
        machine_id_hash=key.hex(),
        agent_version=f"1.{number % 7}.0",
        capabilities={"metrics": True, "actions": True},
        platform={"os": "linux", "arch": "amd64"},
        network={"hostname": host_id},
        remote_address="192.0.2.1:40000",
    )
    return entrant(registration, token=None, node=NODE, interval_s=20.0, now=at)


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1], int(sys.argv[2])))
