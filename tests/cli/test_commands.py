"""The client commands against a running control plane, for people and for programs."""

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest
from websockets.sync.client import connect

from holdfast.faults import CATALOGUE
from tests.cli.commands import Outcome, holdfast
from tests.processes import ControlPlane, control_plane, wait_until

NARROW = 60


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with one agent."""
    with control_plane(tmp_path_factory.mktemp("up") / "data", "--with-agent") as plane:
        wait_until(
            lambda: plane.get("/agents?status=online").json()["total"] == 1, within_s=20, waiting_for="the agent"
        )
        yield plane


@pytest.fixture(scope="module")
def admin(running: ControlPlane) -> str:
    """An administrator's token."""
    created = holdfast("tokens", "create", "--role", "admin", "--name", "ada", "--data-dir", str(running.data_dir))
    assert created.code == 0, created.err
    return created.out.strip()


def ask(running: ControlPlane, *arguments: str, token: str = "", columns: int = 100) -> Outcome:
    """A client command asked of `running`."""
    environ = {"HOLDFAST_API_URL": running.api_url, "HOLDFAST_TOKEN": token}
    return holdfast(*arguments, environ=environ, columns=columns)


@pytest.fixture(scope="module")
def host(running: ControlPlane) -> str:
    """The host_id of the agent that runs."""
    name: str = running.get("/agents").json()["agents"][0]["host_id"]
    return name


def test_agents_are_listed_for_people_and_for_programs(running: ControlPlane, host: str) -> None:
    people, programs = ask(running, "agents", "list"), ask(running, "agents", "list", "--json")

    assert (people.code, programs.code) == (0, 0)
    assert host in people.out
    assert "1 of 1" in people.err
    assert programs.json() == {**running.get("/agents").json(), "agents": programs.json()["agents"]}


def test_a_narrow_terminal_gets_narrow_lines(running: ControlPlane) -> None:
    listed = ask(running, "agents", "list", columns=NARROW)
    shown = ask(running, "agents", "show", running.get("/agents").json()["agents"][0]["agent_uid"], columns=NARROW)
    attempts = ask(running, "attempts", "list", columns=NARROW)

    for outcome in (listed, shown, attempts):
        assert outcome.code == 0, outcome.err
        assert max(len(line) for line in outcome.out.splitlines()) <= NARROW
        assert "\x1b" not in outcome.out


def test_the_server_refuses_and_the_command_says_what_why_and_fix(running: ControlPlane, host: str) -> None:
    refused = ask(running, "agents", "label", host, "env=prod")

    assert refused.code == 1
    assert "error: An API token is needed [API-TOKEN-MISSING]" in refused.err
    assert "holdfast tokens create --role operator" in refused.err
    assert "--token-file, or the token itself in HOLDFAST_TOKEN" in refused.err
    assert "Authorization" not in refused.err
    assert refused.out == ""


def test_labels_are_set_and_removed_and_a_note_is_written(running: ControlPlane, host: str, admin: str) -> None:
    labelled = ask(running, "agents", "label", host, "env=prod", "rack=7", "rack-", token=admin)
    noted = ask(running, "agents", "note", host, "disk is being replaced", token=admin)

    agent = ask(running, "agents", "show", host, "--json").json()
    assert (labelled.code, noted.code) == (0, 0)
    assert agent["labels"] == {"env": "prod", "holdfast": "local"}
    assert agent["note"] == "disk is being replaced"


def test_a_label_that_was_set_before_is_removed(running: ControlPlane, admin: str) -> None:
    ask(running, "agents", "expect", "x1", "--label", "env=prod", "--label", "team=db", token=admin)

    removed = ask(running, "agents", "label", "x1", "env-", token=admin)

    assert (removed.code, "now has team=db\n" in removed.out) == (0, True), removed.err + removed.out
    assert ask(running, "agents", "show", "x1", "--json").json()["labels"] == {"team": "db"}


@pytest.mark.parametrize("typed", ["banana", "=x", "-"])
def test_a_label_without_key_or_value_is_wrong_usage_and_changes_nothing(
    running: ControlPlane, host: str, admin: str, typed: str
) -> None:
    before = ask(running, "agents", "show", host, "--json").json()["labels"]

    refused = ask(running, "agents", "label", "--", host, typed, token=admin)

    assert refused.code == 2
    assert "fix: Write KEY=VALUE to set a label and KEY- to remove one" in refused.err
    assert ask(running, "agents", "show", host, "--json").json()["labels"] == before


