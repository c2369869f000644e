"""AGENT_CONNECTION_TEST.py, as the guide calls it, against a running backend and against what is none."""

import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.processes import ROOT, ControlPlane, control_plane, environment, free_ports

SCRIPT = ROOT / "AGENT_CONNECTION_TEST.py"
CHECKLIST = [
    "Agent connects to WebSocket Gateway on port {port}",
    "Agent sends message within 5 seconds of connection",
    "Agent sends registration init message with correct format",
    "Agent handles registration init response",
    "Agent sends registration complete message with correct signature",
    "Agent handles registration complete response",
    "Agent appears in `/agents` endpoint after registration",
]


def run(*arguments: str, python: str = sys.executable, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, str(script), *arguments], capture_output=True, text=True, timeout=60, env=environment(), check=False
    )


def base_python() -> str:
    """The interpreter that this environment was made from: it has none of the project's packages."""
    return str(Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name)


@contextmanager
def http_server(answer: bytes) -> Iterator[int]:
    """Something that answers every request with the same bytes; the port it listens on."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_it_ticks_every_line_of_the_checklist_in_order(holdfast: ControlPlane) -> None:
    done = run(holdfast.agent_url, "--api", holdfast.api_url, python=base_python())

    assert done.returncode == 0, done.stdout + done.stderr
    ticked = re.findall(r"^- \[x\] (.*?)(?:  \(.*)?$", done.stdout, re.MULTILINE)
    assert ticked[4:] == [line.format(port=holdfast.gateway_port) for line in CHECKLIST]
    assert "All lines passed" in done.stdout
    uid = re.search(r"agt_[a-z2-7]{26}", done.stdout)
    assert uid is not None
    listed = {agent["agent_uid"] for agent in holdfast.agents("agent-connection-test")}
    assert uid[0] in listed
    assert "stays listed" in done.stdout
    assert f"holdfast agents delete {uid[0]}" in done.stdout


def test_it_can_be_run_again_and_again(holdfast: ControlPlane) -> None:
    codes = [run(holdfast.agent_url, "--api", holdfast.api_url).returncode for _ in range(3)]

    assert codes == [0, 0, 0]


def test_it_passes_where_an_operator_has_to_approve(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data", "--registration", "approve") as running:
        done = run(running.agent_url, "--api", running.api_url)

    assert done.returncode == 0, done.stdout
    assert "(pending)" in done.stdout


def test_it_stops_at_the_line_that_is_wrong_and_says_what_the_gateway_said(tmp_path: Path) -> None:
    with control_plane(tmp_path / "data", "--registration", "token") as running:
        done = run(running.agent_url, "--api", running.api_url)

    assert done.returncode == 1
    assert "- [ ] Agent sends registration init message with correct format" in done.stdout
    assert "ID-TOKEN-INVALID" in done.stdout
    assert re.search(r"attempt \S+", done.stdout)
    assert "registration complete" not in done.stdout


def test_a_backend_that_is_not_there_is_named() -> None:
    (port,) = free_ports(1)

    done = run(f"ws://127.0.0.1:{port}/ws/agent")

    assert done.returncode == 1
    assert "NET-CONN-REFUSED" in done.stdout
    assert "make run" in done.stdout
    assert "[x]" not in done.stdout


def test_a_wrong_path_is_named(holdfast: ControlPlane) -> None:
    done = run(f"{holdfast.gateway_url.replace('http', 'ws')}/ws", "--api", holdfast.api_url)

    assert done.returncode == 1
    assert "WS-WRONG-PATH" in done.stdout


def test_the_api_given_for_the_gateway_is_named(holdfast: ControlPlane) -> None:
    done = run(f"{holdfast.api_url.replace('http', 'ws')}/ws/agent", "--api", holdfast.api_url)

    assert done.returncode == 1
    assert re.search(r"\[(NET|WS)-[A-Z0-9-]+\]", done.stdout), done.stdout


def test_a_proxy_without_a_gateway_behind_it_is_named() -> None:
    page = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with http_server(page) as port:
        done = run(f"ws://127.0.0.1:{port}/ws/agent")

    assert done.returncode == 1
    assert "PXY-BAD-GATEWAY" in done.stdout


def test_without_the_environment_it_says_the_one_command_that_makes_it(tmp_path: Path) -> None:
    clone = shutil.copy(SCRIPT, tmp_path)

    done = run(python=base_python(), script=Path(clone))

    assert done.returncode == 2
    assert "make setup" in done.stderr


def test_what_is_no_websocket_url_is_refused_before_anything_is_sent() -> None:
    done = run("http://127.0.0.1:8080")

    assert done.returncode == 2
    assert "ws:// or wss://" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ws://127.0.0.1:99999/ws/agent",), "Port out of range 0-65535, such as ws://127.0.0.1:8080/ws/agent"),
        (("--api", "127.0.0.1:8083"), "begins with http:// or https:// and a host, such as http://127.0.0.1:8083"),
        (("--api", "http://127.0.0.1:99999"), "Port out of range 0-65535"),
    ],
)
def test_a_url_that_cannot_be_one_is_wrong_usage(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_path_may_be_left_out_as_for_an_agent(holdfast: ControlPlane) -> None:
    done = run(holdfast.agent_url.removesuffix("/ws/agent"), "--api", holdfast.api_url)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Gateway {holdfast.agent_url}," in done.stdout


def test_a_wrong_address_of_the_api_does_not_accuse_the_gateway(holdfast: ControlPlane) -> None:
    (port,) = free_ports(1)

    done = run(holdfast.agent_url, "--api", f"http://127.0.0.1:{port}")

    assert done.returncode == 1
    assert f"the Actions API is not at 127.0.0.1:{port} [SRV-ACTIONS-API-DOWN]" in done.stdout
    assert "Name the Actions API with --api" in done.stdout
    assert "gateway is not running" not in done.stdout


def test_what_speaks_no_http_is_told_with_what_to_do() -> None:
    with http_server(b"") as port:
        done = run(f"ws://127.0.0.1:{port}/ws/agent")

    assert done.returncode == 1
    assert "is no Holdfast service" in done.stdout
    assert f"fix:   Look what listens on 127.0.0.1:{port}" in done.stdout


def test_help_names_the_tokens_of_the_environment() -> None:
    done = run("--help")

    assert done.returncode == 0
    assert "HOLDFAST_TOKEN " in done.stdout
    assert "HOLDFAST_ENROLMENT_TOKEN " in done.stdout


def test_it_trusts_the_authority_it_is_given_and_no_other(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with control_plane(
        tmp_path / "data", "--tls-cert", str(certificate), "--tls-key", str(key), ca=certificate
    ) as running:
        url = running.agent_url
        trusted = run(url, "--api", running.api_url, "--ca", str(certificate))
        untrusted = run(url, "--api", running.api_url)
        without_tls = run(url.replace("wss", "ws"), "--api", running.api_url)

    assert trusted.returncode == 0, trusted.stdout
    assert "[x]" not in without_tls.stdout
    assert untrusted.returncode == 1
    assert "[TLS-UNTRUSTED-CA]" in untrusted.stdout
    assert without_tls.returncode == 1
    assert "[TLS-PLAIN-TO-TLS]" in without_tls.stdout


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "holdfast test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(pem))
    key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate_file, key_file
