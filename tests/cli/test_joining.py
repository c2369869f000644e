"""Both sides joined on the command line: by the doctor at once, and later with its saved report."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import holdfast
from tests.processes import ControlPlane, control_plane, free_ports


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running `holdfast up`."""
    with control_plane(tmp_path_factory.mktemp("joining") / "data") as running:
        yield running


def test_the_doctor_asks_for_the_gateways_half_where_the_api_is_named(plane: ControlPlane) -> None:
    done = holdfast("doctor", plane.agent_url, "--api", plane.api_url)

    assert done.code == 0, done.err
    told = done.out.partition("Joined with the gateway's half:")[2]
    assert "got as far as challenge, ended by close-frame" in told
    assert "The doctor found nothing that keeps an agent from working" in " ".join(told.split())


def test_where_nothing_arrived_the_gateway_proves_it(plane: ControlPlane) -> None:
    (closed,) = free_ports(1)

    done = holdfast("doctor", f"ws://127.0.0.1:{closed}/ws/agent", "--api", plane.api_url, "--host-id", "web-01")

    assert done.code == 1
    told = " ".join(done.out.partition("Joined with the gateway's half:")[2].split())
    assert "gateway recorded nothing of this examination" in told
    assert "no byte of web-01 is recorded at this gateway" in told


def test_a_saved_report_is_joined_later(plane: ControlPlane, tmp_path: Path) -> None:
    saved = tmp_path / "report.json"
    saved.write_text(holdfast("doctor", plane.agent_url, "--json").out)

    by_its_own = holdfast("attempts", "join", "-", str(saved), "--api", plane.api_url, "--json")
    attempt = json.loads(saved.read_text())["attempt"]
    by_name = holdfast("attempts", "join", attempt, str(saved), "--api", plane.api_url)

    assert (by_its_own.code, by_name.code) == (0, 0)
    assert by_its_own.json()["attempt"] == attempt
    assert f"gateway {attempt} got as far as challenge" in by_name.out


def test_an_api_that_does_not_answer_is_told_and_the_doctors_own_verdict_stands(plane: ControlPlane) -> None:
    (closed,) = free_ports(1)

    done = holdfast("doctor", plane.agent_url, "--api", f"http://127.0.0.1:{closed}", "--json")

    assert "joined" not in done.json()
    assert done.err.startswith("not joined with the gateway's half: the API at http://127.0.0.1")
    assert done.json()["verdict"] is not None


@pytest.mark.parametrize(("content", "why"), [("", "it has 0 bytes"), ("{", "it is no JSON"), ("{}", "missing")])
def test_a_file_that_holds_no_report_is_refused(plane: ControlPlane, tmp_path: Path, content: str, why: str) -> None:
    saved = tmp_path / "report.json"
    saved.write_text(content)

    done = holdfast("attempts", "join", "-", str(saved), "--api", plane.api_url)

    assert done.code in (1, 2)
    assert why in done.err
