"""From what a library or the system says to the named problem: with real sockets, real TLS and real refusals."""

import asyncio
import errno
import socket
import ssl
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from holdfast.agent.dialling import Dialler, Tls
from holdfast.agent.failures import Stage, close_problem, dial_problem, loss_problem, target_of, url_problem
from holdfast.agent.http_answers import proxy_problem
from holdfast.faults import Problem, Refused
from tests.agent.certificates import Authority
from tests.doubles.raw_listener import raw_listener

URL = "ws://gateway.example:8080/ws/agent"


def http(status: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


async def dialled(url: str, *, ca_file: Path | None = None, client_cert: Path | None = None) -> Problem:
    """What a dial of `url` came to, which has to be a failure."""
    dialler = Dialler(url, tls=Tls(ca_file=ca_file, client_cert=client_cert), user_agent="test", open_s=0.5)
    outcome = await dialler.dial()
    assert not isinstance(outcome, ClientConnection)
    return outcome


async def answered(answer: bytes | None) -> Problem:
    async with raw_listener(answer) as port:
        return await dialled(f"ws://127.0.0.1:{port}/ws/agent")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(200, "Content-Type: text/html", body="<html>Sign in"), "PXY-HTML-200"),
        (http(301, "Location: https://127.0.0.1/ws/agent"), "PXY-REDIRECT-HTTPS"),
        (http(302, "Location: /login"), "PXY-REDIRECT-HTTPS"),
        (http(400), "PXY-UPGRADE-STRIPPED"),
        (http(400, body="The plain HTTP request was sent to HTTPS port"), "TLS-PLAIN-TO-TLS"),
        (http(401), "WS-AUTH-401"),
        (http(403, "Server: cloudflare"), "PXY-WAF-403"),
        (http(404), "WS-WRONG-PATH"),
        (http(407), "PXY-AUTH-407"),
        (http(418), "PXY-WAF-403"),
        (http(426), "PXY-UPGRADE-STRIPPED"),
        (http(429), "WS-RATE-429"),
        (http(500), "PXY-BAD-GATEWAY"),
        (http(502), "PXY-BAD-GATEWAY"),
        (http(503), "WS-UNAVAILABLE-503"),
        (http(504), "PXY-BAD-GATEWAY"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "PXY-UPGRADE-STRIPPED"),
        (
            http(101, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Accept: AAAA"),
            "WS-BAD-ACCEPT",
        ),
        (b"\x15\x03\x03\x00\x02\x02\x46", "TLS-PLAIN-TO-TLS"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "NET-FW-RST"),
        (b"", "NET-FW-RST"),
        (None, "WS-HANDSHAKE-SLOW"),
    ],
)
async def test_an_answer_that_is_no_upgrade_is_named(answer: bytes | None, code: str) -> None:
    found = await answered(answer)

    assert found.code == code
    assert "127.0.0.1" in found.why


async def test_a_gateways_own_refusal_is_passed_on_word_by_word() -> None:
    body = '{"code":"WS-RATE-429","title":"too many","detail":"51 in a second","fix":"wait a little","retry_after":2.5}'

    found = await answered(http(429, "Content-Type: application/problem+json", body=body))

    assert (found.code, found.what, found.why) == ("WS-RATE-429", "too many", "51 in a second")
    assert (found.fix, found.retry_after_s) == ("wait a little", 2.5)


@pytest.mark.parametrize("body", ['{"code":"NO-SUCH-CODE"}', '{"code":1}', "{", "[" * 50_000])
async def test_a_body_that_only_looks_like_a_gateways_is_not_believed(body: str) -> None:
    assert (await answered(http(503, "Retry-After: 7", body=body))).code == "WS-UNAVAILABLE-503"


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)])
async def test_retry_after_is_read_in_seconds(header: str, seconds: float | None) -> None:
    assert (await answered(http(503, f"Retry-After: {header}"))).retry_after_s == seconds


async def test_a_peers_terminal_escapes_are_not_passed_on() -> None:
    found = await answered(http(502, "Server: \x1b[31mevil"))

    assert "\x1b" not in found.why


async def test_a_port_without_listener_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = await dialled(f"ws://127.0.0.1:{unused.getsockname()[1]}")

    assert found.code == "NET-CONN-REFUSED"


async def test_several_refused_addresses_are_one_refusal() -> None:
    errors = "[Errno 111] Connect call failed ('::1', 8080, 0, 0), [Errno 111] Connect call failed ('127.0.0.1', 8080)"

    assert dial_problem(OSError(f"Multiple exceptions: {errors}"), url=URL).code == "NET-CONN-REFUSED"