def test_a_host_is_expected_found_and_forgotten(running: ControlPlane, admin: str) -> None:
    expected = ask(running, "agents", "expect", "db-7", "--label", "env=test", token=admin)
    listed = ask(running, "agents", "list", "--status", "never-connected", "--label", "env=test", "--json")
    forgotten = ask(running, "agents", "delete", "db-7", "--yes", token=admin)

    assert (expected.code, forgotten.code) == (0, 0), expected.err + forgotten.err
    assert listed.json()["total"] == 1
    assert ask(running, "agents", "show", "db-7").code == 1


def test_who_is_not_connected_cannot_be_disconnected(running: ControlPlane, admin: str) -> None:
    ask(running, "agents", "expect", "db-9", token=admin)

    asked = ask(running, "agents", "disconnect", "db-9", token=admin)

    assert asked.code == 0
    assert "is not connected: there is nothing to disconnect" in asked.out


def test_an_agent_is_revoked_and_approved_and_the_audit_log_tells_it(
    running: ControlPlane, host: str, admin: str
) -> None:
    ask(running, "agents", "expect", "db-8", token=admin)
    revoked = ask(running, "agents", "revoke", "db-8", "--reason", "sold", token=admin)
    approved = ask(running, "agents", "approve", "db-8", token=admin)

    log = ask(running, "audit", "list", "--actor", "ada", "--json").json()["records"]

    assert "is revoked" in revoked.out
    assert "is approved" in approved.out
    assert isinstance(log, list)
    assert [record["action"] for record in log[:2]] == ["agent.approve", "agent.revoke"]


def test_attempts_are_listed_and_one_is_shown_with_its_timeline(running: ControlPlane) -> None:
    attempts = wait_until(
        lambda: ask(running, "attempts", "list", "--open", "--json").json()["attempts"] or None,
        within_s=10,
        waiting_for="the attempt in the ledger",
    )

    assert isinstance(attempts, list)
    shown = ask(running, "attempts", "show", attempts[0]["attempt"])
    assert shown.code == 0, shown.err
    assert "registered" in shown.out


def test_an_attempt_tells_the_fix_of_each_of_its_codes_and_no_count_that_was_not_made(
    running: ControlPlane,
) -> None:
    with connect(running.agent_url, proxy=None) as gateway:
        gateway.send("no JSON")
    found = wait_until(
        lambda: ask(running, "attempts", "list", "--ended", "--code", "MSG-NOT-JSON", "--json").json()["attempts"],
        within_s=10,
        waiting_for="the attempt in the ledger",
    )

    assert isinstance(found, list)
    shown = ask(running, "attempts", "show", found[0]["attempt"])

    assert CATALOGUE["MSG-NOT-JSON"].fix in " ".join(shown.out.split())
    assert "bytes out" in shown.out
    assert "+0.0" in shown.out

    refused = httpx.get(f"{running.gateway_url}/ws/agent", trust_env=False, timeout=10).json()["attempt"]
    wait_until(lambda: running.get(f"/attempts/{refused}").is_success or None, within_s=10, waiting_for="the refusal")
    assert "bytes out" not in ask(running, "attempts", "show", refused).out


@pytest.mark.parametrize("columns", [50, 80])
def test_ids_are_never_broken(running: ControlPlane, admin: str, columns: int) -> None:
    agent = running.get("/agents").json()["agents"][0]["agent_uid"]
    attempt = running.get("/attempts").json()["attempts"][0]["attempt"]

    assert agent in ask(running, "agents", "list", columns=columns).out
    assert agent in ask(running, "agents", "show", agent, columns=columns).out
    assert attempt in ask(running, "attempts", "list", columns=columns).out
    for command in ("agents", "attempts", "audit"):
        listed = ask(running, command, "list", columns=columns)
        assert max(len(line) for line in listed.out.splitlines()) <= columns


def test_every_page_is_fetched_when_asked_for(running: ControlPlane, admin: str) -> None:
    for number in range(3):
        ask(running, "agents", "expect", f"page-{number}", "--label", "paged=yes", token=admin)

    first = ask(running, "agents", "list", "--label", "paged", "--limit", "2", "--json").json()
    every = ask(running, "agents", "list", "--label", "paged", "--limit", "2", "--all", "--json").json()

    assert isinstance(first["agents"], list)
    assert isinstance(every["agents"], list)
    assert (len(first["agents"]), len(every["agents"]), every["next_cursor"]) == (2, 3, None)


def test_a_host_id_that_two_agents_claim_is_not_guessed(running: ControlPlane, admin: str) -> None:
    for org in ("one", "two"):
        ask(running, "agents", "expect", "twin", "--org", org, token=admin)

    shown = ask(running, "agents", "show", "twin")

    assert shown.code == 2
    assert "2 agents have the host_id twin" in shown.err


