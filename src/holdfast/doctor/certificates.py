"""Looking at the certificate that the gateway shows, without trusting it.

With the standard library alone, since an agent's host has no more: it decodes a certificate only after it has verified
it, so the leaf is fetched first and then trusted for one handshake, in which it is its own anchor.
"""

import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, cast

import msgspec

from holdfast.doctor.case import Case
from holdfast.doctor.report import Fact
from holdfast.doctor.wire import open_wire
from holdfast.faults.problem import printable

_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: dates are judged by us

INTERCEPTORS: Final = (
    "zscaler", "fortinet", "fortigate", "palo alto", "blue coat", "bluecoat", "symantec ssl", "sophos", "mcafee",
    "skyhigh", "cisco umbrella", "netskope", "mitmproxy", "kaspersky", "eset ssl", "avast", "avg technologies",
    "bitdefender", "check point", "checkpoint", "forcepoint", "websense", "barracuda", "watchguard", "untangle",
    "squid", "smoothwall", "contentkeeper", "lightspeed", "securly", "iboss", "trend micro", "dr.web", "fiddler",
    "charles proxy", "burp", "portswigger", "ssl inspection", "tls inspection", "ssl proxy", "web gateway",
)  # fmt: skip
"""Words in an issuer's name by which products that re-sign traffic can be told; lower case."""


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """The server's certificate. `names` are its subject alternative names, `chain_length` None where not visible.

    `decoded` False means that only the bytes are known: every other field is then empty.
    """

    der: bytes
    decoded: bool = False
    subject: str = ""
    issuer: str = ""
    issuer_organisation: str = ""
    names: tuple[str, ...] = ()
    not_before: float = 0.0
    not_after: float = 0.0
    ca_issuers: tuple[str, ...] = ()
    chain_length: int | None = None
    version: str = ""
    alpn: str = ""

    def evidence(self) -> dict[str, Fact]:
        """The facts for people."""
        if not self.decoded:
            return {"certificate": "not decoded: this host's TLS library declined", "chain_length": self.chain_length}
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "names": " ".join(self.names),
            "valid_from": day(self.not_before),
            "valid_until": day(self.not_after),
            "chain_length": self.chain_length,
        }

    @property
    def is_self_issued(self) -> bool:
        return self.decoded and self.subject == self.issuer


def day(unix_s: float) -> str:
    """A date of a certificate, to the second, in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def unverified(alpn: Iterable[str] = ("http/1.1",)) -> ssl.SSLContext:
    """A context that believes everything: to look, never to send anything secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context


async def look(case: Case, *, server_name: str | None = None) -> Leaf:
    """The certificate that is shown for `server_name` (by default the URL's host, the empty text for none).

    Raises:
        OSError: not even an unverified handshake works.
    """
    context = unverified()
    _add_own(case, context)
    async with open_wire(case, context, server_name=server_name) as wire:
        tls = wire.tls
        assert tls is not None
        der = tls.getpeercert(binary_form=True)
        assert der is not None  # a server always shows one, with the cipher suites that this library offers
        seen = Leaf(
            der=der,
            chain_length=_chain_length(tls),
            version=tls.version() or "",
            alpn=tls.selected_alpn_protocol() or "",
        )
    try:
        return await _decode(case, seen, server_name)
    except OSError:
        return seen


def _add_own(case: Case, context: ssl.SSLContext) -> None:
    """The agent's own certificate, where a listener wants one."""
    options = case.options
    if options.client_cert is not None:
        context.load_cert_chain(options.client_cert, options.client_key, password=lambda: "")


async def _decode(case: Case, seen: Leaf, server_name: str | None) -> Leaf:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=seen.der)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
    _add_own(case, context)
    async with open_wire(case, context, server_name=server_name) as wire:
        assert wire.tls is not None
        return read_names(seen, cast("Mapping[str, object]", wire.tls.getpeercert() or {}))


def read_names(seen: Leaf, fields: Mapping[str, object]) -> Leaf:
    """`seen` with what `SSLSocket.getpeercert()` says of it."""
    names = cast("tuple[tuple[str, str], ...]", fields.get("subjectAltName", ()))
    issuers = cast("tuple[str, ...]", fields.get("caIssuers", ()))
    return msgspec.structs.replace(
        seen,
        decoded=True,
        subject=distinguished_name(fields.get("subject")),
        issuer=distinguished_name(fields.get("issuer")),
        issuer_organisation=_part(fields.get("issuer"), "organizationName"),
        names=tuple(printable(f"{'IP' if kind == 'IP Address' else kind}:{value}") for kind, value in names[:50]),
        not_before=float(ssl.cert_time_to_seconds(str(fields["notBefore"]))),
        not_after=float(ssl.cert_time_to_seconds(str(fields["notAfter"]))),
        ca_issuers=tuple(issuers[:3]),
    )


def distinguished_name(rdns: object) -> str:
    """`commonName=…, organizationName=…` of the nested tuples that the standard library makes of a name."""
    pairs = cast("tuple[tuple[tuple[str, str], ...], ...]", rdns or ())
    return printable(", ".join(f"{key}={value}" for rdn in pairs for key, value in rdn), 200)


def _part(rdns: object, wanted: str) -> str:
    pairs = cast("tuple[tuple[tuple[str, str], ...], ...]", rdns or ())
    return next((value for rdn in pairs for key, value in rdn if key == wanted), "")


def _chain_length(tls: ssl.SSLObject) -> int | None:
    """How many certificates the server sent. Public from Python 3.13 on, and until then behind an underscore."""
    ask = getattr(tls, "get_unverified_chain", None) or getattr(
        getattr(tls, "_sslobj", None), "get_unverified_chain", None
    )
    return len(ask() or ()) if ask is not None else None


def interceptor(leaf: Leaf) -> str:
    """The product whose name is in the issuer's; nothing where there is none."""
    issuer = leaf.issuer.lower()
    return next((word for word in INTERCEPTORS if word in issuer), "")


def trusts_organisation(context: ssl.SSLContext, organisation: str) -> bool:
    """Whether an authority of this organisation is among the trusted ones."""
    if not organisation:
        return False
    trusted = (cast("Mapping[str, object]", found) for found in context.get_ca_certs())
    return any(_part(found.get("subject"), "organizationName") == organisation for found in trusted)