async def test_a_full_backlog_that_drops_packets_is_a_connect_timeout() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with socket.create_connection(listener.getsockname()[:2]):
            found = await dialled(f"ws://127.0.0.1:{listener.getsockname()[1]}")

    assert found.code == "NET-CONN-TIMEOUT"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "NET-DNS-NXDOMAIN"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "NET-DNS-TIMEOUT"),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure"), "NET-DNS-TIMEOUT"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "NET-UNREACHABLE"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "NET-UNREACHABLE"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "NET-CONN-TIMEOUT"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "NET-FW-RST"),
        (OSError(errno.EIO, "odd"), "NET-UNREACHABLE"),
        (RuntimeError("a bug"), "LIFE-INTERNAL-1011"),
    ],
)
def test_what_the_system_says_is_named(error: Exception, code: str) -> None:
    assert dial_problem(error, url=URL).code == code


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        (Stage.RESOLVING, "NET-DNS-TIMEOUT"),
        (Stage.CONNECTING, "NET-CONN-TIMEOUT"),
        (Stage.SECURING, "TLS-TLS-TO-PLAIN"),
        (Stage.UPGRADING, "WS-HANDSHAKE-SLOW"),
    ],
)
def test_a_timeout_is_named_by_the_stage_it_was_reached_in(stage: Stage, code: str) -> None:
    assert dial_problem(TimeoutError(), url=URL, stage=stage).code == code


async def test_tls_spoken_to_a_plain_port_is_named() -> None:
    async with raw_listener(http(400), wait_for_request=False) as port:
        assert (await dialled(f"wss://127.0.0.1:{port}")).code == "TLS-TLS-TO-PLAIN"
    async with raw_listener(b"", wait_for_request=False) as port:
        assert (await dialled(f"wss://127.0.0.1:{port}")).code == "TLS-TLS-TO-PLAIN"
    async with raw_listener(None) as port:
        assert (await dialled(f"wss://127.0.0.1:{port}")).code == "TLS-TLS-TO-PLAIN"


async def test_plain_text_spoken_to_a_tls_port_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the listener's own complaint about the missing handshake
    async with raw_listener(b"", tls=authority.server_context(authority.issue("localhost"))) as port:
        found = await dialled(f"ws://127.0.0.1:{port}")

    assert found.code in ("TLS-PLAIN-TO-TLS", "NET-FW-RST")


@pytest.mark.parametrize(
    ("names", "begins", "ends", "code"),
    [
        (("other.example",), -1, 1, "TLS-HOSTNAME-MISMATCH"),
        (("localhost",), -9, -2, "TLS-EXPIRED"),
        (("localhost",), 1, 2, "TLS-NOT-YET-VALID"),
    ],
)
async def test_a_certificate_that_does_not_hold_is_named(
    tmp_path: Path, names: tuple[str, ...], begins: int, ends: int, code: str
) -> None:
    authority = Authority(tmp_path)
    certificate = authority.issue(*names, begins_in_days=begins, ends_in_days=ends)
    async with raw_listener(b"", tls=authority.server_context(certificate)) as port:
        found = await dialled(f"wss://localhost:{port}", ca_file=authority.file)

    assert found.code == code
    assert f"localhost:{port}" in found.why


async def test_an_address_that_is_not_in_the_certificate_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with raw_listener(b"", tls=authority.server_context(authority.issue("localhost"))) as port:
        assert (await dialled(f"wss://127.0.0.1:{port}", ca_file=authority.file)).code == "TLS-IP-URL"


async def test_an_unknown_authority_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with raw_listener(b"", tls=authority.server_context(authority.issue("localhost"))) as port:
        assert (await dialled(f"wss://localhost:{port}")).code == "TLS-UNTRUSTED-CA"


async def test_a_missing_client_certificate_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context(authority.issue("localhost"), client_required=True)
    async with raw_listener(b"", tls=context) as port:
        assert (await dialled(f"wss://localhost:{port}", ca_file=authority.file)).code == "TLS-CLIENT-CERT"


