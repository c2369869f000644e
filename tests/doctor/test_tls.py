"""The TLS handshake and each way in which it fails, on real listeners with certificates made for the test."""

import ssl
import time
from pathlib import Path

import pytest

from holdfast.doctor import Report, Status
from tests.doctor.certificates import Issuer, server_side
from tests.doctor.peers import answering, blocking_tls_server, page, web_server
from tests.doctor.places import code_of, examined, line, surroundings
from tests.doubles.raw_listener import raw_listener

HEALTH = {"/health": (200, '{"service": "websocket-gateway"}')}


@pytest.fixture
def root(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path, "Test root", organisation="Example Ltd")


async def seen(tmp_path: Path, context: ssl.SSLContext, *, host: str = "localhost", **options: object) -> Report:
    """What the doctor says of a listener with these settings."""
    async with web_server(HEALTH, tls=context) as port:
        here = surroundings(tmp_path, addresses=["127.0.0.1"])
        return await examined(f"wss://{host}:{port}/ws/agent", here, timeout_s=2.0, **options)


async def test_a_good_certificate_passes_with_its_dates(tmp_path: Path, root: Issuer) -> None:
    report = await seen(tmp_path, server_side(root.issue("localhost")), ca_file=root.file)

    tls = line(report, "tls")
    assert (tls.status, tls.evidence["version"], tls.evidence["without_sni"]) == (
        Status.PASS,
        "TLSv1.3",
        "the same certificate",
    )
    assert line(report, "health").status is Status.PASS


async def test_a_certificate_about_to_expire_is_a_warning(tmp_path: Path, root: Issuer) -> None:
    report = await seen(tmp_path, server_side(root.issue("localhost", days=(-1, 5.5))), ca_file=root.file)

    tls = line(report, "tls")
    assert tls.status is Status.WARN
    assert "good for 5 more days only" in tls.because


async def test_an_unknown_authority_is_named_with_what_was_trusted(tmp_path: Path, root: Issuer) -> None:
    other = Issuer(tmp_path, "Other root")

    report = await seen(tmp_path, server_side(other.issue("localhost")), ca_file=root.file)

    assert code_of(report) == "TLS-UNTRUSTED-CA"
    assert str(root.file) in line(report, "tls").because
    assert line(report, "tls").evidence["issuer"] == "commonName=Other root"
    assert line(report, "tls").because.endswith("the issuer: commonName=Other root (1 certificate was sent)")


async def test_a_self_signed_certificate_is_an_unknown_authority(tmp_path: Path, root: Issuer) -> None:
    other = Issuer(tmp_path, "Other root")

    report = await seen(tmp_path, server_side(other.issue("localhost", also=[other])), ca_file=root.file)

    assert code_of(report) == "TLS-UNTRUSTED-CA"
    assert line(report, "tls").evidence["chain_length"] == 2
    assert "(2 certificates were sent)" in line(report, "tls").because


async def test_a_product_that_inspects_traffic_is_known_by_its_name(tmp_path: Path, root: Issuer) -> None:
    product = Issuer(tmp_path, "Zscaler Intermediate Root CA")

    report = await seen(tmp_path, server_side(product.issue("localhost")), ca_file=root.file)

    assert code_of(report) == "TLS-INTERCEPTED"


async def test_a_missing_intermediate_is_told_from_an_unknown_authority(tmp_path: Path, root: Issuer) -> None:
    middle = Issuer(tmp_path, "Test intermediate", organisation="Example Ltd", under=root)

    alone = await seen(tmp_path, server_side(middle.issue("localhost")), ca_file=root.file)
    whole = await seen(tmp_path, server_side(middle.issue("localhost", also=[middle])), ca_file=root.file)

    assert code_of(alone) == "TLS-MISSING-INTERMEDIATE"
    assert line(whole, "tls").status is Status.PASS


async def test_a_missing_intermediate_is_proved_where_the_certificate_says_where_it_lies(
    tmp_path: Path, root: Issuer
) -> None:
    middle = Issuer(tmp_path, "Unrelated name", under=root)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(middle.der)}\r\n\r\n".encode()

    async with answering(lambda *_: head + middle.der) as port:
        leaf = middle.issue("localhost", issuer_url=f"http://127.0.0.1:{port}/middle.crt")
        report = await seen(tmp_path, server_side(leaf), ca_file=root.file)

    assert code_of(report) == "TLS-MISSING-INTERMEDIATE"
    assert "the chain is complete" in line(report, "tls").because


async def test_an_expired_certificate_is_told_with_both_clocks(tmp_path: Path, root: Issuer) -> None:
    report = await seen(tmp_path, server_side(root.issue("localhost", days=(-20, -2))), ca_file=root.file)

    assert code_of(report) == "TLS-EXPIRED"
    assert "this host says" in line(report, "tls").because
    assert "the gateway says" in line(report, "tls").because


async def test_a_certificate_that_is_good_by_the_gateways_clock_blames_this_hosts_clock(
    tmp_path: Path, root: Issuer
) -> None:
    context = server_side(root.issue("localhost", days=(-20, -2)))
    last_week = time.time() - 7 * 86_400

    async with answering(lambda *_: page(200, date_s=last_week), tls=context) as port:
        report = await examined(
            f"wss://localhost:{port}", surroundings(tmp_path, addresses=["127.0.0.1"]), ca_file=root.file
        )

    assert code_of(report) == "CLK-SKEW"
    assert "7.0 days ahead" in line(report, "tls").because


