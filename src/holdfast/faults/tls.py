"""TLS and certificates."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="TLS-UNTRUSTED-CA",
        title="The agent does not trust the issuer",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="`CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate` (or `self-signed certificate`)",
        cause="Private CA not installed for this runtime (Python uses its own CA path, containers have their own)",
        fix="Give the agent the CA file (`SSL_CERT_FILE` or its `ca` setting); never switch verification off",
        gateway_sees="TLS alert `unknown_ca` (48) from the peer, no HTTP request. Behind a TLS terminator: nothing",
        doctor_probes=(
            "Handshake without verification, print the chain, say which issuer is missing and which CA file was used"
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-HOSTNAME-MISMATCH",
        title="Certificate is for another name",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.OPERATOR,
        symptom="`Hostname mismatch, certificate is not valid for '...'`",
        cause="Agent uses an alias, or the certificate lacks that name",
        fix="Connect by a name in the certificate, or re-issue it with this name in subjectAltName",
        gateway_sees=(
            "Alert 42/46 or a bare close after our certificate; SNI (if we terminate TLS) shows the name the agent used"
        ),
        doctor_probes="Compare URL host with the SAN list and print both",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-IP-URL",
        title="The URL holds an IP address and the certificate has no IP SAN",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`IP address mismatch, certificate is not valid for '192.0.2.7'`",
        cause="Certificates name hosts; an IP must be listed as `IP:`",
        fix="Use the DNS name, or add `IP:192.0.2.7` to the SAN",
        gateway_sees="As TLS-HOSTNAME-MISMATCH, and no SNI in the ClientHello",
        doctor_probes="URL host parses as an IP and no `IP:` SAN is present",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-EXPIRED",
        title="Server certificate expired",
        area=Area.TLS,
        severity=Severity.CRITICAL,
        blame=Blame.OPERATOR,
        symptom="`certificate has expired` for all agents at once",
        cause="Not renewed, or renewed but not reloaded",
        fix="Renew and reload; alarm 21 days before",
        gateway_sees=(
            "A sudden step: every new handshake fails with alert 45 while old connections live on; the "
            "gateway can read its own `notAfter`"
        ),
        doctor_probes="Print `notAfter` and both clocks",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-NOT-YET-VALID",
        title='Certificate "not yet valid" because the agent\'s clock is behind',
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom=(
            "`certificate is not yet valid`; typically a board without a battery clock, just booted in 1970 "
            "or at its build date"
        ),
        cause="The agent's clock, rarely the certificate",
        fix="Set the clock (NTP) before starting the agent",
        gateway_sees="One host fails, others do not; its last known clock offset is large",
        doctor_probes=(
            "`notBefore` against the local clock and against the HTTP `Date` header fetched without verification"
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-MISSING-INTERMEDIATE",
        title="Server does not send the intermediate",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.OPERATOR,
        symptom="Fails from Python, curl or Go, works in a browser",
        cause="Certificate file holds the leaf only",
        fix="Configure the full chain (leaf followed by intermediates)",
        gateway_sees="The gateway can check its own chain file at start: leaf's issuer not in the file and not a root",
        doctor_probes="Chain length 1 and issuer not in the store; fetching the AIA URL completes it",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-PLAIN-TO-TLS",
        title="`ws://` used on a TLS port",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`did not receive a valid HTTP response` or `Connection to remote host was lost`; nothing says TLS",
        cause="Scheme `ws://` in the URL of a TLS listener",
        fix="Use `wss://`",
        gateway_sees="First bytes are `GET ` where a ClientHello was expected; OpenSSL reports `http request`",
        doctor_probes="Send a ClientHello to the port: it answers with TLS",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-TLS-TO-PLAIN",
        title="`wss://` used on a plain port",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`UNEXPECTED_EOF_WHILE_READING`, `WRONG_VERSION_NUMBER`, or an empty `ConnectionResetError`",
        cause="Scheme `wss://` on a listener without TLS",
        fix="Use `ws://` here, or put TLS on the listener",
        gateway_sees=(
            "First byte 0x16 0x03 on the plain port: a ClientHello; its SNI gives the host name used. Answer "
            "is impossible in HTTP, but the diagnosis is certain"
        ),
        doctor_probes="Send `GET / HTTP/1.1` in plain to the port: it answers",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-VERSION",
        title="No common TLS version or cipher",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`TLSV1_ALERT_PROTOCOL_VERSION`, `HANDSHAKE_FAILURE`, or (asyncio) an empty `ConnectionResetError`",
        cause="Old runtime or hardened server",
        fix="Upgrade the agent's runtime; allow TLS 1.2 at least on the gateway",
        gateway_sees="Handshake alert 70 or 40; ClientHello's supported_versions shows what was offered",
        doctor_probes="Try 1.0 to 1.3 one by one; print the runtime's OpenSSL",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-CLIENT-CERT",
        title="The listener requires a client certificate",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom=(
            "`did not receive a valid HTTP response`: in TLS 1.3 the client's handshake *succeeds* and the "
            "refusal arrives after"
        ),
        cause="mTLS is on and the agent has no certificate configured",
        fix="Configure the agent's client certificate and key, or switch mTLS off for agents",
        gateway_sees="Alert `certificate_required` (116) sent by us; or the terminator's log",
        doctor_probes=(
            "Complete the handshake, then read before sending: an alert arrives; the CertificateRequest lists"
            " the accepted CAs"
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-INTERCEPTED",
        title="A security product re-signs the traffic",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="`unable to get local issuer certificate`, only inside one company network",
        cause="TLS inspection proxy",
        fix="Exempt the gateway's host from inspection, or install the inspection CA for the agent",
        gateway_sees=(
            "Same agent works from elsewhere; if the interceptor passes it on, the TLS fingerprint is that of"
            " the product and upgrade headers may be missing"
        ),
        doctor_probes="Issuer of the received chain is not the gateway's CA; compare with the pinned CA",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-SNI-MISSING",
        title="No SNI, so the default site's certificate and routes answer",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Hostname mismatch naming an unrelated site, or 404 from a site that is not yours",
        cause="Client connects by IP or passes a socket without `server_hostname`",
        fix="Pass the host name as `server_hostname`",
        gateway_sees="No SNI in the ClientHello while `Host` is right (if we terminate), otherwise nothing",
        doctor_probes="Compare certificates with and without SNI",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
)
