"""Forward proxies from the environment: which one applies, where it was set, and what it does."""

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.doctor import Status, Surroundings
from holdfast.doctor.proxies import applying, is_exempt, shown_settings
from holdfast.doctor.target import Target
from tests.doctor.peers import web_server
from tests.doctor.places import code_of, examined, line, surroundings
from tests.doctor.relays import connect_proxy
from tests.processes import ControlPlane, control_plane, free_ports

PLAIN = Target(secure=False, host="gateway.test", port=8080, path="/ws/agent")
SECURE = Target(secure=True, host="gateway.test", port=443, path="/ws/agent")


@pytest.fixture(scope="module")
def holdfast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("holdfast") / "data") as running:
        yield running


@pytest.mark.parametrize(
    ("target", "environ", "variable"),
    [
        (PLAIN, {"HTTP_PROXY": "http://p:1"}, "HTTP_PROXY"),
        (PLAIN, {"HTTP_PROXY": "http://p:1", "https_proxy": "http://q:1"}, "https_proxy"),
        (PLAIN, {"HTTP_PROXY": "http://p:1", "http_proxy": ""}, None),
        (PLAIN, {"ALL_PROXY": "http://p:1"}, None),
        (SECURE, {"HTTP_PROXY": "http://p:1"}, None),
        (SECURE, {"WSS_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "WSS_PROXY"),
        (PLAIN, {"HTTP_PROXY": "http://p:1", "NO_PROXY": "test"}, None),
        (PLAIN, {"HTTP_PROXY": "http://p:1", "NO_PROXY": "other.test, .nother"}, "HTTP_PROXY"),
    ],
)
def test_the_proxy_is_chosen_as_the_agents_library_chooses_it(
    tmp_path: Path, target: Target, environ: dict[str, str], variable: str | None
) -> None:
    found = applying(target, Surroundings(environ=environ, root=tmp_path))

    assert (found.variable if found else None) == variable


@pytest.mark.parametrize(
    "no_proxy", ["", "*", "gateway.test", ".test", "test", "est", "gateway.test:8080", "a,b, test"]
)
def test_exemptions_are_those_of_the_standard_library(no_proxy: str) -> None:
    theirs = getattr(urllib.request, "proxy_bypass_environment")("gateway.test:8080", {"no": no_proxy})  # noqa: B009

    assert is_exempt(PLAIN, no_proxy) == bool(theirs)


def test_a_setting_is_traced_to_the_file_that_makes_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "environment").write_text("LANG=C\nHTTP_PROXY=http://p:1\n")
    here = Surroundings(environ={"HTTP_PROXY": "http://p:1"}, root=tmp_path)

    found = applying(PLAIN, here)
    assert found is not None
    assert found.source == "set in /etc/environment"


def test_passwords_in_proxy_settings_are_not_shown() -> None:
    shown = shown_settings({"HTTP_PROXY": "http://user:secret@p:1/", "NO_PROXY": "a,b", "HOME": "/root"})

    assert shown == {"HTTP_PROXY": "http://p:1/", "NO_PROXY": "a,b"}


async def test_a_proxy_that_is_not_there_is_named_with_its_variable_and_the_way_around_it(tmp_path: Path) -> None:
    async with web_server({}) as port:
        closed = free_ports(1)[0]
        here = surroundings(tmp_path, environ={"HTTP_PROXY": f"http://127.0.0.1:{closed}"})
        report = await examined(f"ws://127.0.0.1:{port}", here)

    assert report.verdict is not None
    assert (report.verdict.code, report.verdict.fix) == (
        "PXY-ENV-PROXY",
        "Add 127.0.0.1 to NO_PROXY in the service's environment",
    )
    assert "HTTP_PROXY applies" in line(report, "proxy-settings").because
    assert "the gateway can be reached directly" in line(report, "proxy").because


async def test_a_proxy_that_wants_credentials_says_which_kind(tmp_path: Path) -> None:
    async with connect_proxy(user="agent:secret") as port:
        here = surroundings(tmp_path, environ={"HTTP_PROXY": f"http://127.0.0.1:{port}"})
        report = await examined("ws://127.0.0.1:1", here)

    proxy = line(report, "proxy")
    assert (code_of(report), proxy.evidence["scheme"]) == ("PXY-AUTH-407", 'Basic realm="office"')
    assert proxy.evidence["proxy_says"] == "Who are you?"


async def test_a_proxy_that_forbids_the_port_is_asked_about_443_as_well(tmp_path: Path) -> None:
    async with connect_proxy(ports=()) as port:
        here = surroundings(tmp_path, environ={"HTTP_PROXY": f"http://127.0.0.1:{port}"})
        report = await examined("ws://127.0.0.1:1", here)

    assert code_of(report) == "PXY-CONNECT-DENIED"
    assert line(report, "proxy").evidence["port_443"] == "refused with 403"


async def test_a_proxy_that_cannot_reach_the_gateway_is_an_environment_fault(tmp_path: Path) -> None:
    async with web_server({}) as gateway, connect_proxy(status=502) as port:
        here = surroundings(tmp_path, environ={"HTTP_PROXY": f"http://127.0.0.1:{port}"})
        report = await examined(f"ws://127.0.0.1:{gateway}", here)

    assert code_of(report) == "PXY-ENV-PROXY"


async def test_a_proxy_setting_that_is_no_url_is_pointed_out(tmp_path: Path) -> None:
    here = surroundings(tmp_path, environ={"HTTP_PROXY": "gopher://p"})
    report = await examined("ws://127.0.0.1:1", here)

    assert line(report, "proxy-settings").status is Status.FAIL


async def test_everything_is_looked_at_through_a_proxy_that_grants(holdfast: ControlPlane, tmp_path: Path) -> None:
    async with connect_proxy(user="agent:secret") as port:
        here = surroundings(tmp_path, environ={"HTTP_PROXY": f"http://agent:secret@127.0.0.1:{port}"})
        report = await examined(holdfast.agent_url, here)

    assert (report.ok, code_of(report)) == (True, None)
    assert line(report, "proxy").because == f"CONNECT 127.0.0.1:{holdfast.gateway_port} is granted"


def test_these_tests_run_without_a_proxy_of_their_own() -> None:
    # The agent's own client reads the process's environment: a proxy there would be in the way of every test here.
    assert not [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "ws_proxy", "wss_proxy")]
