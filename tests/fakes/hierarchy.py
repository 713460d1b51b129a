"""Roots that roll over, and TLS certificates below them, valid at any time at which tests run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from certwright.protocols.transport import ClientIdentity
from tests.fakes.ca import common_name

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FAR_AWAY = datetime(2099, 1, 1, tzinfo=UTC)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@dataclass(frozen=True)
class Root:
    """A CA with a certificate signed by its own key."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    not_after: datetime = FAR_AWAY
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "certificate", self.certify_ca(self))

    def certify_ca(
        self, other: "Root", *, not_before: datetime = LONG_AGO, not_after: datetime | None = None, is_ca: bool = True
    ) -> x509.Certificate:
        """The key of another CA under its name, certified by this one: NewWithOld, OldWithNew, or a sub-CA."""
        return (
            x509.CertificateBuilder()
            .subject_name(common_name(other.name))
            .issuer_name(common_name(self.name))
            .public_key(other.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after or other.not_after)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def identity(
        self,
        *names: str,
        usages: Sequence[x509.ObjectIdentifier] = SERVER,
        not_after: datetime = FAR_AWAY,
    ) -> ClientIdentity:
        """A TLS certificate and its key; what looks like an address is one."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(common_name(names[0]))
            .issuer_name(common_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(LONG_AGO)
            .not_valid_after(not_after)
            .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return ClientIdentity(
            certificates=certificate.public_bytes(Encoding.PEM),
            private_key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
