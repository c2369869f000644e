"""The first bytes of a connection: any of them get a verdict, and foreign speech is named."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.gateway.firstbytes import MAX_HEAD_BYTES, Speech, judge, server_name

REQUEST = b"GET /ws/agent HTTP/1.1\r\nHost: gateway\r\n\r\n"


def client_hello(name: str | None) -> bytes:
    """What a real TLS client says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def code_of(head: bytes) -> str | None:
    _, wrong = judge(head)
    return wrong.code if wrong else None


def test_a_request_is_http_when_its_head_is_complete_and_not_before() -> None:
    verdicts = [judge(REQUEST[:size])[0] for size in range(len(REQUEST) + 1)]

    assert verdicts == [*[Speech.INCOMPLETE] * len(REQUEST), Speech.HTTP]


def test_a_client_hello_is_recognised_with_the_name_it_asked_for() -> None:
    speech, wrong = judge(client_hello("gateway.example"))

    assert speech is Speech.FOREIGN
    assert wrong is not None
    assert wrong.code == "TLS-TLS-TO-PLAIN"
    assert wrong.evidence == {"server_name": "gateway.example"}
    assert "'gateway.example'" in wrong.why


def test_a_client_hello_without_a_name_is_recognised_all_the_same() -> None:
    assert code_of(client_hello(None)) == "TLS-TLS-TO-PLAIN"
    assert server_name(client_hello(None)) is None


def test_a_client_hello_that_comes_in_pieces_is_waited_for() -> None:
    hello = client_hello("gateway.example")

    assert [judge(hello[:size])[0] for size in (1, 5)] == [Speech.INCOMPLETE] * 2
    assert code_of(hello[:100]) == "TLS-TLS-TO-PLAIN"


def test_http_2_without_an_upgrade_is_named() -> None:
    assert code_of(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == "PXY-H2-ONLY"


@pytest.mark.parametrize(
    "speech", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00" * 16, b"{'id': 'register'}\r\n\r\n", b"get / http/1.1\r\n\r\n"]
)
def test_what_is_no_http_is_shown_escaped(speech: bytes) -> None:
    verdict, wrong = judge(speech)

    assert verdict is Speech.FOREIGN
    assert wrong is not None
    assert (wrong.code, wrong.what) == ("WS-PLAIN-HTTP", "this is no HTTP request")
    assert wrong.why.isprintable()


def test_a_head_that_never_ends_is_refused_at_its_limit() -> None:
    head = b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEAD_BYTES

    assert judge(head[:MAX_HEAD_BYTES])[0] is Speech.INCOMPLETE
    verdict, wrong = judge(head)
    assert verdict is Speech.FOREIGN
    assert wrong is not None
    assert wrong.what == "the request is too large"


HELLO = client_hello("gateway.example")
starts = st.sampled_from([b"", b"\x16\x03", b"\x16", b"GET ", b"PRI * HTTP/2.0", b"PROXY ", HELLO])


@given(start=starts, rest=st.binary(max_size=400))
def test_any_bytes_get_a_verdict_that_names_what_is_foreign(start: bytes, rest: bytes) -> None:
    verdict, wrong = judge(start + rest)

    assert (wrong is not None) == (verdict is Speech.FOREIGN)
    assert wrong is None or (wrong.why.isprintable() and len(wrong.why) < 400)


@given(cut=st.integers(0, 600), place=st.integers(0, 599), byte=st.integers(0, 255))
def test_a_damaged_client_hello_yields_a_name_or_none(cut: int, place: int, byte: int) -> None:
    hello = bytearray(HELLO)
    hello[place % len(hello)] = byte

    name = server_name(bytes(hello[:cut]))

    assert name is None or len(name) <= len(hello)


@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=10))
def test_the_verdict_on_a_request_does_not_depend_on_how_it_was_cut(sizes: list[int]) -> None:
    head, rest = bytearray(), REQUEST
    verdict = Speech.INCOMPLETE
    for size in [*sizes, len(REQUEST)]:
        assert verdict is Speech.INCOMPLETE or not rest
        piece, rest = rest[:size], rest[size:]
        head += piece
        verdict, _ = judge(head)

    assert verdict is Speech.HTTP
