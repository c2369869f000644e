"""How the gateway's port refuses: with a status, a code, and a body that explains."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, TooManyHeaders

from holdfast.faults import Problem, problem
from holdfast.gateway.pages import (
    STATUS_OF,
    accept_value,
    key_problem,
    refusal,
    switching_protocols,
    unparsed,
    upgrade_problem,
    wrong_path,
)

GOOD = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "k", "Sec-WebSocket-Version": "13"}

VISIBLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


def judged(method: str = "GET", protocol: str = "HTTP/1.1", **changes: str | None) -> Problem | None:
    headers = Headers()
    for name, value in (GOOD | {name.replace("_", "-"): text for name, text in changes.items()}).items():
        if value is not None:
            headers[name] = value
    return upgrade_problem(method, protocol, headers)


def test_a_request_that_is_right_may_go_on() -> None:
    assert judged() is None
    assert judged(Connection="keep-alive, UPGRADE", Upgrade="WebSocket") is None


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        (judged(Upgrade=None), "PXY-UPGRADE-STRIPPED", "something in between removed them"),
        (judged(Connection="close"), "PXY-UPGRADE-STRIPPED", "something in between removed them"),
        (judged(Connection="upgraded"), "PXY-UPGRADE-STRIPPED", "something in between removed them"),
        (judged(protocol="HTTP/1.0"), "PXY-UPGRADE-STRIPPED", "HTTP/1.0"),
        (judged(Upgrade=None, Via="1.1 squid"), "PXY-UPGRADE-STRIPPED", "removed"),
        (judged(Upgrade="h2c"), "PXY-UPGRADE-STRIPPED", "removed"),
        (judged(Upgrade=None, Sec_WebSocket_Key=None, Sec_WebSocket_Version=None), "WS-PLAIN-HTTP", "alive"),
        (judged("HEAD", Upgrade=None, Sec_WebSocket_Key=None, Sec_WebSocket_Version=None), "WS-PLAIN-HTTP", "HEAD"),
        (judged("HEAD"), "WS-METHOD", "this is HEAD"),
        (judged("POST"), "WS-METHOD", "this is POST"),
        (judged("\x1b[31m"), "WS-METHOD", "\\x1b"),
        (judged(Sec_WebSocket_Version="8"), "WS-BAD-VERSION", "is 8, not 13"),
        (judged(Sec_WebSocket_Version=None), "WS-BAD-VERSION", "missing"),
    ],
)
def test_each_way_in_which_an_upgrade_is_wrong_has_its_code(wrong: Problem | None, code: str, says: str) -> None:
    assert wrong is not None
    assert wrong.code == code
    assert says in wrong.why


def test_a_proxys_marks_are_the_evidence() -> None:
    wrong = judged(Upgrade=None, Via="1.1 squid")

    assert wrong is not None
    assert wrong.evidence == {"via": "1.1 squid"}


@pytest.mark.parametrize(("keys", "says"), [([], "missing"), (["x"], "16 bytes"), (["x", "y"], "came 2 times")])
def test_a_wrong_key_is_told_in_the_words_of_what_was_found(keys: list[str], says: str) -> None:
    headers = Headers()
    for key in keys:
        headers["Sec-WebSocket-Key"] = key

    wrong = key_problem(headers)

    assert accept_value(headers) is None
    assert (wrong.code, says in wrong.why) == ("WS-KEY-BAD", True)


def test_the_key_of_the_rfc_is_answered_as_in_the_rfc() -> None:
    headers = Headers({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})

    assert accept_value(headers) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_an_accepted_upgrade_is_answered_with_what_a_client_needs_and_our_own_headers() -> None:
    answer = switching_protocols("s3pP", {"Holdfast-Attempt": "a-1"}, second=0)

    assert answer.decode().split("\r\n") == [
        "HTTP/1.1 101 Switching Protocols",
        "Date: Thu, 01 Jan 1970 00:00:00 GMT",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pP",
        "Holdfast-Attempt: a-1",
        "",
        "",
    ]


def test_what_the_library_refused_to_parse_is_told_by_its_reason() -> None:
    def because(cause: Exception) -> Exception:
        error = InvalidMessage("did not receive a valid HTTP request")
        error.__cause__ = cause
        return error

    told = [
        unparsed("POST", because(ValueError("unsupported request body"))),
        unparsed("GET", because(ValueError("unsupported request body"))),
        unparsed("GET", because(NotImplementedError("transfer codings aren't supported"))),
        unparsed("GET", TooManyHeaders("more than 128 headers")),
        unparsed("GET", because(ValueError("invalid HTTP header line: \x1b"))),
        unparsed("GET", None),
    ]

    assert [wrong.code for wrong in told] == ["WS-METHOD"] * 3 + ["WS-PLAIN-HTTP"] * 3
    assert told[3].what == "the request is too large"
    assert "\\x1b" in told[4].why


@pytest.mark.parametrize(("code", "status"), list(STATUS_OF.items()))
def test_every_refusal_has_a_status_and_explains_itself_as_a_problem_document(code: str, status: int) -> None:
    response = refusal(problem(code, retry_after_s=2.4), "a-1")
    body = json.loads(response.body)

    assert response.status_code == body["status"] == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Connection"] == "close"
    assert response.headers["Holdfast-Code"] == body["code"] == code
    assert response.headers["Retry-After"] == "2"
    assert body["attempt"] == "a-1"
    assert body["title"]
    assert body["detail"]
    assert body["fix"]
    assert body["type"] == f"docs/diagnosis/{code}.md"


def test_a_wait_below_a_second_is_told_as_a_second() -> None:
    assert refusal(problem("WS-RATE-429", retry_after_s=0.2)).headers["Retry-After"] == "1"


def test_who_asks_with_a_wrong_method_or_version_is_told_the_right_ones() -> None:
    assert refusal(problem("WS-METHOD")).headers["Allow"] == "GET, HEAD"
    assert refusal(problem("WS-BAD-VERSION")).headers["Sec-WebSocket-Version"] == "13"


@given(path=st.text(max_size=300), upgrade=st.booleans())
def test_any_path_that_is_not_ours_is_answered_in_words_that_can_be_shown(path: str, upgrade: bool) -> None:
    wrong = wrong_path(path, upgrade=upgrade)

    assert wrong.code in ("WS-WRONG-PATH", "NET-WRONG-PORT")
    assert wrong.why.isprintable()


@given(
    method=st.text(max_size=20),
    protocol=st.sampled_from(["HTTP/1.0", "HTTP/1.1"]),
    fields=st.lists(st.tuples(st.sampled_from([*GOOD, "Via"]), st.text(VISIBLE, max_size=30)), max_size=8),
)
def test_any_headers_are_right_or_named(method: str, protocol: str, fields: list[tuple[str, str]]) -> None:
    headers = Headers()
    for name, value in fields:
        headers[name] = value

    wrong = upgrade_problem(method, protocol, headers)

    assert wrong is None or (wrong.code in STATUS_OF and wrong.why.isprintable())
