"""Something in between: a name, a scheme, a certificate, a port, a proxy."""

import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.agent import Agent
from holdfast.agent.status import State
from holdfast.lab.faults.proxies import without_upgrade
from holdfast.lab.rawwire import Place
from holdfast.lab.relays import Conduct, Relay
from holdfast.lab.responders import Responder, http_answer
from holdfast.lab.terminators import Terminator
from tests.certificates import DAY, Authority, Certificate
from tests.doctor.places import code_of, failures, line
from tests.doctor.resolvers import name_server
from tests.processes import free_ports
from tests.threads.conftest import OpenGround
from tests.threads.ground import HASTE, Ground, until

WS = "/ws/agent"


async def test_minions_are_lost_after_the_masters_address_changed(open_ground: OpenGround) -> None:
    """saltstack/salt#10032, #63654, #15122: the name resolves rightly and the minion dials the old address.

    The doctor is answered by the old master; the new one's API has no such attempt, and says what that means.
    """
    old, new = await open_ground(), await open_ground()
    async with name_server(zone={"salt.test": ("127.0.0.2",)}) as dns_port:
        report = await new.doctor(
            f"ws://salt.test:{old.port}{WS}", dns_port=dns_port, hosts="127.0.0.1 salt.test\n", addresses=["127.0.0.1"]
        )

    name = line(report, "name")
    assert name.problem is not None
    assert name.problem.code == "NET-DNS-STALE"
    assert "the hosts file pins salt.test to 127.0.0.1, the resolvers say 127.0.0.2" in name.problem.why
    joined = await new.joined(report)
    assert joined["verdict"]["code"] == "NET-DNS-STALE"
    assert joined["verdict"]["what"] == "the doctor was answered by a gateway of another installation"
    assert (await old.joined(report))["gateway_side"]["found_by"] == "id"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signs the certificates of a test."""
    return Authority(tmp_path)


def as_server(folder: Path, issued: Certificate) -> dict[str, Path]:
    """The settings of a gateway whose certificate lies in files that can be renewed."""
    cert, key = folder / "gateway.pem", folder / "gateway.key"
    shutil.copy(issued.cert, cert)
    shutil.copy(issued.key, key)
    return {"tls_cert": cert, "tls_key": key}


async def test_remote_server_is_not_ready_to_accept_connections_retrying(
    open_ground: OpenGround, authority: Authority, tmp_path: Path
) -> None:
    """elastic/fleet-server#1253, elastic/beats#26750, #25430: http against https; `curl` said "SSL record too long"."""
    secure = await open_ground(**as_server(tmp_path, authority.issue("127.0.0.1")))
    plain = await open_ground()

    to_tls = await secure.doctor(f"ws://127.0.0.1:{secure.port}{WS}")
    to_plain = await plain.doctor(f"wss://127.0.0.1:{plain.port}{WS}")

    assert [code_of(to_tls), code_of(to_plain)] == ["TLS-PLAIN-TO-TLS", "TLS-TLS-TO-PLAIN"]
    assert to_tls.verdict is not None
    assert to_tls.verdict.fix == "Use `wss://` in the agent's URL"
    for ground, report in ((secure, to_tls), (plain, to_plain)):
        joined = await ground.joined(report)
        assert joined["verdict"]["code"] == code_of(report)
        assert (joined["agrees"], joined["verdict"]["confidence"]) == (True, 1.0)


async def test_all_agents_are_overdue_after_the_certificate_was_renewed(
    open_ground: OpenGround, authority: Authority, tmp_path: Path
) -> None:
    """amidaware/tacticalrmm#515, #1786: the server went on with the old certificate, without any error in a log.

    Both sides name the date; a reload takes the new file, and who was connected stays.
    """
    files = as_server(tmp_path, authority.issue("127.0.0.1", begins=-9 * DAY, ends=-DAY))
    plane = await open_ground(**files)
    url = f"wss://127.0.0.1:{plane.port}{WS}"

    before = await plane.doctor(url, ca_file=authority.file)
    seen = await plane.joined(before)
    as_server(tmp_path, authority.issue("127.0.0.1"))
    still = await plane.doctor(url, ca_file=authority.file)
    plane.plane.reload_tls()
    after = await plane.doctor(url, ca_file=authority.file)

    assert [report.ok for report in (before, still, after)] == [False, False, True]
    assert [code_of(report) for report in (before, still)] == ["TLS-EXPIRED", "TLS-EXPIRED"]
    assert (await plane.attempt(code="TLS-EXPIRED"))["step"] == "tcp"
    assert seen["verdict"]["code"] == "TLS-EXPIRED"


