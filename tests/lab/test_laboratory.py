"""`holdfast lab` as people run it: faults injected into a running gateway and into planes of its own, and named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.lab import INJECTIONS, Laboratory, Outcome, Result, Target
from tests.cli.commands import holdfast
from tests.processes import ControlPlane, control_plane

SIDES = ("SIG-ORDER", "MSG-NOT-JSON", "LIFE-SILENT", "WS-BAD-VERSION", "PXY-HTML-200", "TLS-EXPIRED")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("lab") / "data") as running:
        yield running


async def test_faults_of_either_side_are_named_with_code_and_blame(tmp_path: Path) -> None:
    told: list[Result] = []

    async with Laboratory(tmp_path) as laboratory:
        results = await laboratory.run([INJECTIONS[code] for code in SIDES], told.append)

    assert [(r.code, r.outcome, r.why) for r in results if r.outcome is not Outcome.NAMED] == []
    assert [r.code for r in results] == list(SIDES)
    assert sorted(r.code for r in told) == sorted(SIDES)


async def test_a_running_gateway_is_rehearsed_with_where_its_settings_do(tmp_path: Path, plane: ControlPlane) -> None:
    target = Target(url=plane.agent_url, api_url=plane.api_url)

    async with Laboratory(tmp_path, target) as laboratory:
        (result,) = await laboratory.run([INJECTIONS["SIG-TRAILING"]], lambda _: None)

    assert result.outcome is Outcome.NAMED, result.why
    assert plane.get("/findings?code=SIG-TRAILING").json()["findings"]


def test_the_command_prints_the_matrix_and_ends_with_0(plane: ControlPlane) -> None:
    said = holdfast("lab", "KEY-LENGTH", "--url", plane.agent_url, "--api", plane.api_url)

    assert said.code == 0, said.err
    assert "KEY-LENGTH" in said.out
    assert "1 named" in said.err


def test_a_mistyped_fault_is_answered_with_the_nearest() -> None:
    said = holdfast("lab", "SIG-ODER")

    assert said.code == 2
    assert "SIG-ORDER" in said.err


def test_the_list_tells_how_each_fault_is_injected_and_what_it_needs() -> None:
    said = holdfast("lab", "NET", "--list", columns=160)

    assert said.code == 0
    assert "a port where nobody listens" in said.out
    assert "netns" in said.out


def test_a_swarm_with_faulty_agents_counts_their_faults_and_stays_well(plane: ControlPlane) -> None:
    said = holdfast("swarm", plane.agent_url, "--agents", "50", "--faulty", "4%", "--duration", "4", "--json")

    assert said.code == 0, said.err
    document = said.json()
    assert document["ok"] is True
    assert document["injected"]
