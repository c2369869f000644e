"""The TLS handshake as the agent makes it, and the cause where it fails."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from holdfast.agent.tls_failures import REASONS, tls_problem
from holdfast.doctor.case import Case
from holdfast.doctor.certificates import (
    Leaf,
    day,
    interceptor,
    look,
    trusts_organisation,
    unverified,
)
from holdfast.doctor.flight import first_flight
from holdfast.doctor.httpanswer import NotHttpError
from holdfast.doctor.neighbours import fetch
from holdfast.doctor.report import Check, Fact, failed, passed, skipped, warned
from holdfast.doctor.wire import ask, open_wire, words
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, Refused, printable
from holdfast.protocol.limits import PATH

RENEW_DAYS: Final = 21
_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
Evidence = dict[str, Fact]


async def secure(case: Case) -> list[Check]:
    """The line `tls`."""
    if not case.target.secure:
        return [skipped("tls", "the URL is ws://, which has no TLS")]
    try:
        context = case.agent_tls()
        assert context is not None
        return [await _handshake(case, context)]
    except Refused as refused:
        return [failed("tls", refused.problem)]
    except TimeoutError:
        return [failed("tls", await _no_tls(case, f"no answer within {case.timeout_s:g} s"))]
    except ssl.SSLCertVerificationError as error:
        return [await _not_accepted(case, error)]
    except (OSError, NotHttpError) as error:
        return [await _broken(case, error)]


async def _handshake(case: Case, context: ssl.SSLContext) -> Check:
    """A handshake, and one request: in TLS 1.3 a refusal of our side arrives only with the first answer."""
    async with asyncio.timeout(case.timeout_s), open_wire(case, context) as wire:
        tls = wire.tls
        assert tls is not None
        evidence: Evidence = {"version": tls.version(), "cipher": (tls.cipher() or ("?",))[0]}
        fields: Mapping[str, object] = dict(tls.getpeercert() or {})
        wire.writer.write(
            f"HEAD /health HTTP/1.1\r\nHost: {case.target.host_header}\r\nConnection: close\r\n\r\n".encode()
        )
        first = await wire.reader.read(1)
    if not first:
        why = f"{case.target.authority} ended the connection after the handshake, before it answered"
        return failed("tls", problem("TLS-CLIENT-CERT", why=f"{why}: it may want a client certificate"), evidence)
    until = float(ssl.cert_time_to_seconds(str(fields["notAfter"])))
    left = int((until - time.time()) / 86_400)
    evidence |= {"valid_until": day(until), "without_sni": await _without_sni(case)}
    if left < RENEW_DAYS:
        why = f"the certificate of {case.target.authority} is good for {left} more days only"
        return warned("tls", problem("TLS-EXPIRED", what="the certificate expires soon", why=why), evidence)
    return passed("tls", f"{evidence['version']}, certificate good for {left} days", evidence)


async def _without_sni(case: Case) -> str | None:
    """What a client that does not say its name is shown: another certificate is the trap of TLS-SNI-MISSING."""
    if case.target.is_address:
        return None
    try:
        async with asyncio.timeout(case.timeout_s):
            named, unnamed = await look(case), await look(case, server_name="")
    except OSError:
        return "refused: a client has to send the server's name"
    if named.der == unnamed.der:
        return "the same certificate"
    return f"another certificate ({unnamed.subject}): a client has to send the server's name"


async def _not_accepted(case: Case, error: ssl.SSLCertVerificationError) -> Check:
    """The certificate was refused by us: find out what it is."""
    found = tls_problem(error, target=case.target.authority)
    try:
        async with asyncio.timeout(case.timeout_s):
            leaf = await look(case)
    except OSError:
        return failed("tls", found, {"certificate": "not seen: it could not be fetched again"})
    refine = {
        "TLS-EXPIRED": _dates,
        "TLS-NOT-YET-VALID": _dates,
        "TLS-HOSTNAME-MISMATCH": _names,
        "TLS-IP-URL": _names,
        "TLS-UNTRUSTED-CA": _issuer,
        "TLS-MISSING-INTERMEDIATE": _issuer,
    }[found.code]
    return failed("tls", await refine(case, found, leaf), leaf.evidence())


async def _dates(case: Case, found: Problem, leaf: Leaf) -> Problem:
    """Which clock is wrong: the gateway's own, read without trusting it, is the second opinion."""
    now, theirs = time.time(), await _their_time(case)
    clocks = f"this host says {day(now)}, the gateway " + (f"says {day(theirs)}" if theirs else "did not say")
    if not leaf.decoded:
        return msgspec.structs.replace(found, why=f"{found.why}; {clocks}")
    span = f"it is good from {day(leaf.not_before)} until {day(leaf.not_after)}; {clocks}"
    if theirs is not None and leaf.not_before <= theirs <= leaf.not_after and found.code == "TLS-EXPIRED":
        why = (
            f"the certificate only seems expired, this host's clock is {(now - theirs) / 86_400:.1f} days ahead: {span}"
        )
        return problem("CLK-SKEW", why=why, evidence={"skew_s": round(now - theirs)})
    return problem(found.code, why=span, evidence=found.evidence)


async def _their_time(case: Case) -> float | None:
    try:
        answer = await ask(case, "HEAD", "/health", tls=unverified())
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (OSError, KeyError, ValueError):
        return None


async def _names(case: Case, found: Problem, leaf: Leaf) -> Problem:
    if not leaf.decoded:
        return found
    host, listed = case.target.host, " ".join(leaf.names) or "no name at all"
    if case.target.is_address:
        return problem(
            "TLS-IP-URL", why=f"the URL holds {host}, the certificate lists {listed}", evidence=found.evidence
        )
    other = await _without_sni(case)
    why = f"the URL says {host}, the certificate lists {listed}"
    return problem("TLS-HOSTNAME-MISMATCH", why=why, evidence={**found.evidence, "without_sni": other})