async def test_a_certificate_of_the_future_is_not_yet_valid(tmp_path: Path, root: Issuer) -> None:
    report = await seen(tmp_path, server_side(root.issue("localhost", days=(5, 20))), ca_file=root.file)

    assert code_of(report) == "TLS-NOT-YET-VALID"


async def test_a_certificate_for_another_name_lists_the_names_it_has(tmp_path: Path, root: Issuer) -> None:
    report = await seen(tmp_path, server_side(root.issue("other.test", "*.third.test")), ca_file=root.file)

    assert code_of(report) == "TLS-HOSTNAME-MISMATCH"
    assert (
        line(report, "tls").because == "the URL says localhost, the certificate lists DNS:other.test DNS:*.third.test"
    )


async def test_an_address_in_the_url_needs_an_address_in_the_certificate(tmp_path: Path, root: Issuer) -> None:
    context = server_side(root.issue("localhost"))
    report = await seen(tmp_path, context, host="127.0.0.1", ca_file=root.file)
    assert code_of(report) == "TLS-IP-URL"

    listed = server_side(root.issue("localhost", "127.0.0.1"))
    report = await seen(tmp_path, listed, host="127.0.0.1", ca_file=root.file)
    assert line(report, "tls").status is Status.PASS


async def test_a_server_that_shows_another_certificate_without_a_name_is_pointed_out(
    tmp_path: Path, root: Issuer
) -> None:
    default, named = server_side(root.issue("default.test")), server_side(root.issue("localhost"))

    def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name == "localhost":
            tls.context = named

    default.sni_callback = choose
    report = await seen(tmp_path, default, ca_file=root.file)

    assert line(report, "tls").status is Status.PASS
    assert str(line(report, "tls").evidence["without_sni"]).startswith("another certificate")


async def test_a_plain_listener_behind_wss_is_recognised(tmp_path: Path) -> None:
    async with web_server(HEALTH) as port:
        report = await examined(f"wss://127.0.0.1:{port}", surroundings(tmp_path), timeout_s=0.8)

    assert code_of(report) == "TLS-TLS-TO-PLAIN"


async def test_a_tls_listener_behind_ws_is_recognised(tmp_path: Path, root: Issuer) -> None:
    async with web_server(HEALTH, tls=server_side(root.issue("127.0.0.1"))) as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path))

    assert report.verdict is not None
    assert (report.verdict.code, report.verdict.fix) == ("TLS-PLAIN-TO-TLS", f"Use wss://127.0.0.1:{port}/ws/agent")


async def test_an_nginx_that_wants_tls_says_so_in_its_own_page(tmp_path: Path) -> None:
    body = "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>"
    async with answering(lambda *_: page(400, body, Server="nginx", Content_Type="text/html")) as port:
        report = await examined(f"ws://127.0.0.1:{port}", surroundings(tmp_path))

    assert code_of(report) == "TLS-PLAIN-TO-TLS"


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_listener_that_wants_a_client_certificate_is_recognised_in_every_version(
    tmp_path: Path, root: Issuer, newest: ssl.TLSVersion
) -> None:
    context = server_side(root.issue("localhost"), client_ca=root.file, maximum=newest)

    without = await seen(tmp_path, context, ca_file=root.file)
    with_one = await seen(tmp_path, context, ca_file=root.file, client_cert=root.issue("an-agent"))

    assert code_of(without) == "TLS-CLIENT-CERT"
    assert line(with_one, "tls").status is Status.PASS


async def test_a_listener_without_a_common_cipher_is_told_version_by_version(tmp_path: Path, root: Issuer) -> None:
    context = server_side(root.issue("localhost"), maximum=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")  # the certificate has a key of another kind

    with blocking_tls_server(context) as port:
        here = surroundings(tmp_path, addresses=["127.0.0.1"])
        report = await examined(f"wss://localhost:{port}", here, ca_file=root.file)

    assert code_of(report) == "TLS-VERSION"
    assert line(report, "tls").evidence["TLSv1.3"] != "accepted"


async def test_a_balancer_that_speaks_http_2_only_is_recognised(tmp_path: Path, root: Issuer) -> None:
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    context = server_side(root.issue("localhost"), alpn=["h2"])
    async with answering(lambda *_: settings, tls=context) as port:
        here = surroundings(tmp_path, addresses=["127.0.0.1"])
        report = await examined(f"wss://localhost:{port}", here, ca_file=root.file)

    assert code_of(report) == "PXY-H2-ONLY"


async def test_a_ca_file_that_is_not_there_is_the_first_cause(tmp_path: Path, root: Issuer) -> None:
    report = await seen(tmp_path, server_side(root.issue("localhost")), ca_file=tmp_path / "none.pem")

    assert code_of(report) == "TLS-UNTRUSTED-CA"
    assert "none.pem" in line(report, "tls").because


async def test_a_listener_that_takes_connections_and_says_nothing_is_no_matter_of_tls(tmp_path: Path) -> None:
    async with raw_listener(None, wait_for_request=False) as port:
        report = await examined(f"wss://127.0.0.1:{port}", surroundings(tmp_path), timeout_s=0.8)

    assert code_of(report) == "WS-HANDSHAKE-SLOW"
