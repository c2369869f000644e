"""TLS without I/O: ciphertext in, plaintext out. Our shell owns the bytes, so it also sees why a handshake failed."""

import ssl
from typing import Final

from holdfast.faults import Problem, problem

READ_BYTES: Final = 64 * 1024
# Alerts by which an agent refuses our certificate without a word about what it dislikes: libraries differ in them.
VAGUE_REFUSALS: Final = frozenset(
    {"SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
)
# OpenSSL's names of alerts and defects (`ssl.SSLError.reason`), and the fault each proves or suggests.
REASONS: Final = {
    "TLSV1_ALERT_UNKNOWN_CA": "TLS-UNTRUSTED-CA",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "TLS-EXPIRED",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "TLS-UNTRUSTED-CA",
    "SSLV3_ALERT_BAD_CERTIFICATE": "TLS-UNTRUSTED-CA",
    "HTTP_REQUEST": "TLS-PLAIN-TO-TLS",
    "HTTPS_PROXY_REQUEST": "TLS-PLAIN-TO-TLS",
    "UNSUPPORTED_PROTOCOL": "TLS-VERSION",
    "NO_SHARED_CIPHER": "TLS-VERSION",
    "VERSION_TOO_LOW": "TLS-VERSION",
    "TLSV1_ALERT_PROTOCOL_VERSION": "TLS-VERSION",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "TLS-CLIENT-CERT",
    "CERTIFICATE_VERIFY_FAILED": "TLS-CLIENT-CERT",
    "WRONG_VERSION_NUMBER": "TLS-PLAIN-TO-TLS",
}


class HandshakeFailed(Exception):
    """The TLS handshake or the stream failed; `problem` says why as far as it can be told from this side.

    `is_refusal`: the agent dislikes our certificate and does not say what about it.
    """

    def __init__(self, problem: Problem, *, is_refusal: bool = False) -> None:
        super().__init__(problem.why)
        self.problem = problem
        self.is_refusal = is_refusal


def server_context(
    cert: str, key: str | None, *, client_ca: str | None = None, client_cert_required: bool = False
) -> ssl.SSLContext:
    """A context for agents: TLS 1.2 at least, HTTP/1.1 only (the classic upgrade does not exist in HTTP/2)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(cert, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if client_cert_required else ssl.CERT_OPTIONAL
    return context


class TlsLayer:
    """One connection's TLS. Feed it what arrived, send what `outgoing` returns after every call."""

    __slots__ = ("_incoming", "_object", "_outgoing", "ready")

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.ready = False

    def feed(self, data: bytes) -> bytes:
        """The plaintext that `data` completes; empty while the handshake goes on.

        Raises:
            HandshakeFailed: an alert came, or the bytes are no TLS that we speak.
        """
        self._incoming.write(data)
        plain = []
        try:
            if not self.ready:
                self._object.do_handshake()
                self.ready = True
            while chunk := self._object.read(READ_BYTES):
                plain.append(chunk)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        except ssl.SSLError as error:
            raise HandshakeFailed(_named(error), is_refusal=error.reason in VAGUE_REFUSALS) from error
        return b"".join(plain)

    def seal(self, data: bytes) -> bytes:
        """`data` as ciphertext."""
        if data:
            self._object.write(data)
        return self.outgoing()

    def outgoing(self) -> bytes:
        """Bytes that have to be sent: handshake messages, alerts, ciphertext."""
        return self._outgoing.read()


def _named(error: ssl.SSLError) -> Problem:
    reason = error.reason or "unknown"
    code = REASONS.get(reason, "TLS-VERSION" if "VERSION" in reason else "LIFE-PROTOCOL-1002")
    return problem(code, why=f"OpenSSL reports {reason.lower().replace('_', ' ')}", evidence={"reason": reason})
