"""Name resolution: what each resolver says by itself, and what follows from all of it."""

import socket
from pathlib import Path

from holdfast.doctor import Status
from holdfast.doctor.dns import AAAA, A, Reply, Said, ask_server, decode_reply
from holdfast.doctor.hostfiles import pinned_addresses, read_resolvers
from tests.doctor.places import code_of, examined, line, lines, surroundings
from tests.doctor.resolvers import name_server

UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
LATER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
URL = "ws://gateway.test:1/ws/agent"


async def test_a_name_that_every_resolver_denies_does_not_exist(tmp_path: Path) -> None:
    async with name_server(zone={}) as port:
        here = surroundings(tmp_path, addresses=UNKNOWN, servers=["127.0.0.1"], dns_port=port)
        report = await examined(URL, here)

    assert code_of(report) == "NET-DNS-NXDOMAIN"
    assert line(report, "name").because == "127.0.0.1 says that gateway.test does not exist"
    assert line(report, "resolver").evidence["said"] == "no such name"
    assert line(report, "tcp").status is Status.SKIP


async def test_the_librarys_try_again_is_a_no_where_the_resolvers_say_no(tmp_path: Path) -> None:
    async with name_server(zone={}) as port:
        here = surroundings(tmp_path, addresses=LATER, servers=["127.0.0.1"], dns_port=port)
        assert code_of(await examined(URL, here)) == "NET-DNS-NXDOMAIN"


async def test_resolvers_that_do_not_answer_are_named_by_their_address(tmp_path: Path) -> None:
    async with name_server(silent=True) as port:
        here = surroundings(tmp_path, addresses=LATER, servers=["127.0.0.1"], dns_port=port)
        report = await examined(URL, here, timeout_s=0.8)

    assert code_of(report) == "NET-DNS-TIMEOUT"
    assert "127.0.0.1" in line(report, "name").because


async def test_a_dead_resolver_beside_a_living_one_is_a_warning(tmp_path: Path) -> None:
    known = {"gateway.test": ("127.0.0.1",)}
    async with name_server("127.0.0.2", zone=known) as port, name_server("127.0.0.3", port, silent=True):
        here = surroundings(tmp_path, addresses=["127.0.0.1"], servers=["127.0.0.3", "127.0.0.2"], dns_port=port)
        report = await examined(URL, here, timeout_s=0.8)

    dead, living = lines(report, "resolver")
    assert (dead.title, dead.status, living.status) == ("resolver 127.0.0.3", Status.WARN, Status.PASS)
    assert dead.problem is not None
    assert dead.problem.fix == "Remove nameserver 127.0.0.3 from resolv.conf, or bring it back"
    assert line(report, "name").status is Status.PASS


async def test_a_resolver_that_answers_over_tcp_only_shows_a_filter_on_udp(tmp_path: Path) -> None:
    async with name_server(only_tcp=True) as port:
        here = surroundings(tmp_path, addresses=LATER, servers=["127.0.0.1"], dns_port=port)
        report = await examined(URL, here, timeout_s=0.8)

    assert "over TCP it does, so UDP port 53 is filtered" in line(report, "resolver").because


async def test_a_name_that_only_the_second_resolver_knows_says_which_one_to_ask_first(tmp_path: Path) -> None:
    async with name_server("127.0.0.2", zone={}) as port, name_server("127.0.0.3", port):
        here = surroundings(tmp_path, addresses=UNKNOWN, servers=["127.0.0.2", "127.0.0.3"], dns_port=port)
        report = await examined(URL, here)

    assert code_of(report) == "NET-DNS-NXDOMAIN"
    assert report.verdict is not None
    assert report.verdict.fix == "Put 127.0.0.3 first in resolv.conf"


async def test_a_hosts_file_that_pins_another_address_than_dns_is_pointed_out(tmp_path: Path) -> None:
    async with name_server() as port:
        here = surroundings(
            tmp_path, addresses=["127.0.0.1"], servers=["127.0.0.1"], dns_port=port, hosts="127.0.0.1 gateway.test\n"
        )
        report = await examined(URL, here)

    name = line(report, "name")
    assert name.status is Status.WARN
    assert name.problem is not None
    assert name.problem.code == "NET-DNS-STALE"


async def test_an_address_in_the_url_needs_no_resolver(tmp_path: Path) -> None:
    report = await examined("ws://127.0.0.1:1/ws/agent", surroundings(tmp_path))

    assert line(report, "name").because == "the URL holds an address, there is no name to resolve"
    assert lines(report, "resolver") == []


async def test_both_families_are_asked_for_and_a_truncated_answer_is_asked_again_over_tcp() -> None:
    zone = {"gateway.test": ("192.0.2.7", "2001:db8::7")}
    async with name_server(zone=zone, truncated=True) as port:
        four = await ask_server("127.0.0.1", "gateway.test", A, port=port, timeout_s=1)
        six = await ask_server("127.0.0.1", "gateway.test", AAAA, port=port, timeout_s=1)

    assert (four.addresses, six.addresses, four.ttl_s) == (("192.0.2.7",), ("2001:db8::7",), 60)


async def test_a_closed_port_is_told_from_silence() -> None:
    assert (await ask_server("127.0.0.1", "gateway.test", A, port=1, timeout_s=1)).said is Said.REFUSED


def test_bytes_that_are_no_answer_are_a_failure_of_the_server() -> None:
    for raw in (b"", b"\x00" * 11, b"\x00\x01\x81\x80\x00\x01\x00\x05\x00\x00\x00\x00\x07short"):
        assert decode_reply(raw, A) == Reply(said=Said.FAILED)


def test_resolv_conf_is_read_as_the_library_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(
        "; old\nnameserver 192.0.2.1 # first\nnameserver ::1\nsearch a.test b.test\noptions ndots:2 rotate\n"
    )

    found = read_resolvers(path)

    assert (found.servers, found.search, found.ndots) == (("192.0.2.1", "::1"), ("a.test", "b.test"), 2)
    assert found.names_for("gw.c") == ("gw.c.a.test", "gw.c.b.test", "gw.c")
    assert read_resolvers(tmp_path / "none").servers == ("127.0.0.1",)


def test_the_hosts_file_is_read_in_any_letter_case(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n::1 GATEWAY.test gw # both\nnonsense gateway.test\n")

    assert pinned_addresses(path, "gateway.test.") == ("::1",)