async def test_a_peer_that_hangs_up_during_the_handshake_leaves_two_causes_and_both_are_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context(authority.issue("localhost"))
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with raw_listener(b"", tls=context) as port:
        found = await dialled(f"wss://localhost:{port}", ca_file=authority.file)

    assert found.code == "TLS-TLS-TO-PLAIN"
    assert "shares no TLS version" in found.why


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", "TLS-VERSION"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLS-VERSION"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLS-CLIENT-CERT"),
        ("WRONG_VERSION_NUMBER", "TLS-TLS-TO-PLAIN"),
        ("SOMETHING_NEW", "TLS-VERSION"),
    ],
)
def test_openssls_reasons_are_named(reason: str, code: str) -> None:
    assert dial_problem(ssl.SSLError(1, f"[SSL: {reason}] words"), url="wss://gateway.example").code == code


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("http://gateway:8080/health", "Use ws://gateway:8080/ws/agent"),
        ("https://gateway/x?token=secret", "Use wss://gateway:443/ws/agent"),
        ("gateway:8080", "Use a URL such as wss://gateway.example/ws/agent"),
        ("", "Use a URL such as wss://gateway.example/ws/agent"),
        ("ws://", "Use a URL such as wss://gateway.example/ws/agent"),
        ("'ws://gateway/ws/agent'", """Take "'" away from around the URL"""),
        ('ws://gateway/ws/agent"', """Take '"' away from around the URL"""),
        ("ws://gateway/ws/agent\r\n", r"Take '\r\n' away from around the URL"),
        ("ws://gateway/#part", "Use a URL such as wss://gateway.example/ws/agent"),
    ],
)
def test_a_url_that_is_none_of_a_gateway_is_refused_before_anything_is_dialled(url: str, fix: str) -> None:
    with pytest.raises(Refused) as refused:
        Dialler(url, tls=Tls(), user_agent="test")

    assert (refused.value.problem.code, refused.value.problem.fix) == ("WS-WRONG-SCHEME", fix)


@pytest.mark.parametrize("url", ["ws://gateway:99999/", "ws://[::1", "ws://gateway:port/"])
def test_a_url_that_cannot_be_read_is_refused_too(url: str) -> None:
    found = url_problem(url)

    assert found is not None
    assert found.code == "WS-WRONG-SCHEME"


def test_sentences_name_host_and_port_and_never_the_secrets_of_a_url() -> None:
    assert target_of("wss://user:secret@gateway.example/ws/agent?token=secret") == "gateway.example:443"


@pytest.mark.parametrize(
    ("status", "code"), [(407, "PXY-AUTH-407"), (403, "PXY-CONNECT-DENIED"), (503, "PXY-ENV-PROXY")]
)
def test_a_forward_proxys_refusal_is_named(status: int, code: str) -> None:
    assert proxy_problem(status, {}, target="gateway:8080").code == code


@pytest.mark.parametrize(
    ("code", "reason", "found", "fix"),
    [
        (4503, "ID-REVOKED: Enrol again", "ID-REVOKED", "Enrol again"),
        (1012, "LIFE-RESTART-1012: Reconnect", "LIFE-RESTART-1012", "Reconnect"),
        (1013, "", "LIFE-OVERLOAD-1013", None),
        (4509, "NOT-A-CODE: x", "LIFE-DUPLICATE-SESSION", None),
        (4321, "", "LIFE-POLICY-1008", None),
    ],
)
def test_a_close_frame_is_named_by_its_reason_or_else_by_its_code(
    code: int, reason: str, found: str, fix: str | None
) -> None:
    named = close_problem(code, reason)

    assert named.code == found
    assert fix in (None, named.fix)
    assert str(code) in named.why


@pytest.mark.parametrize(
    ("received", "sent", "code"),
    [
        (None, None, "LIFE-NO-CLOSE-FRAME"),
        (None, Close(1011, "keepalive ping timeout"), "LIFE-HALF-OPEN"),
        (None, Close(1002, "invalid opcode"), "LIFE-PROTOCOL-1002"),
        (Close(1001, ""), Close(1001, ""), "LIFE-GOING-AWAY-1001"),
    ],
)
def test_a_lost_connection_is_named_by_who_ended_it(received: Close | None, sent: Close | None, code: str) -> None:
    assert loss_problem(ConnectionClosedError(received, sent, None if received is None else True)).code == code


def test_a_gateway_that_vanished_is_no_fault_of_the_agent() -> None:
    lost = loss_problem(ConnectionClosedError(None, None))

    assert lost.fix.startswith("Nothing on this host: the agent comes back by itself")


def test_files_that_cannot_be_used_are_refused_with_their_path(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no PEM")
    for tls, code in [
        (Tls(ca_file=tmp_path / "missing.pem"), "TLS-UNTRUSTED-CA"),
        (Tls(ca_file=tmp_path / "bad.pem"), "TLS-UNTRUSTED-CA"),
        (Tls(client_cert=tmp_path / "bad.pem"), "TLS-CLIENT-CERT"),
    ]:
        with pytest.raises(Refused) as refused:
            Dialler("wss://gateway", tls=tls, user_agent="test")
        assert refused.value.problem.code == code
        assert str(tmp_path) in refused.value.problem.why
