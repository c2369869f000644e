"""Who sees which page, what a browser is trusted with, and what another site cannot make it do."""

import os
import pty
import re
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from holdfast.dashboard.site import ROUTES
from tests.dashboard.raw_agents import raw_agent
from tests.processes import BIN, ControlPlane, environment

UP = ("--host", "0.0.0.0")  # not loopback: nothing is open
PAGES = ("/", "/ui/agents", "/ui/attempts", "/ui/findings", "/ui/connect", "/ui/audit", "/ui/tokens", "/ui/settings")
Browser = httpx.Client


@pytest.fixture
def browser(plane: ControlPlane) -> Iterator[Browser]:
    """A browser that nobody has signed in, without its screen."""
    with httpx.Client(base_url=plane.api_url, trust_env=False, timeout=10) as client:
        yield client


def proof(page: httpx.Response) -> str:
    """The hidden field that every form has to send back."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found[1]


def sign_in(browser: Browser, token: str, after: str = "/ui/audit", **headers: str) -> httpx.Response:
    data = {"csrf": proof(browser.get("/ui/sign-in")), "token": token, "next": after}
    return browser.post("/ui/sign-in", data=data, headers=headers)


def session_of(browser: Browser) -> str:
    return next(
        (cookie.value or "" for cookie in browser.cookies.jar if cookie.name.startswith("holdfast_session")), ""
    )


def test_away_from_loopback_every_page_asks_to_sign_in_first_and_returns(
    browser: Browser, token: Callable[[str], str]
) -> None:
    answers = [browser.get(path) for path in PAGES]
    with_query = browser.get("/ui/agents?status=online&q=a%26b")
    answer = sign_in(browser, token("viewer"), after="/ui/agents?status=online&q=a%26b")

    assert {answer.status_code for answer in answers} == {303}
    assert with_query.headers["location"] == "/ui/sign-in?next=/ui/agents%3Fstatus%3Donline%26q%3Da%2526b"
    assert answer.headers["location"] == "/ui/agents?status=online&q=a%26b"
    assert browser.get("/ui/agents").status_code == 200


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/%09//x\t", ""])
def test_signing_in_leads_nowhere_else(browser: Browser, token: Callable[[str], str], elsewhere: str) -> None:
    assert sign_in(browser, token("viewer"), after=elsewhere).headers["location"] == "/"


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(browser: Browser, token: Callable[[str], str]) -> None:
    plain = sign_in(browser, token("viewer")).headers["set-cookie"]
    behind_tls = sign_in(browser, token("viewer"), **{"X-Forwarded-Proto": "https"}).headers["set-cookie"]

    for part in ("holdfast_session_", "HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"):
        assert part in plain
    assert "Secure" not in plain
    assert "Secure" in behind_tls


def test_a_wrong_token_is_refused_with_the_fix_and_starts_no_session(browser: Browser) -> None:
    answer = sign_in(browser, "hfa_" + "a" * 38)

    assert answer.status_code == 401
    assert "holdfast tokens create --name me --role admin" in unescape(answer.text)
    assert session_of(browser) == ""


def test_signing_out_ends_the_session_on_the_server_too(browser: Browser, token: Callable[[str], str]) -> None:
    sign_in(browser, token("viewer"))
    kept = session_of(browser)
    browser.post("/ui/sign-out", data={"csrf": proof(browser.get("/ui/agents"))})

    again = browser.get("/ui/agents", headers={"Cookie": f"holdfast_session_{browser.base_url.port}={kept}"})

    assert session_of(browser) == ""
    assert again.status_code == 303


def test_a_revoked_token_ends_its_sessions(browser: Browser, plane: ControlPlane, token: Callable[[str], str]) -> None:
    admin = {"Authorization": f"Bearer {token('admin')}"}
    made = httpx.post(
        f"{plane.api_url}/tokens", json={"name": "short", "role": "viewer"}, headers=admin, trust_env=False
    ).json()
    sign_in(browser, made["secret"])
    before = browser.get("/ui/agents").status_code

    httpx.delete(f"{plane.api_url}/tokens/{made['token']['token_id']}", headers=admin, trust_env=False)

    assert (before, browser.get("/ui/agents").status_code) == (200, 303)


@pytest.fixture
def printed_link(tmp_path: Path) -> Iterator[str]:
    """The link that `holdfast up` tells a terminal, and no file."""
    ours, theirs = pty.openpty()
    command = [str(BIN / "holdfast"), "up", "--gateway-port", "0", "--api-port", "0", "--data-dir", str(tmp_path)]
    environ = {**environment(), "COLUMNS": "200", "HOLDFAST_TIMEOUTS__DRAIN_S": "0"}
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environ) as process:
        os.close(theirs)
        try:
            told = ""
            while (found := re.search(r"http://\S+/ui/once/\S+(?=\r?\n)", told)) is None:
                told += os.read(ours, 4096).decode("utf-8", "replace")
            yield found[0]
        finally:
            process.terminate()
            process.wait()
            os.close(ours)


def test_the_printed_link_signs_in_once_and_looking_at_it_does_not_use_it_up(printed_link: str) -> None:
    with httpx.Client(trust_env=False) as first, httpx.Client(trust_env=False) as second:
        page = first.get(printed_link)
        second.get(printed_link)

        used = first.post(printed_link, data={"csrf": proof(page)})
        again = second.post(printed_link, data={"csrf": proof(second.get(printed_link))})

        assert (used.status_code, again.status_code) == (303, 401)
        assert first.get(urljoin(printed_link, "/ui/tokens")).status_code == 200
        assert "one-time link" in first.get(urljoin(printed_link, "/ui/audit")).text


def test_every_form_needs_the_proof_of_its_own_page(browser: Browser, token: Callable[[str], str]) -> None:
    sign_in(browser, token("admin"))
    paths = [
        re.sub(r"\{\w+:str\}", "x", path) for route in ROUTES if "POST" in route.http_methods for path in route.paths
    ]
    assert len(paths) >= 10

    for path in paths:
        for data in ({}, {"csrf": "0" * 64}):
            answer = browser.post(path, data=data)
            assert answer.status_code == 403, path
            assert "API-ORIGIN" in answer.text


def test_a_page_of_another_origin_cannot_post(browser: Browser, token: Callable[[str], str]) -> None:
    sign_in(browser, token("admin"))
    data = {"csrf": proof(browser.get("/ui/agents")), "do": "approve"}

    answer = browser.post("/ui/agents/bulk", data=data, headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403


def test_the_api_takes_no_cookies(browser: Browser, token: Callable[[str], str]) -> None:
    sign_in(browser, token("admin"))

    assert session_of(browser)
    assert browser.get("/agents").status_code == 401


def test_roles_are_those_of_the_api(browser: Browser, token: Callable[[str], str]) -> None:
    sign_in(browser, token("viewer"))
    approve = browser.post("/ui/agents/bulk", data={"csrf": proof(browser.get("/ui/agents")), "do": "approve"})
    viewers_tokens = browser.get("/ui/tokens")
    sign_in(browser, token("operator"))

    assert approve.status_code == 403
    assert viewers_tokens.status_code == 403
    assert browser.get("/ui/tokens").status_code == 403
    sign_in(browser, token("admin"))
    assert browser.get("/ui/tokens").status_code == 200


def test_no_page_holds_a_script_or_style_of_its_own_and_the_browser_is_told_to_run_none(
    browser: Browser, token: Callable[[str], str]
) -> None:
    sign_in(browser, token("admin"))

    for path in (*PAGES, "/ui/sign-in", "/docs", "/docs/LIFE-SILENT", "/ui/nothing-here"):
        answer = browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'; style-src 'self'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=\"", answer.text), path


def test_files_may_be_kept_for_ever_and_are_compressed(browser: Browser, token: Callable[[str], str]) -> None:
    sign_in(browser, token("viewer"))
    names = re.findall(r"/ui/assets/[^\"]+", browser.get("/").text)
    assert len(names) >= 7

    for name in names:
        answer = browser.get(name)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert browser.get(next(name for name in names if name.endswith(".css"))).headers["content-encoding"] == "gzip"


def test_a_filter_that_there_is_not_does_not_answer_with_everything(
    browser: Browser, token: Callable[[str], str]
) -> None:
    sign_in(browser, token("viewer"))

    for path in ("/ui/agents?stauts=online", "/ui/agents?status=on", "/ui/attempts?step=x", "/ui/findings?show=x"):
        assert browser.get(path).status_code == 400, path


def test_agents_are_exported_whole_and_no_cell_is_a_formula(
    browser: Browser, plane: ControlPlane, token: Callable[[str], str]
) -> None:
    sign_in(browser, token("viewer"))
    with raw_agent(plane.gateway_port, "=HYPERLINK(0)") as formula, raw_agent(plane.gateway_port, "plain") as plain:
        formula.register(labels={"a": "b"})
        plain.register()
        table = browser.get("/ui/agents.csv?q=HYPERLINK")
        listed = browser.get("/ui/agents.json").json()

    head, row = table.text.split("\r\n")[:2]
    assert head.startswith("host_id,agent_uid,org_id,status")
    assert row.startswith("'=HYPERLINK(0),agt_")
    assert '"{""a"":""b""}"' in row
    assert table.headers["content-disposition"] == 'attachment; filename="agents.csv"'
    assert {"=HYPERLINK(0)", "plain"} <= {agent["host_id"] for agent in listed}


def test_the_type_of_a_problem_leads_to_its_page(browser: Browser) -> None:
    for uri in ("/docs/diagnosis/LIFE-SILENT.md", "/docs/reference/rest-api.md"):
        assert browser.get(uri, follow_redirects=True).status_code == 200
