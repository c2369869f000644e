"""Whose address counts when a connection comes through proxies."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faults import Problem, Refused
from holdfast.gateway.forwarded import (
    V1_MAX_BYTES,
    V2_MAX_BYTES,
    V2_START,
    Origin,
    ProxyHeader,
    TrustedProxies,
    hops,
    is_proxy_header,
    proxy_header,
)

OURS = TrustedProxies(["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"])


def version_2(*, family: int, addresses: bytes, command: int = 0x21) -> bytes:
    return V2_START + struct.pack("!BBH", command, family, len(addresses)) + addresses


def test_addresses_and_networks_are_trusted_also_as_ipv4_on_a_dual_stack_listener() -> None:
    asked = ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.1", "192.0.2.2", "2001:db8::7", "2001:db9::7", "", "gateway"]

    assert [address in OURS for address in asked] == [True, True, True, False, True, False, False, False]


def test_nobody_is_trusted_where_nobody_is_listed() -> None:
    assert "127.0.0.1" not in TrustedProxies([])


def test_an_entry_that_is_no_address_is_refused_with_the_entry() -> None:
    with pytest.raises(Refused) as refusal:
        TrustedProxies(["10.0.0.0/8", "proxy.example"])

    assert refusal.value.problem.code == "CFG-BAD-VALUE"
    assert "'proxy.example'" in refusal.value.problem.what


@pytest.mark.parametrize(
    ("told", "client"),
    [
        (["203.0.113.9"], "203.0.113.9:0"),
        (["203.0.113.9, 10.0.0.1"], "203.0.113.9:0"),
        (["1.1.1.1, 203.0.113.9, 10.0.0.1, 192.0.2.1"], "203.0.113.9:0"),  # 1.1.1.1 is what the client claimed
        (["1.1.1.1", "203.0.113.9"], "203.0.113.9:0"),  # a header that was repeated instead of extended
        (["203.0.113.9:4711"], "203.0.113.9:4711"),
        (["[2001:db9::7]:4711, 10.0.0.1"], "[2001:db9::7]:4711"),
        (["2001:db9::7"], "[2001:db9::7]:0"),
        (["10.0.0.7"], "10.0.0.7:0"),  # everybody is one of ours: the leftmost
        (["203.0.113.9, unknown, 10.0.0.1"], "10.0.0.1:0"),  # no further than what can be read
        (["203.0.113.9, unknown"], None),
        ([""], None),
        (["203.0.113.9:99999"], None),
        ([], None),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_not_ours(told: list[str], client: str | None) -> None:
    found = OURS.client(hops(told, []))

    assert (str(found) if found else None) == client


@pytest.mark.parametrize(
    ("told", "client"),
    [
        (['for=203.0.113.9;proto=https;by=10.0.0.1, For="[2001:db8::1]:80"'], "203.0.113.9:0"),
        (['for="203.0.113.9:4711"'], "203.0.113.9:4711"),
        (["for=_hidden"], None),
        (["proto=https"], None),
    ],
)
def test_forwarded_is_read_where_there_is_no_x_forwarded_for(told: list[str], client: str | None) -> None:
    found = OURS.client(hops([], told))

    assert (str(found) if found else None) == client


def test_a_forwarded_beside_x_forwarded_for_is_not_believed() -> None:
    assert hops(["203.0.113.9"], ["for=1.1.1.1"]) == [Origin("203.0.113.9")]


@pytest.mark.parametrize(
    ("line", "origin"),
    [
        (b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n", Origin("203.0.113.9", 4711)),
        (b"PROXY TCP6 2001:db9::7 2001:db8::1 4711 443\r\n", Origin("2001:db9::7", 4711)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
    ],
)
def test_version_1_is_read_up_to_its_line_end(line: bytes, origin: Origin | None) -> None:
    assert proxy_header(line + b"GET / HTTP/1.1\r\n") == ProxyHeader(len(line), origin)
    assert [proxy_header(line[:size]) for size in range(len(line))] == [None] * len(line)


def test_version_2_is_read_with_its_extensions() -> None:
    addresses = socket.inet_aton("203.0.113.9") + socket.inet_aton("10.0.0.1") + struct.pack("!HH", 4711, 443)
    header = version_2(family=0x11, addresses=addresses + b"\x04\x00\x03abc")
    six = socket.inet_pton(socket.AF_INET6, "2001:db9::7") * 2 + struct.pack("!HH", 4711, 443)

    assert proxy_header(header + b"GET /") == ProxyHeader(len(header), Origin("203.0.113.9", 4711))
    assert proxy_header(version_2(family=0x21, addresses=six)) == ProxyHeader(52, Origin("2001:db9::7", 4711))
    assert [proxy_header(header[:size]) for size in range(len(header))] == [None] * len(header)


def test_version_2_for_the_proxys_own_health_check_names_nobody() -> None:
    assert proxy_header(version_2(family=0, addresses=b"", command=0x20)) == ProxyHeader(16, None)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 203.0.113.9 10.0.0.1 4711\r\n",
        b"PROXY TCP4 2001:db9::7 10.0.0.1 4711 443\r\n",
        b"PROXY TCP4 203.0.113.9 10.0.0.1 99999 443\r\n",
        b"PROXY TCP4 999.0.113.9 10.0.0.1 4711 443\r\n",
        b"PROXY " + b"a" * V1_MAX_BYTES,
        version_2(family=0x11, addresses=b"1234"),
        version_2(family=0x11, addresses=b"", command=0x31),
        V2_START + struct.pack("!BBH", 0x21, 0x11, V2_MAX_BYTES),
    ],
)
def test_a_header_that_cannot_be_read_is_shown(header: bytes) -> None:
    wrong = proxy_header(header)

    assert isinstance(wrong, Problem)
    assert wrong.code == "PXY-CLIENT-IP-HIDDEN"
    assert wrong.why.isprintable()


def test_a_connection_without_a_header_is_left_as_it_is() -> None:
    assert proxy_header(b"GET / HTTP/1.1\r\n") == ProxyHeader(0, None)
    assert proxy_header(b"\x16\x03\x01") == ProxyHeader(0, None)
    assert not is_proxy_header(b"PRI * HTTP/2.0")


@given(start=st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", V2_START, V2_START + b"\x21\x11"]), rest=st.binary())
def test_any_bytes_are_a_header_no_header_or_a_problem_and_never_waited_for_beyond_a_bound(
    start: bytes, rest: bytes
) -> None:
    found = proxy_header(start + rest)

    assert found is None or isinstance(found, Problem) or found.size <= len(start + rest)
    if len(start + rest) > V2_MAX_BYTES:
        assert found is not None


@given(st.lists(st.text()), st.lists(st.text()))
def test_any_text_in_the_headers_is_hops_or_unreadable(forwarded_for: list[str], forwarded: list[str]) -> None:
    client = OURS.client(hops(forwarded_for, forwarded))

    assert client is None or str(client).isprintable()
