"""TLS on the gateway's port: in memory for the layer, over real sockets for the rest."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.gateway.tls import HandshakeFailed, TlsLayer, server_context
from holdfast.model import Step
from holdfast.model.events import EventKind
from tests.certificates import Authority, Certificate
from tests.gateway.conftest import OpenPlane
from tests.gateway.frames import head
from tests.gateway.loopback import UPGRADE, Plane, peer, raw, request, until, upgraded

Context = ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.issue("localhost")


@pytest.fixture
async def secure(open_plane: OpenPlane, certificate: Certificate) -> Plane:
    """A gateway that speaks TLS."""
    return await open_plane(tls_cert=str(certificate.cert), tls_key=str(certificate.key))


class Client:
    """A TLS client in memory."""

    def __init__(self, context: Context) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def handshake(self, server: TlsLayer) -> None:
        """Pass messages to and fro until both are content."""
        while not server.ready:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            assert server.feed(self.outgoing.read()) == b""
            self.incoming.write(server.outgoing())
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()


def pair(authority: Authority, certificate: Certificate) -> tuple[Client, TlsLayer]:
    layer = TlsLayer(server_context(str(certificate.cert), str(certificate.key)))
    return Client(authority.client_context()), layer


def test_what_is_sealed_is_read_by_the_other_side_whatever_its_size(
    authority: Authority, certificate: Certificate
) -> None:
    client, server = pair(authority, certificate)
    client.handshake(server)
    question, answer = b"q" * 300_000, b"a" * 300_000

    client.tls.write(question)
    heard = server.feed(client.outgoing.read())
    client.incoming.write(server.seal(answer))
    read = b"".join(iter(lambda: client.tls.read(65_536) if client.incoming.pending else b"", b""))
    with contextlib.suppress(ssl.SSLWantReadError):
        while len(read) < len(answer):
            read += client.tls.read(65_536)

    assert heard == question
    assert read == answer


def test_ciphertext_may_come_byte_by_byte(authority: Authority, certificate: Certificate) -> None:
    client, server = pair(authority, certificate)
    client.handshake(server)
    client.tls.write(b"hello")

    heard = b"".join(server.feed(bytes([byte])) for byte in client.outgoing.read())

    assert heard == b"hello"


def test_a_farewell_in_tls_is_no_error(authority: Authority, certificate: Certificate) -> None:
    client, server = pair(authority, certificate)
    client.handshake(server)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.tls.unwrap()

    assert server.feed(client.outgoing.read()) == b""
    assert server.seal(b"still") != b""


def test_a_damaged_record_ends_the_connection_by_name(authority: Authority, certificate: Certificate) -> None:
    client, server = pair(authority, certificate)
    client.handshake(server)
    client.tls.write(b"hello")
    damaged = bytearray(client.outgoing.read())
    damaged[-1] ^= 1

    with pytest.raises(HandshakeFailed) as failure:
        server.feed(bytes(damaged))

    assert failure.value.problem.code == "LIFE-PROTOCOL-1002"
    assert "bad record mac" in failure.value.problem.why


@given(noise=st.binary(min_size=1, max_size=400))
def test_any_bytes_are_waited_for_or_named(authority: Authority, certificate: Certificate, noise: bytes) -> None:
    _, server = pair(authority, certificate)
    try:
        plain = server.feed(noise)
    except HandshakeFailed as failure:
        assert failure.problem.why.startswith("OpenSSL reports ")  # noqa: PT017  it depends on the bytes
    else:
        assert plain == b""


async def test_an_agent_registers_over_wss_and_large_messages_pass(secure: Plane, authority: Authority) -> None:
    async with peer(secure.port, tls=authority.client_context()) as agent:
        await agent.register()
        large = await agent.ask("agent.heartbeat", {}, kind="heartbeat", pad="x" * 900_000)

        assert large.type == "ack"
        assert await secure.status(agent.uid) == "online"


async def test_pages_are_served_over_https_and_end_whole(secure: Plane, authority: Authority) -> None:
    async with raw(secure.port, tls=authority.client_context()) as connection:
        await connection.send(request("GET /health HTTP/1.1", "Host: localhost"))
        status, body = await connection.head(), await connection.rest()

    assert status.startswith("HTTP/1.1 200 ")
    assert json.loads(body)["status"] == "healthy"


async def test_a_frame_that_is_too_big_is_told_over_wss_too(secure: Plane, authority: Authority) -> None:
    async with raw(secure.port, tls=authority.client_context()) as connection:
        await upgraded(connection)
        await connection.send(head(1024 * 1024 * 1024) + b"mask" + b"x" * 500_000)

        assert (await connection.ended())[0] == 1009


async def test_a_new_certificate_is_used_for_new_connections_and_the_old_ones_go_on(
    open_plane: OpenPlane, authority: Authority, tmp_path: Path
) -> None:
    old, new = authority.issue("localhost"), authority.issue("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    put(old, cert, key)
    running = await open_plane(tls_cert=str(cert), tls_key=str(key))
    async with peer(running.port, tls=authority.client_context()) as before:
        await before.register()
        put(new, cert, key)
        running.gateway.reload_tls()
        serials = [await serial(running.port, authority)]
        cert.write_text("no certificate")
        with pytest.raises(ssl.SSLError):
            running.gateway.reload_tls()
        serials.append(await serial(running.port, authority))

        assert serials == [new.serial, new.serial]
        assert (await before.beat()).type == "ack"


def put(issued: Certificate, cert: Path, key: Path) -> None:
    cert.write_bytes(issued.cert.read_bytes())
    key.write_bytes(issued.key.read_bytes())


async def serial(port: int, authority: Authority) -> int:
    """The serial number of the certificate that a new connection is shown."""
    async with raw(port, tls=authority.client_context()) as connection:
        shown = connection.writer.get_extra_info("ssl_object").getpeercert()
        return int(shown["serialNumber"], 16)


async def test_a_client_certificate_is_welcome_and_not_required(
    open_plane: OpenPlane, authority: Authority, certificate: Certificate
) -> None:
    running = await open_plane(
        tls_cert=str(certificate.cert), tls_key=str(certificate.key), tls_client_ca=str(authority.file)
    )
    contexts = [authority.client_context(), authority.client_context(authority.issue("web-01"))]
    for context in contexts:
        async with peer(running.port, tls=context) as agent:
            await agent.register()

    assert running.codes(EventKind.HANDSHAKE_FAILED) == []


@pytest.mark.parametrize("who", ["none", "a stranger's", "expired"])
async def test_where_client_certificates_are_required_whoever_has_no_good_one_is_refused_by_name(
    open_plane: OpenPlane, authority: Authority, certificate: Certificate, tmp_path: Path, who: str
) -> None:
    running = await open_plane(
        tls_cert=str(certificate.cert), tls_key=str(certificate.key), tls_client_ca=str(authority.file),
        tls_client_cert_required=True,
    )  # fmt: skip
    make: dict[str, Callable[[], Certificate | None]] = {
        "none": lambda: None,
        "a stranger's": lambda: Authority(tmp_path, "Another authority").issue("web-01"),
        "expired": lambda: authority.issue("web-01", begins=-timedelta(days=2), ends=-timedelta(days=1)),
    }
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        async with raw(running.port, tls=authority.client_context(make[who]())) as connection:
            await connection.send(request(*UPGRADE))
            await connection.head()
    await until(lambda: running.of(EventKind.HANDSHAKE_FAILED), "the refusal")
    async with peer(running.port, tls=authority.client_context(authority.issue("web-01"))) as agent:
        await agent.register()

    event = running.of(EventKind.HANDSHAKE_FAILED)[0]
    assert (event.code, event.step) == ("TLS-CLIENT-CERT", Step.TLS)


async def leave(port: int, context: Context, *, name: str = "localhost") -> None:
    """Fail to connect over TLS as asyncio's clients do: without an alert."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)