async def _issuer(case: Case, found: Problem, leaf: Leaf) -> Problem:
    product = interceptor(leaf)
    if product:
        why = f"the certificate was issued by {leaf.issuer}: a product that inspects traffic ({product})"
        return problem("TLS-INTERCEPTED", why=why, evidence=found.evidence)
    context = case.agent_tls()
    assert context is not None
    alone = leaf.chain_length == 1 and not leaf.is_self_issued
    if alone and (proof := await _completed(case, leaf)):
        return problem("TLS-MISSING-INTERMEDIATE", why=proof, evidence=found.evidence)
    if alone and trusts_organisation(context, leaf.issuer_organisation):
        why = f"the gateway sends its own certificate alone; its issuer, {leaf.issuer}, belongs to a trusted authority"
        return problem("TLS-MISSING-INTERMEDIATE", why=why, evidence=found.evidence)
    named = case.options.ca_file
    missing = f"the CA file {named} does not hold" if named else "this host's authorities do not include"
    why = f"{missing} the issuer: {leaf.issuer or 'unreadable'} ({_sent(leaf.chain_length)})"
    return problem("TLS-UNTRUSTED-CA", why=why, evidence=found.evidence)


def _sent(certificates: int | None) -> str:
    if certificates is None:
        return "how many certificates were sent is not visible here"
    return "1 certificate was sent" if certificates == 1 else f"{certificates} certificates were sent"


async def _completed(case: Case, leaf: Leaf) -> str:
    """The proof: with the issuer's certificate, fetched from where the leaf says it lies, verification succeeds."""
    for url in leaf.ca_issuers:
        place = urlsplit(url)
        if place.scheme != "http" or not place.hostname:
            continue
        try:
            answer = await fetch(place.hostname, place.port or 80, place.path, limit_s=case.timeout_s)
            context = case.agent_tls()
            assert context is not None
            context.load_verify_locations(cadata=answer.body)
            async with asyncio.timeout(case.timeout_s), open_wire(case, context):
                return f"with the intermediate from {printable(url)} the chain is complete; the gateway leaves it out"
        except (OSError, ValueError):
            continue
    return ""


async def _broken(case: Case, error: OSError) -> Check:
    """The handshake failed before any certificate was judged."""
    said = words(error, limit_s=case.timeout_s)
    text = f"{getattr(error, 'reason', '') or ''} {error}".upper().replace(" ", "_")
    if "NO_APPLICATION_PROTOCOL" in text:
        return failed("tls", await _no_http1(case, said))
    named = next((code for word, code in REASONS if word in text), "") if isinstance(error, ssl.SSLError) else ""
    flight = await first_flight(case)
    if case.options.client_cert is None and (named == "TLS-CLIENT-CERT" or flight.wants_certificate):
        asked = "asked for a client certificate in its first flight" if flight.wants_certificate else "refused ours"
        why = f"{case.target.authority} {asked}, and the agent has none: {said}"
        return failed("tls", problem("TLS-CLIENT-CERT", why=why))
    if named == "TLS-CLIENT-CERT":
        why = f"{case.target.authority} did not accept {case.options.client_cert}: {said}"
        return failed(
            "tls", problem(named, why=why, fix="Configure a client certificate that its authority has signed")
        )
    if named in ("TLS-VERSION", "TLS-SNI-MISSING") or flight.speaks_tls:
        return failed(
            "tls", problem(named if named == "TLS-SNI-MISSING" else "TLS-VERSION", why=said), await _versions(case)
        )
    return failed("tls", await _no_tls(case, said))


async def _no_http1(case: Case, said: str) -> Problem:
    try:
        async with asyncio.timeout(case.timeout_s), open_wire(case, unverified(("h2", "http/1.1"))) as wire:
            chosen = wire.tls.selected_alpn_protocol() if wire.tls is not None else None
    except OSError:
        return problem("PXY-H2-ONLY", why=f"the offer of http/1.1 alone was refused: {said}")
    why = f"the server refuses http/1.1 ({said}); offered both, it chooses {chosen or 'none'}"
    return problem("PXY-H2-ONLY", why=why, evidence={"alpn": chosen})


async def _versions(case: Case) -> Evidence:
    """Each version by itself."""
    result: Evidence = {"this_host": ssl.OPENSSL_VERSION}
    for name, version in _VERSIONS.items():
        context = unverified()
        context.minimum_version = context.maximum_version = version
        try:
            async with asyncio.timeout(case.timeout_s), open_wire(case, context):
                result[name] = "accepted"
        except (OSError, ValueError) as error:
            result[name] = words(error, limit_s=case.timeout_s)
    return result


async def _no_tls(case: Case, said: str) -> Problem:
    """Whether the port speaks plain HTTP, which settles it."""
    target = case.target
    try:
        answer = await ask(case, "GET", "/health")
    except TimeoutError:
        why = f"{target.authority} takes the connection and then answers neither TLS nor plain HTTP: {said}"
        return problem("WS-HANDSHAKE-SLOW", why=why)
    except (NotHttpError, OSError):
        why = f"{target.authority} ends the connection during the TLS handshake ({said}), and a plain request as well"
        return problem("NET-FW-RST", why=why)
    why = f"{target.authority} answers a plain request with HTTP {answer.status}, and a TLS handshake not: {said}"
    return problem(
        "TLS-TLS-TO-PLAIN", why=why, fix=f"Use ws://{target.authority}{PATH}, or give the gateway a certificate"
    )
