"""`holdfast doctor` as people and programs run it: output and exit code of a process."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from nacl.signing import SigningKey

from holdfast.agent.keyring import Keyring
from holdfast.doctor import Report
from tests.cli.commands import holdfast
from tests.doctor.certificates import Issuer
from tests.processes import ControlPlane, control_plane, free_ports

CHALLENGE = {"nonce": base64.b64encode(bytes(32)).decode(), "server_time": "2025-11-24T16:00:00Z", "host_id": "web-01"}
TEXT = "".join(CHALLENGE.values()).encode()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("holdfast") / "data") as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> Path:
    Keyring.open(tmp_path / "state").close()
    return tmp_path / "state"


def signing_key(state: Path) -> SigningKey:
    return SigningKey(base64.b64decode((state / "agent.key").read_text()))


def sign_command(state: Path, *more: str) -> list[str]:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in CHALLENGE.items()]
    return ["doctor", "sign", f"--state-dir={state}", *options, *more]


def test_a_healthy_gateway_ends_with_0_and_fits_60_columns(plane: ControlPlane) -> None:
    done = holdfast("doctor", plane.agent_url, columns=60)

    assert (done.code, done.err) == (0, "")
    assert "No problem found" in done.out
    assert "holdfast attempts show" in done.out
    assert max(map(len, done.out.splitlines())) <= 60


def test_a_problem_ends_with_1_and_its_fix(plane: ControlPlane) -> None:
    done = holdfast("doctor", f"ws://127.0.0.1:{plane.gateway_port}/ws")

    assert done.code == 1
    assert "cause WS-WRONG-PATH" in done.out
    assert "holdfast explain WS-WRONG-PATH" in done.out


def test_without_a_url_the_usage_is_wrong() -> None:
    done = holdfast("doctor")

    assert (done.code, done.out) == (2, "")
    assert "Missing argument 'URL'" in done.err


def test_the_port_of_the_api_has_one_name_and_one_fix_everywhere(plane: ControlPlane) -> None:
    url = f"ws://127.0.0.1:{plane.gateway_port}/ws/agent"

    done = holdfast("doctor", "--json", url.replace(str(plane.gateway_port), plane.api_url.rpartition(":")[2]))

    report = msgspec.json.decode(done.out, type=Report)
    told = {check.name: check.problem for check in report.checks if check.problem is not None}
    assert {name: (found.code, found.fix) for name, found in told.items()} == dict.fromkeys(
        ("health", "get", "head", "upgrade"), ("NET-WRONG-PORT", f"Use {url} for agents")
    )


def test_a_refused_head_is_told_as_get_and_never_as_an_upgrade(plane: ControlPlane) -> None:
    done = holdfast("doctor", "--json", f"ws://127.0.0.1:{plane.gateway_port}/nope")

    report = msgspec.json.decode(done.out, type=Report)
    head = next(check for check in report.checks if check.name == "head")
    assert head.problem is not None
    assert (head.problem.code, head.because) == ("WS-WRONG-PATH", "HTTP 404, as GET")
    assert "the upgrade" not in head.problem.why


def test_a_doctor_that_cannot_begin_ends_with_2(plane: ControlPlane, tmp_path: Path) -> None:
    done = holdfast("doctor", plane.agent_url, "--enrolment-token-file", str(tmp_path / "none"))

    assert done.code == 2
    assert "error" in done.err


def test_json_is_the_whole_report(plane: ControlPlane) -> None:
    done = holdfast("doctor", "--json", plane.agent_url)

    report = msgspec.json.decode(done.out, type=Report)
    assert (done.code, report.ok, report.url) == (0, True, plane.agent_url)
    assert {check.name for check in report.checks} >= {"tcp", "health", "upgrade", "registration", "sizes", "idle"}


def test_the_evidence_of_everything_is_shown_on_request(plane: ControlPlane) -> None:
    assert "registration_id" not in holdfast("doctor", plane.agent_url).out
    assert "registration_id" in holdfast("doctor", plane.agent_url, "-v").out


def test_a_proxy_of_the_environment_is_found_in_the_way(plane: ControlPlane) -> None:
    proxy = f"http://user:secret@127.0.0.1:{free_ports(1)[0]}"

    done = holdfast("doctor", plane.agent_url, environ={"HTTP_PROXY": proxy})

    assert done.code == 1
    assert "cause PXY-ENV-PROXY" in done.out
    assert "fix   Add 127.0.0.1 to NO_PROXY" in done.out
    assert "secret" not in done.out


def test_a_gateway_with_tls_is_examined_to_the_end(tmp_path: Path) -> None:
    root = Issuer(tmp_path, "Test root")
    leaf = root.issue("127.0.0.1")
    with control_plane(tmp_path / "data", "--tls-cert", str(leaf), "--tls-key", str(leaf), ca=root.file) as running:
        url = f"wss://127.0.0.1:{running.gateway_port}/ws/agent"
        trusting = holdfast("doctor", url, "--ca", str(root.file))
        not_trusting = holdfast("doctor", url)
        plainly = holdfast("doctor", url.replace("wss:", "ws:"))

    assert (trusting.code, "PASS  registration" in trusting.out) == (0, True)
    assert "cause TLS-UNTRUSTED-CA" in not_trusting.out
    assert "cause TLS-PLAIN-TO-TLS" in plainly.out


def test_sign_shows_the_text_and_the_one_right_signature(state: Path) -> None:
    done = holdfast(*sign_command(state))

    assert done.code == 0
    assert hashlib.sha256(TEXT).hexdigest() in done.out
    assert base64.b64encode(signing_key(state).sign(TEXT).signature).decode() in done.out


def test_sign_accepts_what_the_agent_sent_when_it_is_right(state: Path) -> None:
    signature = base64.b64encode(signing_key(state).sign(TEXT).signature).decode()
    digest = hashlib.sha256(TEXT).hexdigest()

    done = holdfast(*sign_command(state, f"--signature={signature}", f"--expect-sha256={digest}"))

    assert done.code == 0
    assert "what was sent is right for this key and text" in done.out
    assert "the gateway expects this very text" in done.out


def test_sign_names_the_mistake_and_the_first_byte_that_differs(state: Path) -> None:
    decoded = bytes(32) + (CHALLENGE["server_time"] + CHALLENGE["host_id"]).encode()
    signature = base64.b64encode(signing_key(state).sign(decoded).signature).decode()

    done = holdfast(*sign_command(state, f"--signature={signature}"))

    assert done.code == 1
    assert "SIG-NONCE-DECODED" in done.out
    assert "first difference" in done.out


def test_sign_says_when_the_gateway_expects_another_text(state: Path) -> None:
    done = holdfast(*sign_command(state, f"--expect-sha256={'0' * 64}"))

    assert done.code == 1
    assert "the gateway expects another text than this" in done.out


def test_sign_never_shows_the_private_key(state: Path) -> None:
    seed = (state / "agent.key").read_text().strip()
    done = holdfast(*sign_command(state, "--json"))

    assert done.code == 0
    assert seed not in done.out + done.err


def test_sign_says_that_only_the_encoding_is_wrong_and_fits_60_columns_but_for_what_is_copied(state: Path) -> None:
    signature = signing_key(state).sign(TEXT).signature.hex()

    done = holdfast(*sign_command(state, f"--signature={signature}"), columns=60)

    assert done.code == 1
    assert "SIG-ENC-HEX" in done.out
    assert "key and text are right: only the encoding of what was sent is wrong" in " ".join(done.out.split())
    prose = done.out[done.out.index("compared") :].splitlines()
    assert max(map(len, prose)) <= 60


def test_sign_does_not_claim_to_know_every_mistake(state: Path) -> None:
    signature = base64.b64encode(signing_key(state).sign(b"something else").signature).decode()

    done = holdfast(*sign_command(state, f"--signature={signature}"))

    assert done.code == 1
    assert "not this key's signature over this text" in done.out
    assert "Read the gateway's answer to this signature" in done.out


def test_sign_without_a_key_is_wrong_usage_and_says_which_folder_to_name(tmp_path: Path) -> None:
    done = holdfast(*sign_command(tmp_path / "none"))

    assert done.code == 2
    assert "[CLI-USAGE]" in done.err
    assert str(tmp_path / "none" / "agent.key") in done.err
    assert "fix: Name the --state-dir that the agent itself is given" in done.err
