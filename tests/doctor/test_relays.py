"""The real gateway behind boxes that misbehave: what only size and time show."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.doctor import Report, Status
from holdfast.doctor.frames import Ended, Ending
from holdfast.doctor.quiet import Held, Trip, idle_problem, size_problem, sized_message
from tests.doctor.places import code_of, examined, line, surroundings
from tests.doctor.relays import falling_silent, hoarding, losing, relay, stripping
from tests.processes import ControlPlane, control_plane


@pytest.fixture(scope="module")
def holdfast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("holdfast") / "data") as running:
        yield running


async def through(port: int, tmp_path: Path, **options: object) -> Report:
    return await examined(f"ws://127.0.0.1:{port}/ws/agent", surroundings(tmp_path), **options)


async def test_a_relay_that_changes_nothing_is_not_noticed(holdfast: ControlPlane, tmp_path: Path) -> None:
    async with relay(holdfast.gateway_port) as port:
        report = await through(port, tmp_path)

    assert (report.ok, code_of(report)) == (True, None)


async def test_large_messages_that_vanish_are_a_black_hole(holdfast: ControlPlane, tmp_path: Path) -> None:
    async with relay(holdfast.gateway_port, there=losing(1450)) as port:
        report = await through(port, tmp_path, timeout_s=1.5)

    sizes = line(report, "sizes")
    assert (code_of(report), sizes.evidence["largest_that_passed"]) == ("NET-MTU-BLACKHOLE", 1400)
    assert (sizes.evidence["1400_bytes"] != "no answer", sizes.evidence["1500_bytes"]) == (True, "no answer")


async def test_small_messages_that_are_held_back_are_buffering(holdfast: ControlPlane, tmp_path: Path) -> None:
    async with relay(holdfast.gateway_port, there=hoarding(1500, 1.7)) as port:
        report = await through(port, tmp_path, timeout_s=4.0, dry_run=False)

    assert code_of(report) == "PXY-BUFFERING"


@pytest.mark.parametrize("dropped", [("upgrade", "connection"), ("upgrade",), ("connection",)])
async def test_a_proxy_that_removes_the_upgrade_headers_is_named_by_the_gateway(
    holdfast: ControlPlane, tmp_path: Path, dropped: tuple[str, ...]
) -> None:
    async with relay(holdfast.gateway_port, there=stripping(*dropped)) as port:
        report = await through(port, tmp_path)

    assert code_of(report) == "PXY-UPGRADE-STRIPPED"


async def test_a_box_that_ends_quiet_connections_is_measured(holdfast: ControlPlane, tmp_path: Path) -> None:
    async with relay(holdfast.gateway_port, idle_s=0.6) as port:
        report = await through(port, tmp_path, idle_s=5.0)

    idle = line(report, "idle")
    assert (code_of(report), idle.status) == ("PXY-IDLE-OTHER", Status.FAIL)
    assert 0.4 <= float(idle.evidence["quiet_s"] or 0) <= 2.0


async def test_a_box_that_forgets_quiet_connections_is_found_by_the_next_message(
    holdfast: ControlPlane, tmp_path: Path
) -> None:
    async with relay(holdfast.gateway_port, there=falling_silent(0.8)) as port:
        report = await through(port, tmp_path, idle_s=1.5, timeout_s=1.5)

    assert code_of(report) == "NET-NAT-IDLE"


def ended(how: Ending, quiet_s: float, age_s: float, headers: dict[str, str] | None = None, **told: object) -> str:
    held = Held(ended=Ended(how=how, **told), quiet_s=quiet_s, longest_quiet_s=quiet_s)  # type: ignore[arg-type]  # code and reason
    return idle_problem(held, age_s=age_s, headers=headers or {}).code


def test_the_time_of_the_end_names_the_box() -> None:
    assert ended(Ending.FIN, 60.4, 61) == "PXY-IDLE-60"
    assert ended(Ending.FIN, 30.0, 31) == "PXY-IDLE-OTHER"
    assert ended(Ending.FIN, 98.0, 99, {"cf-ray": "8f"}) == "PXY-IDLE-100"
    assert ended(Ending.FIN, 4.0, 300) == "PXY-MAX-DURATION"
    assert ended(Ending.RESET, 351.0, 352) == "PXY-IDLE-350"
    assert ended(Ending.RESET, 20.0, 21) == "NET-FW-RST"
    assert ended(Ending.BROKEN, 1.0, 2, reason="reserved bits") == "LIFE-PROTOCOL-1002"
    assert ended(Ending.CLOSE_FRAME, 1.0, 2, code=4408, reason="LIFE-SILENT: Send a message") == "LIFE-SILENT"


def test_what_the_sizes_mean() -> None:
    def code(*trips: tuple[int, float | None]) -> str | None:
        found = size_problem([Trip(size=size, ms=ms) for size, ms in trips], waited_s=5.0)
        return found.code if found else None

    assert code((200, 1.0), (1500, 1.2), (16_000, 3.0)) is None
    assert code((200, 1.0), (1500, None)) == "NET-MTU-BLACKHOLE"
    assert code((200, None), (16_000, 9.0)) == "PXY-BUFFERING"
    assert code((200, 5000.0), (16_000, 9.0)) == "PXY-BUFFERING"
    assert code((200, 5000.0), (16_000, 5200.0)) is None
    assert code((200, None), (16_000, None)) == "SRV-LOOP-LAG"


@pytest.mark.parametrize("size", [200, 1400, 16_000])
def test_a_sized_message_has_exactly_its_size(size: int) -> None:
    assert len(sized_message(size)) == size
