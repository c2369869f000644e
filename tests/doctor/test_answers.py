"""Answers of others than the gateway: what stands behind each, and what it does to the verdict."""

import time
from pathlib import Path

import pytest
from websockets.utils import accept_key

from holdfast.doctor import Report, Status
from tests.doctor.peers import Headers, answering, page, web_server
from tests.doctor.places import code_of, examined, line, surroundings
from tests.doubles.raw_listener import raw_listener

LOGIN = "<html><head><title>Please log in</title></head></html>"


async def seen(tmp_path: Path, answer: bytes, *, path: str = "/ws/agent") -> Report:
    """What the doctor says of a server that gives this answer to everything."""
    async with answering(lambda *_: answer) as port:
        return await examined(f"ws://127.0.0.1:{port}{path}", surroundings(tmp_path))


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (page(200, LOGIN, Content_Type="text/html"), "PXY-HTML-200", "'Please log in'"),
        (page(302, Location="https://sso.example/login?next=x"), "PXY-REDIRECT-HTTPS", "https://sso.example/login"),
        (page(302, Location="/login"), "PXY-HTML-200", "pointing to /login"),
        (
            page(502, "<html>502 Bad Gateway</html>", Server="nginx", Content_Type="text/html"),
            "PXY-BAD-GATEWAY",
            "by nginx",
        ),
        (page(504, "", Server="nginx"), "PXY-BAD-GATEWAY", "504"),
        (page(503, LOGIN, Content_Type="text/html"), "PXY-BAD-GATEWAY", "a proxy without a gateway behind it"),
        (page(401, ""), "WS-AUTH-401", "401"),
        (page(400, "", Server="nginx"), "PXY-UPGRADE-STRIPPED", "we sent Upgrade and Connection"),
        (page(426, "", Via="1.1 squid"), "PXY-UPGRADE-STRIPPED", "1.1 squid"),
        (page(421, "", Server="guard"), "NET-WRONG-PORT", "by guard"),
        (page(429, "", Retry_After="7"), "WS-RATE-429", "429"),
    ],
)
async def test_each_answer_has_its_name(tmp_path: Path, answer: bytes, code: str, words: str) -> None:
    report = await seen(tmp_path, answer)

    upgrade = line(report, "upgrade")
    assert (code_of(report), upgrade.problem and upgrade.problem.code) == (code, code)
    assert words in upgrade.because


async def test_a_redirect_to_https_gives_the_url_to_use(tmp_path: Path) -> None:
    report = await seen(tmp_path, page(301, Location="https://gateway.example/ws/agent"))

    assert report.verdict is not None
    assert (report.verdict.code, report.verdict.fix) == ("PXY-REDIRECT-HTTPS", "Use wss://gateway.example/ws/agent")


async def test_retry_after_is_kept(tmp_path: Path) -> None:
    report = await seen(tmp_path, page(429, Retry_After="7"))

    found = line(report, "upgrade").problem
    assert found is not None
    assert found.retry_after_s == 7.0


async def test_a_filter_is_unmasked_by_asking_as_a_browser(tmp_path: Path) -> None:
    def respond(_: str, __: str, headers: Headers) -> bytes:
        return page(200, "ok") if "Mozilla" in headers["user-agent"] else page(403, "<h1>Blocked</h1>", Server="guard")

    async with answering(respond) as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path))

    upgrade = line(report, "upgrade")
    assert (code_of(report), upgrade.evidence["as_browser"]) == ("PXY-WAF-403", 200)
    assert "a browser's User-Agent gets 200" in upgrade.because


async def test_the_gateways_own_refusal_is_told_in_its_own_words(tmp_path: Path) -> None:
    body = '{"code": "WS-FORBIDDEN-403", "title": "Not you", "detail": "origin is not listed", "fix": "List it"}'
    report = await seen(tmp_path, page(403, body, Content_Type="application/problem+json"))

    upgrade = line(report, "upgrade")
    assert upgrade.problem is not None
    assert (upgrade.problem.code, upgrade.because, upgrade.problem.fix) == (
        "WS-FORBIDDEN-403",
        "origin is not listed",
        "List it",
    )


