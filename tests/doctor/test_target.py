"""The URL that an agent was given, read before anything is dialled."""

from pathlib import Path

import pytest

from holdfast.doctor import Status
from holdfast.doctor.target import Target, read_url, shown_url
from holdfast.faults import Problem
from tests.doctor.places import code_of, examined, line, surroundings


@pytest.mark.parametrize(
    ("text", "secure", "host", "port", "path"),
    [
        ("ws://gateway:8080/ws/agent", False, "gateway", 8080, "/ws/agent"),
        ("wss://gateway.example", True, "gateway.example", 443, "/ws/agent"),
        ("ws://[::1]:8080/ws/agent?site=1", False, "::1", 8080, "/ws/agent?site=1"),
        ("WS://Gateway/other", False, "gateway", 80, "/other"),
    ],
)
def test_a_url_of_a_gateway_is_taken_apart(text: str, secure: bool, host: str, port: int, path: str) -> None:
    assert read_url(text) == Target(secure=secure, host=host, port=port, path=path)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("http://gateway:8080/ws/agent", "Use ws://gateway:8080/ws/agent"),
        ("https://gateway/ws/agent", "Use wss://gateway:443/ws/agent"),
        ("'ws://gateway:8080/ws/agent'", "Use ws://gateway:8080/ws/agent"),
        ("ws://gateway:8080/ws/agent ", "Use ws://gateway:8080/ws/agent"),
        ("ws://gateway:8080/ws/ agent", "Remove the white space"),
        ("gateway:8080/ws/agent", "Use ws://gateway:8080/ws/agent"),
    ],
)
def test_a_url_that_no_client_takes_is_refused_with_the_right_one(text: str, fix: str) -> None:
    found = read_url(text)

    assert isinstance(found, Problem)
    assert (found.code, found.fix) == ("WS-WRONG-SCHEME", fix)


def test_neither_user_nor_password_nor_query_is_ever_shown() -> None:
    assert shown_url("wss://user:secret@gateway:9/ws/agent?token=secret") == "wss://gateway:9/ws/agent"


async def test_a_url_that_cannot_be_dialled_leaves_nothing_else_to_look_at(tmp_path: Path) -> None:
    report = await examined("https://user:secret@gateway/ws/agent", surroundings(tmp_path))

    assert (code_of(report), report.ok, report.url) == ("WS-WRONG-SCHEME", False, "https://gateway/ws/agent")
    assert {check.status for check in report.checks if check.name != "url"} == {Status.SKIP}
    assert line(report, "tcp").because == "not checked because url failed"