async def protest(port: int, context: Context, *, name: str = "localhost") -> None:
    """Fail to connect over TLS as most clients do: with an alert."""

    def connect() -> None:
        with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname=name)

    await asyncio.to_thread(connect)


ATTEMPTS = pytest.mark.parametrize("attempt", [leave, protest])
Attempt = Callable[..., Awaitable[None]]


@ATTEMPTS
async def test_an_agent_that_does_not_trust_our_certificate_is_named(secure: Plane, attempt: Attempt) -> None:
    await attempt(secure.port, ssl.create_default_context())
    await until(lambda: secure.of(EventKind.HANDSHAKE_FAILED), "the refusal")

    assert secure.codes() == ["TLS-UNTRUSTED-CA"]


@ATTEMPTS
async def test_an_agent_that_uses_another_name_is_told_ours(
    secure: Plane, authority: Authority, attempt: Attempt
) -> None:
    await attempt(secure.port, authority.client_context(), name="gateway.example")
    await until(lambda: secure.of(EventKind.HANDSHAKE_FAILED), "the refusal")

    assert secure.codes() == ["TLS-HOSTNAME-MISMATCH"]
    assert secure.of(EventKind.HANDSHAKE_FAILED)[0].facts["server_name"] == "gateway.example"
    assert "is for localhost" in str(secure.of(EventKind.HANDSHAKE_FAILED)[0].facts["why"])