def test_what_a_peer_claims_cannot_steer_the_terminal(running: ControlPlane, admin: str) -> None:
    name = "evil\u202ehost"
    made = ask(running, "agents", "expect", name, "--note", "[red]x[/red] \x1b[31m", token=admin)

    listed = ask(running, "agents", "list", "-q", "evil")
    shown = ask(running, "agents", "show", name)

    assert made.code == 0, made.err
    for outcome in (made, listed, shown):
        assert "\u202e" not in outcome.out
        assert "\x1b" not in outcome.out
    assert "evil\\u202ehost" in listed.out
    assert "[red]x[/red] \\x1b[31m" in shown.out


def test_tokens_are_listed_and_revoked_by_name(running: ControlPlane) -> None:
    place = ["--data-dir", str(running.data_dir)]
    created = holdfast("tokens", "create", "--role", "viewer", "--name", "ci", "--expires", "30d", "--json", *place)
    listed = holdfast("tokens", "list", "--json", *place)
    revoked = holdfast("tokens", "revoke", "ci", *place)

    assert str(created.json()["secret"]).startswith("hfa_")
    assert str(created.json()["secret"]) not in listed.out
    assert revoked.code == 0
    assert ask(running, "agents", "list", token=str(created.json()["secret"])).code == 1


def test_enrolment_tokens_are_created_listed_and_revoked(running: ControlPlane) -> None:
    place = ["--data-dir", str(running.data_dir)]
    created = holdfast("enrolment", "create", "--name", "rack-7", "--max-uses", "4", "--label", "rack=7", *place)
    revoked = holdfast("enrolment", "revoke", "rack-7", *place)
    listed = holdfast("enrolment", "list", "--json", *place).json()["enrolment_tokens"]

    assert created.out.startswith("hfe_")
    assert revoked.code == 0
    assert isinstance(listed, list)
    assert [(token["name"], token["max_uses"], token["labels"]) for token in listed] == [("rack-7", 4, {"rack": "7"})]
    assert listed[0]["revoked_at"] is not None


def test_an_api_that_is_away_is_told_with_its_address(tmp_path: Path) -> None:
    asked = holdfast("agents", "list", "--api", "http://127.0.0.1:9")

    assert asked.code == 1
    assert "error: the Actions API at http://127.0.0.1:9 does not answer [SRV-ACTIONS-API-DOWN]" in asked.err


def test_the_gateways_port_in_place_of_the_apis_is_recognised(running: ControlPlane) -> None:
    asked = holdfast("agents", "list", "--api", running.gateway_url)

    assert asked.code == 1
    assert "[NET-WRONG-PORT]" in asked.err


def hang_up(listener: socket.socket) -> None:
    """Take one connection and end it."""
    listener.accept()[0].close()


def test_a_port_of_another_program_is_told_from_an_api_that_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        thread = Thread(target=hang_up, args=(stranger,))
        thread.start()
        asked = holdfast("agents", "list", "--api", f"http://127.0.0.1:{stranger.getsockname()[1]}")
        thread.join()

    assert asked.code == 1
    assert "[NET-WRONG-PORT]" in asked.err
    assert "fix: Name the Actions API with --api" in asked.err


def test_an_address_of_the_api_needs_no_scheme(running: ControlPlane) -> None:
    asked = holdfast("agents", "list", "--api", f"127.0.0.1:{running.api_port}")

    assert asked.code == 0, asked.err


def test_an_agent_that_is_not_there_is_told_with_the_command_that_lists_them(running: ControlPlane) -> None:
    shown = ask(running, "agents", "show", "nobody")

    assert shown.code == 1
    assert "fix: List the agents with `holdfast agents list`" in shown.err


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://", "http://127.0.0.1:99999", "http://127.0.0.1:banana"])
def test_an_address_that_is_none_is_wrong_usage(url: str) -> None:
    asked = holdfast("agents", "list", "--api", url)

    assert (asked.code, "Traceback" in asked.err) == (2, False)


def test_a_token_comes_from_a_file(running: ControlPlane, host: str, admin: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(admin + "\n")

    noted = holdfast("agents", "note", host, "x", "--api", running.api_url, "--token-file", str(file))
    missing = holdfast("agents", "list", "--api", running.api_url, "--token-file", str(tmp_path / "none"))

    assert noted.code == 0, noted.err
    assert (missing.code, "cannot be read" in missing.err) == (2, True)
