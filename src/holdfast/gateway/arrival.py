"""What a connection says before it is a WebSocket: a proxy's header, then a request, or something foreign."""

import logging
from typing import TYPE_CHECKING, Final

from holdfast.faults import Problem, problem
from holdfast.gateway import forwarded, front, pages
from holdfast.gateway.firstbytes import HTTP_START, Speech, judge, server_name
from holdfast.gateway.tls import HandshakeFailed
from holdfast.model import Step
from holdfast.model.events import EventKind

if TYPE_CHECKING:
    from holdfast.gateway.server import Gateway
    from holdfast.gateway.socket import AgentSocket

SILENT_LOG: Final = logging.getLogger("holdfast.gateway.websocket")
SILENT_LOG.disabled = True  # the library logs each connection; the journal does that, with more to say
HANDSHAKE_RECORD: Final = b"\x16\x03"
END_OF_HEAD: Final = b"\r\n\r\n"


class Arrival:
    """One connection's beginning. The socket feeds it until `is_over`, and forgets it."""

    __slots__ = ("_gateway", "_greeted", "_head", "_preface", "_server_name", "_sock", "is_over")

    def __init__(self, gateway: "Gateway", sock: "AgentSocket") -> None:
        self._gateway = gateway
        self._sock = sock
        self._head = bytearray()
        self._preface: bytearray | None = bytearray()  # until it is known whether a PROXY header comes first
        self._greeted = False  # whether a whole ClientHello came
        self._server_name: str | None = None
        self.is_over = False

    def unwrap(self, data: bytes) -> bytes:
        """`data` without the PROXY header at its start; it stands before TLS, so its bytes are those of the wire."""
        preface, sock = self._preface, self._sock
        if preface is None:
            return self._overheard(data)
        preface += data
        if sock.address not in self._gateway.entrance.trusted_proxies:
            if forwarded.is_proxy_header(preface):
                self.refuse(forwarded.untrusted(preface, sock.address), Step.TCP)
                return b""
            self._preface = None
            return self._overheard(data)
        header = forwarded.proxy_header(preface)
        if header is None:
            return b""
        self._preface = None
        if isinstance(header, Problem):
            self.refuse(header, Step.TCP)
            return b""
        if header.origin is not None:
            self._gateway.entrance.located(sock, header.origin)
        return self._overheard(bytes(preface[header.size :]))

    def _overheard(self, data: bytes) -> bytes:
        if self._sock.awaits_tls and data.startswith(HANDSHAKE_RECORD) and not self._greeted:
            self._greeted, self._server_name = True, server_name(data)
        return data

    def read(self, data: bytes) -> bytes:
        """Take plaintext; returns what follows the request of an accepted upgrade."""
        head = self._head
        head += data
        speech, wrong = judge(head)
        if speech is Speech.INCOMPLETE:
            return b""
        if wrong is not None:
            self.refuse(wrong, Step.TCP)
            return b""
        self.is_over = True
        end = head.index(END_OF_HEAD) + len(END_OF_HEAD)
        self._answer(bytes(head[:end]))
        return bytes(head[end:])

    def _answer(self, head: bytes) -> None:
        answer = front.answer(self._gateway, self._sock, head)
        if isinstance(answer, bytes):
            self._sock.send_raw(answer)
        else:
            self._sock.say_goodbye(answer.serialize())

    def refuse(self, wrong: Problem, step: Step) -> None:
        """End the connection by name; whoever speaks HTTP is told why."""
        self._note(wrong, step)
        said = self._head or self._preface or b""
        speaks_http = wrong.code == "TLS-PLAIN-TO-TLS" or (HTTP_START.match(said) and not self._sock.awaits_tls)
        self._sock.say_goodbye(pages.refusal(wrong, self._sock.attempt).serialize() if speaks_http else b"")

    def tls_failed(self, failure: HandshakeFailed) -> None:
        """End a connection whose TLS broke; an agent's vague refusal is read with our own certificate in hand."""
        wrong, certificate = failure.problem, self._gateway.certificate
        if failure.is_refusal and certificate is not None:
            wrong = certificate.objection(self._server_name, wall=self._gateway.wall(), said=wrong.why)
        self.refuse(wrong, Step.TLS)

    def left(self) -> None:
        """The connection is gone. Many TLS libraries say nothing when they dislike a certificate: they just leave."""
        certificate = self._gateway.certificate
        if self.is_over or certificate is None or not self._greeted or not self._sock.awaits_tls:
            return
        wrong = certificate.objection(self._server_name, wall=self._gateway.wall())
        self._note(wrong, Step.TLS)

    def _note(self, wrong: Problem, step: Step) -> None:
        self.is_over = True
        facts = {"what": wrong.what, "why": wrong.why, "fix": wrong.fix, **wrong.evidence}
        self._gateway.note(self._sock, EventKind.HANDSHAKE_FAILED, facts, code=wrong.code, step=step)

    def expired(self, mono: float) -> None:
        """The time for the handshake is over."""
        if not self.is_over:
            why = f"no complete request within {mono - self._sock.opened_at:.0f} s, {len(self._head)} bytes of it came"
            self.refuse(problem("WS-HANDSHAKE-SLOW", why=why), Step.TCP)