@ATTEMPTS
async def test_an_agent_that_connects_by_address_is_told_that_the_certificate_has_none(
    secure: Plane, authority: Authority, attempt: Attempt
) -> None:
    await attempt(secure.port, authority.client_context(), name="127.0.0.1")
    await until(lambda: secure.of(EventKind.HANDSHAKE_FAILED), "the refusal")

    assert secure.codes() == ["TLS-IP-URL"]


@ATTEMPTS
async def test_an_expired_certificate_is_named(open_plane: OpenPlane, authority: Authority, attempt: Attempt) -> None:
    expired = authority.issue("localhost", begins=-timedelta(days=2), ends=-timedelta(days=1))
    running = await open_plane(tls_cert=str(expired.cert), tls_key=str(expired.key))
    await attempt(running.port, authority.client_context())
    await until(lambda: running.of(EventKind.HANDSHAKE_FAILED), "the refusal")

    assert running.codes() == ["TLS-EXPIRED"]


async def test_a_peer_that_only_looks_whether_the_port_is_open_is_no_failure(secure: Plane) -> None:
    async with raw(secure.port):
        await until(lambda: secure.gateway.sockets, "the connection")
    await until(lambda: not secure.gateway.sockets, "its end")

    assert secure.codes() == []


async def test_a_client_without_a_common_version_is_named(secure: Plane, authority: Authority) -> None:
    async with raw(secure.port) as connection:
        # A ClientHello that offers TLS 1.1 and one suite, as an old runtime sends it.
        body = b"\x03\x02" + bytes(32) + b"\x00" + b"\x00\x02\xc0\x13" + b"\x01\x00"
        hello = b"\x01" + len(body).to_bytes(3) + body
        await connection.send(b"\x16\x03\x01" + len(hello).to_bytes(2) + hello)
        alert = await connection.rest()

    assert alert[:2] == b"\x15\x03"
    assert secure.codes() == ["TLS-VERSION"]


async def test_plain_websocket_on_the_tls_port_is_told_in_plain_http(secure: Plane) -> None:
    async with raw(secure.port) as connection:
        await connection.send(request(*UPGRADE))
        status, body = await connection.head(), await connection.rest()

    assert status.startswith("HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "TLS-PLAIN-TO-TLS"
    assert "wss://" in json.loads(body)["fix"]
    assert secure.codes() == ["TLS-PLAIN-TO-TLS"]


async def test_a_client_hello_on_the_plain_port_is_recognised(running: Plane, authority: Authority) -> None:
    await leave(running.port, authority.client_context())
    await until(lambda: running.of(EventKind.HANDSHAKE_FAILED), "the verdict")

    event = running.of(EventKind.HANDSHAKE_FAILED)[0]
    assert (event.code, event.facts["server_name"]) == ("TLS-TLS-TO-PLAIN", "localhost")


async def test_a_tls_handshake_that_is_never_finished_is_closed_in_time(
    open_plane: OpenPlane, certificate: Certificate
) -> None:
    running = await open_plane(tls_cert=str(certificate.cert), tls_key=str(certificate.key), handshake_s=0.2)
    async with raw(running.port) as connection:
        await connection.send(b"\x16\x03\x01\x02\x00\x01")
        await connection.rest()

    assert running.codes() == ["WS-HANDSHAKE-SLOW"]


async def test_a_certificate_that_cannot_be_used_stops_the_start(open_plane: OpenPlane, tmp_path: Path) -> None:
    wrong = tmp_path / "cert.pem"
    wrong.write_text("no certificate")

    with pytest.raises(ssl.SSLError):
        await open_plane(tls_cert=str(wrong))
