"""Who may ask for what."""

import pytest

from holdfast.api.access import Access, Asker, bearer, check_host, check_origin, check_role
from holdfast.faults import Problem
from holdfast.model import Role

LOCAL = Access("127.0.0.1")
PUBLIC = Access("0.0.0.0")


@pytest.mark.parametrize(
    "header", ["127.0.0.1", "127.0.0.1:8083", "localhost:8083", "LOCALHOST", "[::1]:8083", "127.8.9.1:1", "localhost."]
)
def test_a_loopback_listener_answers_to_loopback_names(header: str) -> None:
    assert check_host(LOCAL, header) is None


@pytest.mark.parametrize(
    "header",
    ["evil.example", "evil.example:8083", "127.0.0.1.evil.example", "localhost.evil.example", "", None, "[", "@"],
)
def test_a_loopback_listener_refuses_every_other_name(header: str | None) -> None:
    refusal = check_host(LOCAL, header)

    assert refusal is not None
    assert refusal.code == "API-HOST"


def test_names_that_were_allowed_are_answered_to() -> None:
    assert check_host(Access("127.0.0.1", frozenset({"fleet.example"})), "fleet.example:443") is None


def test_away_from_loopback_any_name_will_do_because_everything_needs_a_token() -> None:
    assert check_host(PUBLIC, "whatever.example") is None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8083", "http://127.0.0.1:8083"),
        ("fleet.example", "https://fleet.example"),
        ("fleet.example:443", "https://fleet.example"),
        ("fleet.example", "http://fleet.example:80"),
        ("127.0.0.1:8083", None),
    ],
)
def test_the_apis_own_pages_and_programs_may_ask(host: str, origin: str | None) -> None:
    assert check_origin(host_header=host, origin=origin, fetch_site=None, fetch_mode=None) is None


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://127.0.0.1:3000", "http://localhost:8083", "null", "", "file://", "http://[",
     "http://127.0.0.1:x"],
)  # fmt: skip
def test_pages_of_another_origin_may_not(origin: str) -> None:
    refusal = check_origin(host_header="127.0.0.1:8083", origin=origin, fetch_site=None, fetch_mode=None)

    assert refusal is not None
    assert refusal.code == "API-ORIGIN"


@pytest.mark.parametrize(
    ("site", "mode", "refused"),
    [
        ("cross-site", "no-cors", True),
        ("same-site", "cors", True),
        ("cross-site", "navigate", False),
        ("same-origin", "cors", False),
        ("none", "navigate", False),
    ],
)
def test_what_the_browser_says_of_the_page_counts_where_there_is_no_origin(site: str, mode: str, refused: bool) -> None:
    refusal = check_origin(host_header="127.0.0.1:8083", origin=None, fetch_site=site, fetch_mode=mode)

    assert (refusal is not None) == refused


@pytest.mark.parametrize("header", ["Bearer hfa_abc", "bearer hfa_abc", " Bearer  hfa_abc "])
def test_a_bearer_token_is_read_in_any_usual_form(header: str) -> None:
    assert bearer(header) == "hfa_abc"


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("Token hfa_abc", "the scheme is Token, not Bearer"),
        ('Bearer "hfa_abc"', "the token stands in quotes or brackets"),
        ("Bearer hfe_abc", "the token does not begin with hfa_"),
        ("Bearer", "the token does not begin with hfa_"),
        ("Basic aGZhXw==", "the scheme is Basic, not Bearer"),
    ],
)
def test_any_other_authorization_is_refused_and_says_why(header: str, why: str) -> None:
    refusal = bearer(header)

    assert isinstance(refusal, Problem)
    assert (refusal.code, refusal.why) == ("API-TOKEN-BAD", why)


# What is asked for, from where and by whom; and the code of the refusal, or None.
@pytest.mark.parametrize(
    ("access", "holds", "needs", "writes", "code"),
    [
        (LOCAL, None, Role.VIEWER, False, None),
        (LOCAL, None, Role.OPERATOR, True, "API-TOKEN-MISSING"),
        (LOCAL, None, Role.ADMIN, False, "API-TOKEN-MISSING"),
        (LOCAL, Role.VIEWER, Role.OPERATOR, True, "API-ROLE"),
        (LOCAL, Role.OPERATOR, Role.OPERATOR, True, None),
        (LOCAL, Role.OPERATOR, Role.ADMIN, False, "API-ROLE"),
        (LOCAL, Role.ADMIN, Role.ADMIN, True, None),
        (PUBLIC, None, None, False, None),
        (PUBLIC, None, Role.VIEWER, False, "API-TOKEN-MISSING"),
        (PUBLIC, Role.VIEWER, Role.VIEWER, False, None),
        (PUBLIC, Role.ADMIN, Role.VIEWER, False, None),
    ],
)
def test_the_table_of_roles(
    access: Access, holds: Role | None, needs: Role | None, writes: bool, code: str | None
) -> None:
    asker = Asker("somebody", holds) if holds else None

    refusal = check_role(access, asker, needs, writes=writes)

    assert (refusal.code if refusal else None) == code
