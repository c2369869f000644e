"""TLS that does not come about: certificates, names, dates, versions, shown by a terminator in front of the gateway."""

import ssl
import warnings
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from holdfast.lab.certificates import DAY, MONTH, Signed, authority, leaf, server_tls
from holdfast.lab.context import Context
from holdfast.lab.injections import Inject, Injection
from holdfast.lab.terminators import Terminator
from holdfast.lab.verdicts import Named, Viewpoint
from holdfast.protocol.limits import PATH

ADDRESS: Final = "127.0.0.1"
Made = Callable[[Context, Signed], ssl.SSLContext]


async def _terminator(ctx: Context, tls: ssl.SSLContext) -> int:
    """The port of a TLS terminator in front of the gateway."""
    place = ctx.target.place()
    terminator = await ctx.enter(Terminator(place.host, place.port, tls, source=ctx.subject.new_address()))
    return terminator.port


def _examined(made: Made, *, host: str = "localhost", trusts: bool = True) -> Inject:
    """A doctor that dials a terminator with the certificate that `made` gives; it trusts the lab's root, or nothing."""

    async def inject(ctx: Context) -> Named | None:
        root = authority("Laboratory root")
        trusted = ctx.folder / "root.pem"
        trusted.write_bytes(root.pem())
        port = await _terminator(ctx, made(ctx, root))
        arguments = ["--ca", str(trusted)] if trusts else []
        return await ctx.doctor(f"wss://{host}:{port}{PATH}", *arguments)

    return inject


def _plain(*names: str, begins: timedelta = -DAY, ends: timedelta = MONTH) -> Made:
    def made(ctx: Context, root: Signed) -> ssl.SSLContext:
        return server_tls(leaf(root, *names, begins=begins, ends=ends), ctx.folder)

    return made


def _without_intermediate(ctx: Context, root: Signed) -> ssl.SSLContext:
    middle = authority("Laboratory intermediate", root)
    return server_tls(leaf(middle, "localhost"), ctx.folder, whole=False)


def _old_versions(ctx: Context, root: Signed) -> ssl.SSLContext:
    context = server_tls(leaf(root, "localhost"), ctx.folder)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that nobody should offer it is the fault
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _client_certificates(ctx: Context, root: Signed) -> ssl.SSLContext:
    context = server_tls(leaf(root, "localhost"), ctx.folder)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=root.pem().decode())
    return context


def _intercepting(ctx: Context, _: Signed) -> ssl.SSLContext:
    product = authority("Corporate Web Proxy CA", organisation="Zscaler Inc.")
    return server_tls(leaf(product, "localhost"), ctx.folder)


def _by_name(ctx: Context, root: Signed) -> ssl.SSLContext:
    """A front that has no site for the name: it says so by the alert `unrecognized_name`."""
    context = server_tls(leaf(root, "localhost"), ctx.folder)
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    return context


async def _plain_to_tls(ctx: Context) -> Named | None:
    port = await _terminator(ctx, server_tls(leaf(authority("Laboratory root"), "localhost"), ctx.folder))
    return await ctx.doctor(f"ws://localhost:{port}{PATH}")


async def _tls_to_plain(ctx: Context) -> None:
    """A ClientHello on the plain port: the gateway names it from its first bytes."""
    place = ctx.target.place()
    agent = ctx.new_agent()
    await agent.wire.open(place, source=ctx.subject.new_address())
    hello = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="gateway.example")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        await agent.wire.send_bytes(hello.read())


def _row(code: str, how: str, inject: Callable[[Context], Awaitable[Named | None]]) -> Injection:
    return Injection(code=code, how=how, inject=inject, sees=Viewpoint.DOCTOR)


_LAST_WEEK: Final = _plain("localhost", begins=-9 * DAY, ends=-DAY)
_NEXT_WEEK: Final = _plain("localhost", begins=7 * DAY, ends=9 * DAY)

FAULTS: Final = (
    _row("TLS-UNTRUSTED-CA", "an authority that the host does not know", _examined(_plain("localhost"), trusts=False)),
    _row("TLS-HOSTNAME-MISMATCH", "a certificate for other.example.test", _examined(_plain("other.example.test"))),
    _row(
        "TLS-IP-URL", "an address in the URL, a name in the certificate", _examined(_plain("localhost"), host=ADDRESS)
    ),
    _row("TLS-EXPIRED", "a certificate that ended yesterday", _examined(_LAST_WEEK)),
    _row("TLS-NOT-YET-VALID", "a certificate that begins in a week", _examined(_NEXT_WEEK)),
    _row("TLS-MISSING-INTERMEDIATE", "the leaf sent without its intermediate", _examined(_without_intermediate)),
    _row("TLS-PLAIN-TO-TLS", "ws:// to a TLS port", _plain_to_tls),
    Injection(code="TLS-TLS-TO-PLAIN", how="a ClientHello to the plain port", inject=_tls_to_plain),
    _row("TLS-VERSION", "a server that ends at TLS 1.1", _examined(_old_versions)),
    _row("TLS-CLIENT-CERT", "a server that wants a client certificate", _examined(_client_certificates)),
    _row("TLS-INTERCEPTED", "a certificate of a security product's authority", _examined(_intercepting)),
    _row("TLS-SNI-MISSING", "a front without a site for this name", _examined(_by_name)),
)
