"""Word of findings to somebody else's server, a real one on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import msgspec
import pytest
from msgspec.structs import replace

from holdfast.bus import LocalBus
from holdfast.diagnosis.webhook import Delivery, Webhook
from holdfast.model.findings import Finding, FindingChanged, Mark
from tests.diagnosis.fleet import Gateway, Host


@dataclass
class Receiver:
    """An HTTP server that takes deliveries, and refuses the next ones with the statuses it is told."""

    port: int = 0
    refusals: list[int] = field(default_factory=list)
    tries: int = 0
    taken: list[Delivery] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        body = await reader.readexactly(length)
        self.tries += 1
        status = self.refusals.pop(0) if self.refusals else 204
        if status == 204:
            self.taken.append(msgspec.json.decode(body, type=Delivery))
        writer.write(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()


class Marks:
    """Who muted what."""

    def __init__(self) -> None:
        self.muted: dict[str, Mark] = {}
        self.findings: dict[str, Finding] = {}

    async def get(self, finding_id: str) -> Finding:
        return replace(self.findings[finding_id], muted=self.muted.get(finding_id))


@dataclass
class Scene:
    receiver: Receiver
    marks: Marks
    bus: LocalBus

    def tell(self, finding: Finding, change: str = "opened") -> None:
        self.marks.findings[finding.id] = finding
        self.bus.publish(FindingChanged(change=change, finding=finding))

    async def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not holds():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    receiver, marks, bus = Receiver(), Marks(), LocalBus()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hook = Webhook(f"http://127.0.0.1:{port}/hook", findings=marks, bus=bus, clock=time.time, first_wait_s=0.01)
    hook.start()
    yield Scene(receiver, marks, bus)
    await hook.close()
    server.close()
    await server.wait_closed()


def finding(code: str = "MSG-NOT-JSON") -> Finding:
    gateway = Gateway()
    gateway.connect(Host()).refuse(code)
    return gateway.one(code)


async def test_an_open_and_a_resolved_finding_are_posted_once_each_and_updates_are_not(scene: Scene) -> None:
    found = finding()

    scene.tell(found)
    scene.tell(replace(found, count=2), "updated")
    scene.tell(replace(found, count=2, resolved_at=found.last_seen + 5), "resolved")

    await scene.until(lambda: len(scene.receiver.taken) == 2)
    opened, resolved = scene.receiver.taken
    assert (opened.event, resolved.event) == ("finding.opened", "finding.resolved")
    assert (opened.finding.code, opened.finding.first_seen) == ("MSG-NOT-JSON", "2025-11-24T16:01:00.000Z")
    assert resolved.finding.resolved_at == "2025-11-24T16:01:05.000Z"


async def test_a_server_that_is_ill_for_a_moment_is_asked_again(scene: Scene) -> None:
    scene.receiver.refusals = [503, 500, 429]

    scene.tell(finding())

    await scene.until(lambda: len(scene.receiver.taken) == 1)
    assert scene.receiver.tries == 4


async def test_what_a_server_refuses_for_good_does_not_hold_up_the_next(scene: Scene) -> None:
    scene.receiver.refusals = [404]

    scene.tell(finding())
    scene.tell(finding("MSG-TS-MILLIS"))

    await scene.until(lambda: len(scene.receiver.taken) == 1)
    assert [delivery.finding.code for delivery in scene.receiver.taken] == ["MSG-TS-MILLIS"]
    assert scene.receiver.tries == 2


async def test_a_muted_finding_is_not_posted_until_its_mute_ends(scene: Scene) -> None:
    muted, over = finding(), finding("MSG-TS-MILLIS")
    scene.marks.muted[muted.id] = Mark(at=0.0, by="ann", reason="known")
    scene.marks.muted[over.id] = Mark(at=0.0, by="ann", reason="known", until=time.time() - 1)

    scene.tell(muted)
    scene.tell(over)

    await scene.until(lambda: len(scene.receiver.taken) == 1)
    assert scene.receiver.taken[0].finding.code == "MSG-TS-MILLIS"
