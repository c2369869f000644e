"""A store that fails under a running server: agents are told, `/readyz` says it, nobody crashes, nothing is lost."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import PostgresServer
from tests.e2e.disks import Disk, LimitedFiles, small_disk
from tests.e2e.fleet import HASTE, beat_all, eventually, fleet, holdfast_up, listed
from tests.gateway.loopback import Heard, peer
from tests.processes import ControlPlane

HEALTHY = 20


def ready(running: ControlPlane) -> tuple[int, str | None]:
    """Status of `/readyz`, and the code it names."""
    answer = running.get("/readyz")
    return answer.status_code, answer.json().get("code")


async def refused(running: ControlPlane, host_id: str) -> tuple[Heard, tuple[int, str]]:
    """What an agent hears that registers while the store is ill, and how it ends."""
    async with peer(running.gateway_port, host_id) as agent:
        answer = await agent.init()
        if answer.code is None:
            answer = await agent.ask("agent.registration.complete", agent.completion(answer.payload))
        return answer, await agent.ended()


async def live_through(
    running: ControlPlane, code: str, *, make_ill: Callable[[], object], make_well: Callable[[], object]
) -> None:
    """The whole course of an illness, with healthy agents connected all the time."""
    async with fleet(running, HEALTHY) as healthy:
        await asyncio.to_thread(make_ill)
        (told, ended), said, acks = await asyncio.gather(
            refused(running, "late-01"), asyncio.to_thread(ready, running), beat_all(healthy)
        )
        await asyncio.to_thread(make_well)
        await eventually(lambda: ready(running)[0] == 200, "/readyz to be well", within_s=30)
        async with peer(running.gateway_port, "late-01") as late:
            await late.register()
            acks |= await beat_all(healthy)
            await eventually(
                lambda: [agent["status"] for agent in listed(running).values()] == ["online"] * (HEALTHY + 1),
                "everybody to be online",
                within_s=15,
            )

    assert (told.type, told.code) == ("error", code)
    assert told.payload["retry_after"] > 0
    assert told.payload["fix"]
    assert (ended[0], ended[1].split(":")[0]) == (1013, code)
    assert said == (503, code)
    assert acks == {"ack"}
    assert "Traceback" not in running.child.output()


def filled(disk: Disk, running: ControlPlane) -> dict[str, Callable[[], object]]:
    return {"make_ill": lambda: disk.fill(running), "make_well": lambda: disk.free(running)}


async def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    disk = small_disk(folder)
    with holdfast_up(folder, environ=HASTE, before=disk.before) as running:
        await live_through(running, disk.code, **filled(disk, running))
        await asyncio.to_thread(running.child.stop)


async def test_files_that_may_not_grow_are_told_and_survived(tmp_path: Path) -> None:
    disk = LimitedFiles()
    with holdfast_up(tmp_path / "data", environ=HASTE) as running:
        await live_through(running, disk.code, **filled(disk, running))
        await asyncio.to_thread(running.child.stop)


async def test_a_locked_database_is_told_and_survived(tmp_path: Path) -> None:
    with holdfast_up(tmp_path / "data", environ=HASTE) as running, locker(running) as other:
        await live_through(
            running, "SRV-DB-DOWN",
            make_ill=lambda: other.execute("BEGIN EXCLUSIVE"), make_well=lambda: other.execute("ROLLBACK"),
        )  # fmt: skip
        await asyncio.to_thread(running.child.stop)


async def test_a_stop_does_not_wait_for_a_locked_database_again_and_again(tmp_path: Path) -> None:
    with holdfast_up(tmp_path / "data", environ=HASTE) as running, locker(running) as other:
        async with fleet(running, 3):
            other.execute("BEGIN EXCLUSIVE")
            begun = time.monotonic()
            await asyncio.to_thread(running.child.stop)

            assert time.monotonic() - begun < 15  # one busy timeout of 5 s, where six would be 30 s


@contextlib.contextmanager
def locker(running: ControlPlane) -> Iterator[sqlite3.Connection]:
    """Another program that has the database open."""
    [file] = running.data_dir.glob("*.db")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        yield other


@pytest.mark.timeout(120)
async def test_a_postgresql_that_goes_away_and_comes_back_is_told_and_survived(
    tmp_path: Path, postgres_server: PostgresServer, postgres_url: str
) -> None:
    started = contextlib.ExitStack()
    with started, holdfast_up(tmp_path / "data", "--database-url", postgres_url, environ=HASTE) as running:

        def stop() -> None:
            started.callback(postgres_server.start)
            postgres_server.stop()

        await live_through(running, "SRV-DB-DOWN", make_ill=stop, make_well=started.close)
        await asyncio.to_thread(running.child.stop)
