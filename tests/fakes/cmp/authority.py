"""The CA behind the fake server: a root, an issuing CA, the server's signer, and an archive of keys that it made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import x509 as names
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ObjectIdentifier

from certwright.protocols import cms
from tests.fakes.ca import common_name

LIFE = timedelta(days=90)
CM_KGA = ObjectIdentifier("1.3.6.1.5.5.7.3.32")
KEY_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def key_usage(*granted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in granted for usage in KEY_USAGES})


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate, its key, and the certificates above it."""

    certificate: x509.Certificate
    key: Any = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()


class FakeAuthority:
    def __init__(self, *, clock: Callable[[], datetime], name: str = "Fake CMP") -> None:
        self._clock = clock
        root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = Pair(self._ca(f"{name} Root", root_key.public_key(), f"{name} Root", root_key), root_key)
        key = ec.generate_private_key(ec.SECP256R1())
        issuing = self._ca(f"{name} CA", key.public_key(), f"{name} Root", root_key)
        self.issuing = Pair(issuing, key, (self.root.certificate,))
        self.signer = self.pair("CMP Server", extra=[x509.ExtendedKeyUsage([CM_KGA])])
        self.issued: dict[int, x509.Certificate] = {}
        self.revoked: dict[int, x509.ReasonFlags] = {}
        self.archive: dict[int, Pair] = {}

    def pair(
        self,
        name: str,
        *,
        key: Any = None,
        usage: x509.KeyUsage | None = None,
        extra: Iterable[x509.ExtensionType] = (),
        not_after: datetime | None = None,
    ) -> Pair:
        """A certificate of the issuing CA with its key."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        extensions = [(usage or key_usage("digital_signature"), True), *((one, False) for one in extra)]
        certificate = self._sign(common_name(name), key.public_key(), extensions, not_after=not_after)
        return Pair(certificate, key, (self.issuing.certificate,))

    def issue(
        self, subject: x509.Name, public_key: Any, extensions: bytes | None, *, not_after: datetime | None = None
    ) -> x509.Certificate:
        """A certificate as asked for; ``extensions`` is the DER of Extensions."""
        certificate = self._sign(subject, public_key, _extensions(extensions), not_after=not_after)
        self.issued[certificate.serial_number] = certificate
        return certificate

    def make_key(self, algorithm: str) -> Any:
        """A key of the algorithm that a template names (DER of its SubjectPublicKeyInfo's algorithm)."""
        match algorithm:
            case "1.2.840.113549.1.1.1":
                return rsa.generate_private_key(65537, 2048)
            case "1.3.101.112":
                return ed25519.Ed25519PrivateKey.generate()
            case _:
                return ec.generate_private_key(ec.SECP256R1())

    def key_package(self, key: Any, signer: Pair) -> bytes:
        """SignedData around an AsymmetricKeyPackage (RFC 9483 §4.1.6)."""
        pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        package = cms.der.sequence(pkcs8)
        return cms.sign(
            package,
            key=signer.key,
            certificate=signer.certificate,
            content_type=cms.ID_ASYMMETRIC_KEY_PACKAGE,
            certificates=signer.chain,
        )

    def _ca(self, name: str, public_key: Any, issuer: str, key: Any) -> x509.Certificate:
        extensions = [(x509.BasicConstraints(ca=True, path_length=None), True), (key_usage("key_cert_sign"), True)]
        return self._sign(common_name(name), public_key, extensions, issuer=common_name(issuer), key=key)

    def _sign(
        self,
        subject: x509.Name,
        public_key: Any,
        extensions: Iterable[tuple[x509.ExtensionType, bool]],
        *,
        issuer: x509.Name | None = None,
        key: Any = None,
        not_after: datetime | None = None,
    ) -> x509.Certificate:
        now = self._clock()
        signing = key or self.issuing.key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or self.issuing.certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(not_after or now + LIFE)
        )
        given = [*extensions, (x509.SubjectKeyIdentifier.from_public_key(public_key), False)]
        for extension, is_critical in given:
            builder = builder.add_extension(extension, critical=is_critical)
        return builder.sign(signing, _hash_for(signing))


def _hash_for(key: Any) -> hashes.SHA256 | None:
    hashing = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return hashes.SHA256() if hashing else None


def _extensions(raw: bytes | None) -> list[tuple[x509.ExtensionType, bool]]:
    """Each as it was asked for, byte for byte."""
    found = names.Extensions.load(raw) if raw is not None else ()
    return [
        (
            x509.UnrecognizedExtension(ObjectIdentifier(one["extn_id"].dotted), one["extn_value"].contents),
            one["critical"].native,
        )
        for one in found
    ]
