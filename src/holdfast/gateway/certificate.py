"""What an agent may dislike about our certificate, so that one that leaves without a word can still be told why."""

from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509

from holdfast.faults import Problem, printable, problem

LEFT: Final = "the agent left during the TLS handshake, after it had seen our certificate"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Our certificate as agents see it. Times are Unix seconds."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    begins: float
    ends: float

    def objection(self, asked: str | None, *, wall: float, said: str = LEFT) -> Problem:
        """The likeliest reason for an agent that asked for the name `asked` to refuse this certificate.

        Dates and names are facts of our own file; only where they are right, the authority is what remains.
        """
        known = ", ".join([*self.names, *self.addresses]) or "no name at all"
        evidence = {"server_name": printable(asked) if asked else None, "certificate_names": printable(known, 200)}
        if wall > self.ends:
            return problem(
                "TLS-EXPIRED", why=f"{said}; it ended {(wall - self.ends) / 3600:.0f} h ago", evidence=evidence
            )
        if wall < self.begins:
            hours = (self.begins - wall) / 3600
            return problem("TLS-NOT-YET-VALID", why=f"{said}; it begins in {hours:.0f} h", evidence=evidence)
        if asked is None and not self.addresses:
            why = f"{said}; the agent named no host, and the certificate holds no address, only {printable(known, 200)}"
            return problem("TLS-IP-URL", why=why, evidence=evidence)
        if asked is not None and not self._covers(asked):
            why = f"{said}; it asked for {printable(asked)!r}, and the certificate is for {printable(known, 200)}"
            return problem("TLS-HOSTNAME-MISMATCH", why=why, evidence=evidence)
        why = f"{said}; dates and names are right, so that its authority is probably unknown to the agent"
        return problem("TLS-UNTRUSTED-CA", why=why, evidence=evidence)

    def _covers(self, asked: str) -> bool:
        wanted = asked.lower().rstrip(".")
        parent = wanted.partition(".")[2]
        return any(name in (wanted, f"*.{parent}") for name in self.names) or wanted in self.addresses


def shown(cert: str) -> Shown:
    """What the first certificate of this PEM file says.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    certificate = x509.load_pem_x509_certificate(Path(cert).read_bytes())
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        listed = x509.SubjectAlternativeName([])
    return Shown(
        names=tuple(name.lower() for name in listed.get_values_for_type(x509.DNSName)),
        addresses=tuple(str(address) for address in listed.get_values_for_type(x509.IPAddress)),
        begins=certificate.not_valid_before_utc.timestamp(),
        ends=certificate.not_valid_after_utc.timestamp(),
    )
