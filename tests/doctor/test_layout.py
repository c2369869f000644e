"""The report as people read it: narrow, in a log, without colour."""

import pytest

from holdfast.doctor import Check, Report, Status
from holdfast.doctor.layout import check_lines, consequence_lines, is_consequence, summary_lines
from holdfast.doctor.report import BLOCKED_BY, failed, passed, skipped, verdict, warned
from holdfast.faults import problem

REFUSED = problem("NET-CONN-REFUSED", why="192.0.2.7:8080: Connection refused after 0.3 ms", fix="Start the gateway")
STALE = problem("NET-DNS-STALE", why="the hosts file pins gw")


def report(*checks: Check, attempt: str | None = None, broken: bool = False) -> Report:
    return Report(
        url="ws://gw/ws/agent",
        started_at="2026-01-01T00:00:00.000Z",
        ok=not any(check.status is Status.FAIL for check in checks),
        broken=broken,
        verdict=verdict(checks),
        attempt=attempt,
        checks=checks,
        took_ms=1.0,
    )


def test_what_passed_takes_one_line() -> None:
    check = passed("tcp", "connected", {"rtt": 1}, title="tcp 127.0.0.1:8080")

    assert check_lines(check, columns=60) == ["PASS  tcp 127.0.0.1:8080 · connected"]


def test_what_failed_shows_its_code_its_evidence_and_one_fix() -> None:
    check = failed("tcp", REFUSED, {"error": "ECONNREFUSED", "port_8083": "closed"}, title="tcp 192.0.2.7:8080")

    assert check_lines(check, columns=60) == [
        "FAIL  tcp 192.0.2.7:8080 · NET-CONN-REFUSED: 192.0.2.7:8080:",
        "      Connection refused after 0.3 ms",
        "      error      ECONNREFUSED",
        "      port_8083  closed",
        "      fix   Start the gateway",
    ]


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    check = failed("tcp", REFUSED, {"long": "x" * 300, "words": "word " * 60}, title="tcp 192.0.2.7:8080")

    for line in [*check_lines(check, columns=columns), *summary_lines(report(check, attempt="a-1"), columns=columns)]:
        assert len(line) <= columns


def test_a_peers_text_cannot_steer_the_terminal() -> None:
    found = problem("PXY-HTML-200", why="a page titled \x1b[2J", fix="\x1b[31mred")
    lines = check_lines(failed("health", found, {"title": "\u202eevil\n"}), columns=80)

    assert not [line for line in lines if "\x1b" in line or "\u202e" in line or "\n" in line]


def test_what_only_a_failure_kept_from_being_looked_at_is_told_together() -> None:
    checks = [
        failed("tcp", REFUSED),
        skipped("tls", "tcp failed", {BLOCKED_BY: "tcp"}),
        skipped("health", "tcp failed", {BLOCKED_BY: "tcp"}),
        skipped("idle", "no --idle was given"),
    ]

    assert [is_consequence(check) for check in checks] == [False, True, True, False]
    assert consequence_lines(checks, columns=80) == ["SKIP  not checked because tcp failed: tls, health"]


def test_the_first_failure_is_the_cause_even_behind_a_warning() -> None:
    checks = (warned("name", STALE), failed("tcp", REFUSED), failed("health", problem("NET-FW-RST")))

    assert verdict(checks) == REFUSED
    assert verdict(checks[:1]) == STALE
    assert verdict((passed("url", "fine"), skipped("tls", "there is none"))) is None


def test_the_summary_says_the_cause_and_where_the_other_half_is() -> None:
    lines = summary_lines(report(failed("tcp", REFUSED), attempt="a-1"), columns=80)

    assert lines == [
        "An agent cannot work from here: 1 failed.",
        "      cause NET-CONN-REFUSED Nothing listens on that host and port",
        "      why   192.0.2.7:8080: Connection refused after 0.3 ms",
        "      fix   Start the gateway",
        "      more  holdfast explain NET-CONN-REFUSED",
        "The gateway's half:",
        "      holdfast attempts show a-1",
    ]


def test_a_warning_leaves_the_way_open_and_is_told() -> None:
    lines = summary_lines(report(passed("url", "fine"), warned("name", STALE)), columns=80)

    assert lines[0] == "An agent can connect from here, with a warning: 1 passed, 1 with a warning."


def test_nothing_wrong_is_one_line_with_what_was_not_checked() -> None:
    checked = report(passed("url", "fine"), skipped("idle", "no --idle was given"))

    assert summary_lines(checked, columns=80) == ["No problem found: 1 passed, 1 not checked."]


def test_a_doctor_that_failed_itself_does_not_pretend() -> None:
    lines = summary_lines(report(passed("url", "fine"), broken=True), columns=80)

    assert lines == ["The doctor itself failed, and what it says may be wrong: 1 passed."]
