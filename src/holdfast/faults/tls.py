"""TLS and certificates."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="TLS-UNTRUSTED-CA",
        title="The agent does not trust the certificate's issuer",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="`CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate`, or `self-signed certificate`",
        cause=(
            "The certificate comes from a private authority that this runtime does not know; containers and "
            "some languages bring their own list"
        ),
        fix="Give the agent the CA file (`SSL_CERT_FILE` or its own setting), and leave verification on",
        gateway_sees="The TLS alert `unknown_ca` from the agent, and no request. Behind a TLS proxy: nothing",
        doctor_probes="Shows the chain it received, which issuer is missing, and which CA file was used",
        confused_with=(
            ("TLS-MISSING-INTERMEDIATE", "There the root is trusted and a link between is not sent"),
            ("TLS-INTERCEPTED", "There the issuer is a security product, not yours"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-HOSTNAME-MISMATCH",
        title="The certificate is for another name",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.OPERATOR,
        symptom="`Hostname mismatch, certificate is not valid for '...'`",
        cause="The agent connects by a name that the certificate does not list, often an alias",
        fix="Connect by a name in the certificate, or re-issue it with this name in subjectAltName",
        gateway_sees=(
            "A TLS alert or a bare end right after our certificate; the name the agent asked for is in its "
            "first TLS message"
        ),
        doctor_probes="Prints the host of the URL and the names in the certificate side by side",
        confused_with=(
            ("TLS-IP-URL", "There the URL holds an address, not a name"),
            ("TLS-SNI-MISSING", "There another certificate comes when the name is sent along"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-IP-URL",
        title="The URL holds an IP address that the certificate does not list",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`IP address mismatch, certificate is not valid for '192.0.2.7'`",
        cause="Certificates name hosts; an address must be listed separately, as `IP:`",
        fix="Use the DNS name in the agent's URL, or add the address to the certificate as `IP:`",
        gateway_sees="As for TLS-HOSTNAME-MISMATCH, and the agent's first TLS message names no host",
        doctor_probes="The host of the URL is an address and the certificate has no such `IP:` entry",
        confused_with=(
            (
                "TLS-HOSTNAME-MISMATCH",
                'There the URL holds a name; here an address, and the error says "IP address mismatch"',
            ),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-EXPIRED",
        title="The gateway's certificate has expired",
        area=Area.TLS,
        severity=Severity.CRITICAL,
        blame=Blame.OPERATOR,
        symptom="`certificate has expired`, for all agents at the same time",
        cause="The certificate was not renewed, or was renewed and not loaded",
        fix="Renew the certificate and reload it by sending SIGHUP to the gateway",
        gateway_sees=(
            "From one moment on every new TLS handshake fails while old connections live on; the end date "
            "stands in our own file"
        ),
        doctor_probes="Prints the certificate's end date and both clocks",
        confused_with=(
            ("CLK-SKEW", "There one host's clock is wrong and the others connect"),
            ("TLS-NOT-YET-VALID", "There the clock is behind, not ahead"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-NOT-YET-VALID",
        title='The certificate is "not yet valid" for a clock that is behind',
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="`certificate is not yet valid`, typically on a board without a battery clock that has just booted",
        cause="The agent's clock stands before the certificate's first day; the certificate is rarely at fault",
        fix="Set the host's clock (NTP) before the agent starts",
        gateway_sees="One host fails while others do not; its last known clock difference is large",
        doctor_probes=(
            "Compares the certificate's first day with the local clock and with the `Date` of the gateway's answer"
        ),
        confused_with=(("TLS-EXPIRED", "There the clock is ahead, or the certificate really is over"),),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-MISSING-INTERMEDIATE",
        title="The gateway does not send the intermediate certificate",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.OPERATOR,
        symptom="Python, curl and Go refuse the certificate; a browser accepts it",
        cause="The certificate file holds the leaf alone, and only browsers fetch the missing link by themselves",
        fix="Put the whole chain into the gateway's certificate file: the leaf, then the intermediates",
        gateway_sees="Visible at start: the issuer of the leaf is neither in the file nor a root",
        doctor_probes=(
            "The chain has one certificate whose issuer is not in the store, and the address given in it "
            "completes the chain"
        ),
        confused_with=(("TLS-UNTRUSTED-CA", "There the chain is complete and ends in a root that is not known"),),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-PLAIN-TO-TLS",
        title="The agent speaks `ws://` to a TLS port",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`did not receive a valid HTTP response` or `Connection to remote host was lost`; nothing says TLS",
        cause="The URL begins with `ws://`, and the listener expects TLS",
        fix="Use `wss://` in the agent's URL",
        gateway_sees="The first bytes are `GET ` where a TLS greeting was expected",
        doctor_probes="Sends a TLS greeting to the port: it answers with TLS",
        confused_with=(
            ("TLS-CLIENT-CERT", "The agent prints the same words there, but its URL already says `wss://`"),
            ("NET-FW-RST", "There the port does not speak TLS either"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-TLS-TO-PLAIN",
        title="The agent speaks `wss://` to a plain port",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`WRONG_VERSION_NUMBER`, `UNEXPECTED_EOF_WHILE_READING`, or a reset without a word",
        cause="The URL begins with `wss://`, and this listener has no TLS",
        fix="Use `ws://` in the agent's URL for this port, or give the gateway a certificate",
        gateway_sees=(
            "The first bytes are a TLS greeting (0x16 0x03) on the plain port; it also gives the host name "
            "that was used"
        ),
        doctor_probes="Sends a plain request to the port: it answers in HTTP",
        confused_with=(
            ("PXY-ENV-PROXY", "There the peer is a proxy, not the gateway"),
            ("TLS-VERSION", "There the server answers in TLS, with an alert"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-VERSION",
        title="No TLS version or cipher in common",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`TLSV1_ALERT_PROTOCOL_VERSION`, `HANDSHAKE_FAILURE`, or an empty `ConnectionResetError`",
        cause="The agent's runtime is old, or one side allows only what the other does not have",
        fix="Upgrade the agent's runtime to one with TLS 1.2 or newer",
        gateway_sees="Our alert 70 or 40; the agent's first TLS message lists what it offered",
        doctor_probes="Tries TLS 1.0 to 1.3 one by one and prints the local library's version",
        confused_with=(("TLS-TLS-TO-PLAIN", "There the other side does not speak TLS at all and sends no alert"),),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-CLIENT-CERT",
        title="The listener requires a client certificate",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom=(
            "`did not receive a valid HTTP response`: with TLS 1.3 the handshake succeeds and the refusal "
            "comes after it"
        ),
        cause="Client certificates are required here, and the agent has none configured",
        fix="Configure the agent's client certificate and key",
        gateway_sees="Our own alert `certificate_required` (116)",
        doctor_probes=(
            "Completes the handshake and reads before sending: an alert arrives; shows which authorities are accepted"
        ),
        confused_with=(("TLS-PLAIN-TO-TLS", "The agent prints the same words there, but its URL says `ws://`"),),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-INTERCEPTED",
        title="A security product re-signs the traffic",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="`unable to get local issuer certificate`, only inside one company network",
        cause="A proxy that inspects TLS presents its own certificate in place of the gateway's",
        fix="Exempt the gateway's host from inspection, or install the inspection CA for the agent",
        gateway_sees=(
            "The same agent works from elsewhere; what comes through carries the product's marks, and upgrade"
            " headers may be missing"
        ),
        doctor_probes="The issuer of the chain it received is not the gateway's",
        confused_with=(("TLS-UNTRUSTED-CA", "There the issuer is your own authority"),),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="TLS-SNI-MISSING",
        title="The agent does not say which host it wants",
        area=Area.TLS,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="The certificate names a site that is not yours, or a 404 comes from a foreign site",
        cause=(
            "The client connects by address or without `server_hostname`, so the default site of a shared "
            "server answers"
        ),
        fix="Pass the gateway's host name to TLS as `server_hostname`",
        gateway_sees=(
            "No host name in the agent's first TLS message although its `Host` header is right; nothing where"
            " a proxy ends TLS"
        ),
        doctor_probes="Fetches the certificate with and without the host name and compares",
        confused_with=(
            ("TLS-HOSTNAME-MISMATCH", "There the same certificate comes with and without the name"),
            ("WS-WRONG-PATH", "There the certificate is right and the path is wrong"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
)