async def test_a_foreign_service_with_the_right_path_beside_it_is_a_wrong_path(tmp_path: Path) -> None:
    ours = '{"code": "WS-PLAIN-HTTP"}'
    async with web_server({"/ws/agent": (400, ours)}) as port:
        report = await examined(f"ws://127.0.0.1:{port}/gateway/ws/agent", surroundings(tmp_path))

    assert code_of(report) == "WS-WRONG-PATH"
    assert "/ws/agent is there" in line(report, "upgrade").because


async def test_a_service_that_speaks_another_language_is_somebody_else(tmp_path: Path) -> None:
    async with answering(lambda *_: b"SSH-2.0-OpenSSH_9.9\r\n") as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path))

    assert code_of(report) == "PXY-HTML-200"
    assert "SSH-2.0-OpenSSH_9.9" in line(report, "health").because


async def test_a_box_that_ends_every_request_is_told(tmp_path: Path) -> None:
    async with answering(lambda *_: None) as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path))

    assert code_of(report) == "NET-FW-RST"


async def test_a_box_that_ends_only_upgrades_is_told_by_the_difference(tmp_path: Path) -> None:
    def respond(_: str, __: str, headers: Headers) -> bytes | None:
        return None if "upgrade" in headers else page(200, '{"service": "websocket-gateway"}')

    async with answering(respond) as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path))

    assert code_of(report) == "NET-FW-RST"
    assert line(report, "upgrade").because.startswith("plain HTTP to 127.0.0.1")


async def test_a_server_that_reads_and_never_answers_is_slow(tmp_path: Path) -> None:
    async with raw_listener(None) as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path), timeout_s=0.8)

    assert code_of(report) == "WS-HANDSHAKE-SLOW"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Sec_WebSocket_Accept": "AAAA"}, "WS-BAD-ACCEPT"),
        ({"Sec_WebSocket_Extensions": "permessage-deflate"}, "WS-EXTENSION"),
        ({"Sec_WebSocket_Protocol": "v9"}, "WS-SUBPROTOCOL"),
        ({"Upgrade": "h2c"}, "PXY-UPGRADE-STRIPPED"),
        ({"Connection": "close"}, "PXY-UPGRADE-STRIPPED"),
    ],
)
async def test_a_101_that_something_changed_is_refused_by_what_changed(
    tmp_path: Path, changed: Headers, code: str
) -> None:
    async with answering(lambda _, __, headers: switching(headers, changed)) as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path))

    found = line(report, "upgrade").problem
    assert found is not None
    assert found.code == code


async def test_a_101_without_the_gateways_own_headers_is_a_warning(tmp_path: Path) -> None:
    async with answering(lambda _, __, headers: switching(headers, {"Via": "1.1 box"})) as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path))

    upgrade = line(report, "upgrade")
    assert (upgrade.status, upgrade.evidence["added_on_the_way"]) == (Status.WARN, "via")
    assert upgrade.problem is not None
    assert upgrade.problem.code == "PXY-HEADER-DROPPED"


@pytest.mark.parametrize(("offset_s", "status"), [(0, Status.PASS), (-90, Status.WARN), (4000, Status.FAIL)])
async def test_the_clock_is_compared_with_every_answers_date(tmp_path: Path, offset_s: int, status: Status) -> None:
    report = await seen(tmp_path, page(404, date_s=time.time() + offset_s))

    clock = line(report, "clock")
    assert clock.status is status
    assert abs(float(clock.evidence["offset_s"] or 0) + offset_s) <= 2


async def test_an_answer_without_a_date_leaves_the_clock_unchecked(tmp_path: Path) -> None:
    report = await seen(tmp_path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    assert line(report, "clock").because == "not checked because no answer carried the gateway's time"


def switching(headers: Headers, changed: Headers) -> bytes:
    """The 101 to an upgrade, some of its headers changed; a page for everything else."""
    if "sec-websocket-key" not in headers:
        return page(200, '{"service": "websocket-gateway"}')
    told = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Accept": accept_key(headers["sec-websocket-key"]),
        **changed,
    }
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 101 Switching Protocols\r\n{head}\r\n".encode()
