"""The certification authorities of peers that bring none of their own: a root and an issuing one below it.

The EST and SCEP peers use it; ``e2e.authority`` stays the simpler thing for TLS endpoints of the other servers. SCEP
needs RSA keys, EST's root rollover needs certificates in which the old and the new key sign one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from e2e.authority import KeyPair

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_LIFETIME = timedelta(days=365)
_CLOCK_SKEW = timedelta(hours=1)
_RSA_BITS = 2048

SIGNS_CERTIFICATES = ("key_cert_sign", "crl_sign")
RECEIVES = ("digital_signature", "key_encipherment")
"""What a SCEP message's recipient and signer is allowed to do."""


def generate_key(*, rsa_key: bool) -> PrivateKey:
    return rsa.generate_private_key(65537, _RSA_BITS) if rsa_key else ec.generate_private_key(ec.SECP256R1())


def fingerprint(pem: str) -> str:
    """SHA-256 over the DER of the first certificate, as an issuer's fingerprint fields take it."""
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def pem(self) -> str:
        return _pem(self.certificate)

    @property
    def key_pem(self) -> str:
        encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
        return self.key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password).decode()


@dataclass(frozen=True, slots=True)
class Rollover:
    """What RFC 7030 section 4.1.3 has a server publish while its root changes (PEM)."""

    new: "Hierarchy"
    new_with_old: str
    old_with_new: str


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A self-signed root and the authority below it that issues; ``rsa_keys`` is for both and what they issue."""

    root: Identity
    issuing: Identity
    rsa_keys: bool

    @classmethod
    def create(
        cls,
        name: str,
        *,
        rsa_keys: bool = False,
        root_usages: Sequence[str] = SIGNS_CERTIFICATES,
        issuing_usages: Sequence[str] = SIGNS_CERTIFICATES,
    ) -> Self:
        root_key, issuing_key = generate_key(rsa_key=rsa_keys), generate_key(rsa_key=rsa_keys)
        root_name, issuing_name = _name(f"{name} root"), _name(name)
        root = _Request(root_name, root_key, root_usages, ca=True).signed_by(root_name, root_key)
        issuing = _Request(issuing_name, issuing_key, issuing_usages, ca=True).signed_by(root_name, root_key)
        return cls(Identity(root, root_key), Identity(issuing, issuing_key), rsa_keys)

    @property
    def chain(self) -> str:
        return self.issuing.pem + self.root.pem

    def issue(
        self,
        common_name: str,
        *,
        names: Sequence[str] = (),
        validity: timedelta = _LIFETIME,
        usages: Sequence[str] = RECEIVES,
    ) -> KeyPair:
        """Issue a certificate for clients and servers, with the issuing one behind it.

        ``names`` are DNS names and IP addresses. A negative ``validity`` makes one that has expired.
        """
        key = generate_key(rsa_key=self.rsa_keys)
        request = _Request(_name(common_name), key, usages, names=names, validity=validity)
        issued = request.signed_by(self.issuing.certificate.subject, self.issuing.key)
        return KeyPair(_pem(issued) + self.issuing.pem, Identity(issued, key).key_pem)

    def roll_over(self) -> Rollover:
        """Make the hierarchy that follows, whose root has the same name and another key."""
        name = self.issuing.certificate.subject.rfc4514_string().removeprefix("CN=")
        new = type(self).create(name, rsa_keys=self.rsa_keys)
        subject = self.root.certificate.subject
        new_with_old = _Request(subject, new.root.key, SIGNS_CERTIFICATES, ca=True).signed_by(subject, self.root.key)
        old_with_new = _Request(subject, self.root.key, SIGNS_CERTIFICATES, ca=True).signed_by(subject, new.root.key)
        return Rollover(new, _pem(new_with_old), _pem(old_with_new))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extent:
    names: Sequence[str] = ()
    validity: timedelta = _LIFETIME
    ca: bool = False


@dataclass(frozen=True, slots=True)
class _Request(_Extent):
    """All that a certificate says of its subject."""

    subject: x509.Name
    key: PrivateKey
    usages: Sequence[str]

    def signed_by(self, issuer: x509.Name, signer: PrivateKey) -> x509.Certificate:
        """Both key identifiers are in every certificate, because Python 3.13 refuses chains without them."""
        now = datetime.now(tz=UTC)
        begin = now - _CLOCK_SKEW if self.validity > timedelta(0) else now + 2 * self.validity
        public, authority = self.key.public_key(), signer.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(now + self.validity)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
            .add_extension(_key_usage(self.usages), critical=True)
        )
        for extension in self._extensions():
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(signer, hashes.SHA256())

    def _extensions(self) -> list[x509.ExtensionType]:
        if self.ca:
            return [x509.BasicConstraints(ca=True, path_length=None)]
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        names = [x509.SubjectAlternativeName([_general_name(name) for name in self.names])] if self.names else []
        return [usages, *names]


_ALL_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def _key_usage(present: Sequence[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in present for usage in _ALL_USAGES})


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
