"""Certificates made for an injection: authorities, what they sign, and what is wrong with it."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY: Final = timedelta(days=1)
MONTH: Final = timedelta(days=30)


class Signed:
    """A certificate with its key; `chain` is what a server has to send."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, above: "Signed | None") -> None:
        self.certificate = certificate
        self.key = key
        self.above = above

    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def chain(self) -> bytes:
        """The certificate and its intermediates, without the root."""
        found, at = self.pem(), self.above
        while at is not None and at.above is not None:
            found += at.pem()
            at = at.above
        return found

    def write(self, folder: Path, name: str, *, whole: bool = True) -> tuple[Path, Path]:
        """Chain (or, not `whole`, the leaf alone) and key as PEM files."""
        cert, key = folder / f"{name}.pem", folder / f"{name}.key"
        cert.write_bytes(self.chain() if whole else self.pem())
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert, key


def authority(name: str, above: Signed | None = None, *, organisation: str = "Holdfast laboratory") -> Signed:
    """A root, or an intermediate below `above`."""
    return _sign(name, above, names=(), begins=-MONTH, ends=MONTH, is_authority=True, organisation=organisation)


def leaf(above: Signed, *names: str, begins: timedelta = -DAY, ends: timedelta = MONTH) -> Signed:
    """A server's certificate for these names or addresses, valid from now + `begins` to now + `ends`."""
    return _sign(names[0], above, names=names, begins=begins, ends=ends, is_authority=False, organisation=None)


def server_tls(signed: Signed, folder: Path, name: str = "server", *, whole: bool = True) -> ssl.SSLContext:
    """A listener's context with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*signed.write(folder, name, whole=whole))
    return context


def _sign(
    name: str, above: Signed | None, *, names: tuple[str, ...], begins: timedelta, ends: timedelta,
    is_authority: bool, organisation: str | None,
) -> Signed:  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    subject = x509.Name(parts)
    signer = above.key if above is not None else key
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if is_authority:
        builder = builder.add_extension(_CA_USAGE, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(one) for one in names]), critical=False)
    return Signed(builder.sign(signer, hashes.SHA256()), key, above)


_CA_USAGE: Final = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