async def test_the_server_does_not_know_the_certificate_that_agents_see(plane: Ground, authority: Authority) -> None:
    """Ylianst/MeshCentral#146, #4997: a proxy shows another; the gateway's half proves that nothing came through."""
    issued = authority.issue("proxy.example.test")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(issued.cert, issued.key)
    async with Terminator("127.0.0.1", plane.port, server, source="127.0.0.1") as proxy:
        report = await plane.doctor(
            f"wss://gateway.test:{proxy.port}{WS}", ca_file=authority.file, addresses=["127.0.0.1"]
        )

    assert code_of(report) == "TLS-HOSTNAME-MISMATCH"
    joined = await plane.joined(report)
    assert joined["gateway_side"]["found_by"] == "nothing"
    assert joined["verdict"]["code"] == "TLS-HOSTNAME-MISMATCH"


async def test_edge_agents_cannot_join_though_the_documented_port_is_open(plane: Ground) -> None:
    """portainer/agent#242, portainer/portainer#6825: one of two ports was closed, and the guide stressed the other."""
    (closed,) = free_ports(1)

    report = await plane.doctor(f"ws://127.0.0.1:{closed}{WS}")

    refused = line(report, "tcp")
    assert (code_of(report), failures(report)) == ("NET-CONN-REFUSED", [f"tcp 127.0.0.1:{closed}"])
    assert refused.evidence[f"port_{plane.api_port}"] == "open: actions-api"
    assert refused.evidence[f"port_{plane.port}"] == "open: websocket-gateway"
    assert report.verdict is not None
    assert report.verdict.fix == f"Use {plane.url}"


async def test_the_reverse_proxy_passes_everything_but_the_upgrade(plane: Ground) -> None:
    """CptOfEvilMinions/FleetDM-Automation#7, jenkins-infra/jenkins.io#3599: nginx without the Upgrade map."""
    async with Relay("127.0.0.1", plane.port, Conduct(request=without_upgrade), source="127.0.9.1") as nginx:
        report = await plane.doctor(f"ws://127.0.0.1:{nginx.port}{WS}")
        agent = await plane.connect("web-01", place=Place(host="127.0.0.1", port=nginx.port))

    assert agent.wire.status in (400, 426)
    assert (code_of(report), failures(report)[0]) == ("PXY-UPGRADE-STRIPPED", "upgrade")
    joined = await plane.joined(report)
    assert joined["verdict"]["code"] == "PXY-UPGRADE-STRIPPED"
    assert joined["agrees"]
    finding = await plane.finding("PXY-UPGRADE-STRIPPED")
    assert finding["blame"] == "proxy"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http_answer("400 Bad Request", "cluster not found", kind="text/plain"), "PXY-UPGRADE-STRIPPED"),
        (http_answer("404 Not Found", "<html>nginx</html>"), "WS-WRONG-PATH"),
        (http_answer("502 Bad Gateway", "<html>nginx</html>"), "PXY-BAD-GATEWAY"),
        (http_answer("401 Unauthorized", "", "WWW-Authenticate: Basic"), "WS-AUTH-401"),
        (http_answer("200 OK", "<html>Sign in</html>"), "PXY-HTML-200"),
    ],
)
async def test_bad_handshake(tmp_path: Path, answer: bytes, code: str) -> None:
    """rancher/rancher#52232, #19025: the agent's log said "bad handshake" whatever the server had answered."""
    async with Responder(lambda _: answer) as server:
        agent = Agent(f"ws://127.0.0.1:{server.port}", state_dir=tmp_path / "state", backoff=HASTE)
        async with agent:

            async def told() -> str | None:
                return agent.status.problem.code if agent.status.problem else None

            assert await until(told, "the agent to say what it met") == code
            assert agent.status.state is not State.READY


@pytest.mark.parametrize("drops", [lambda: Conduct(largest=1200), lambda: Conduct(hold_bytes=1024, hold_s=1.5)])
async def test_everything_is_connected_and_nothing_arrives(plane: Ground, drops: Callable[[], Conduct]) -> None:
    """jenkinsci/jenkins#26726: unexplained for long; TCP is up on both sides, and the messages do not come through."""
    async with Relay("127.0.0.1", plane.port, drops(), source="127.0.9.2") as box:
        report = await plane.doctor(f"ws://127.0.0.1:{box.port}{WS}", timeout_s=1.0)

    expected = "NET-MTU-BLACKHOLE" if drops().largest else "PXY-BUFFERING"
    joined = await plane.joined(report)
    assert joined["verdict"]["code"] == expected
