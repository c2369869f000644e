"""What a failed TLS handshake means, from the error that OpenSSL gave."""

import ssl
from collections.abc import Mapping
from typing import Final

from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, printable

# Verification results of OpenSSL (x509_vfy.h), as `SSLCertVerificationError.verify_code` has them.
VERIFY_CODES: Final[Mapping[int, str]] = {
    2: "TLS-UNTRUSTED-CA",  # unable to get issuer certificate
    9: "TLS-NOT-YET-VALID",
    10: "TLS-EXPIRED",
    18: "TLS-UNTRUSTED-CA",  # self-signed certificate
    19: "TLS-UNTRUSTED-CA",  # self-signed certificate in the chain
    20: "TLS-UNTRUSTED-CA",  # unable to get local issuer certificate
    21: "TLS-MISSING-INTERMEDIATE",  # unable to verify the first certificate
    62: "TLS-HOSTNAME-MISMATCH",
    64: "TLS-IP-URL",
}

# Words in OpenSSL's reason, most telling first.
REASONS: Final[tuple[tuple[str, str], ...]] = (
    ("CERTIFICATE_REQUIRED", "TLS-CLIENT-CERT"),
    ("ALERT_BAD_CERTIFICATE", "TLS-CLIENT-CERT"),
    ("ALERT_UNKNOWN_CA", "TLS-CLIENT-CERT"),
    ("ALERT_CERTIFICATE", "TLS-CLIENT-CERT"),
    ("WRONG_VERSION_NUMBER", "TLS-TLS-TO-PLAIN"),
    ("HTTP_REQUEST", "TLS-TLS-TO-PLAIN"),
    ("RECORD_LAYER_FAILURE", "TLS-TLS-TO-PLAIN"),
    ("PROTOCOL_VERSION", "TLS-VERSION"),
    ("UNSUPPORTED_PROTOCOL", "TLS-VERSION"),
    ("HANDSHAKE_FAILURE", "TLS-VERSION"),
    ("NO_SHARED_CIPHER", "TLS-VERSION"),
    ("NO_PROTOCOLS_AVAILABLE", "TLS-VERSION"),
    ("UNRECOGNIZED_NAME", "TLS-SNI-MISSING"),
    ("UNEXPECTED_EOF", "TLS-TLS-TO-PLAIN"),
)


def tls_problem(error: ssl.SSLError, *, target: str) -> Problem:
    """The fault behind `error`; `target` is `host:port`. OpenSSL's own words are kept as the reason."""
    said = printable(str(getattr(error, "verify_message", "") or getattr(error, "reason", "") or error), 200)
    if isinstance(error, ssl.SSLCertVerificationError):
        code = VERIFY_CODES.get(error.verify_code, "TLS-UNTRUSTED-CA")
        evidence: dict[str, str | int] = {"target": target, "verify_code": error.verify_code, "said": said}
        return problem(code, why=f"the certificate of {target} was not accepted: {said}", evidence=evidence)
    reason = str(error).upper().replace(" ", "_")
    code = next((code for word, code in REASONS if word in reason), "TLS-VERSION")
    return problem(
        code, why=f"the TLS handshake with {target} failed: {said}", evidence={"target": target, "said": said}
    )
