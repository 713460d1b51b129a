"""The fake server's CA: a root that may stand behind an RA, with keys that are made once for the whole test run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from tests.fakes.ca import CA_LIFE, LEAF_LIFE, common_name

Key = RSAPrivateKey | ec.EllipticCurvePrivateKey
BITS = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


@cache
def rsa_key(name: str) -> RSAPrivateKey:  # noqa: ARG001 - the name is what the key is remembered by
    """Making one takes 50 ms and more: every test that says the same name gets the same key."""
    return generate_private_key(65537, 2048)


def key_usage(*bits: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{bit: bit in bits for bit in BITS})


@dataclass(frozen=True)
class Holder:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)


def certify(
    subject: x509.Name,
    key: Key,
    *,
    now: datetime,
    issuer: Holder | None = None,
    is_ca: bool = False,
    usages: tuple[str, ...] | None = None,
    extended: tuple[x509.ObjectIdentifier, ...] = (),
    life: timedelta = CA_LIFE,
    serial: int | None = None,
) -> Holder:
    """A certificate of ``key``, by ``issuer`` or by itself; ``usages`` None leaves keyUsage out."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if usages is not None:
        builder = builder.add_extension(key_usage(*usages), critical=True)
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    return Holder(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


class SCEPAuthority:
    """``ca`` issues. ``recipient`` opens requests and ``signer`` signs answers: the CA itself unless it has RAs.

    ``agents`` 0: CA and RA are one. 1: one RA certificate. 2: one that encrypts and one that signs, as NDES has.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        agents: int = 0,
        ca_usages: tuple[str, ...] | None = ("key_cert_sign", "crl_sign"),
        ca_key: Key | None = None,
        name: str = "Fake SCEP CA",
    ) -> None:
        self._clock = clock
        now = clock() - timedelta(days=1)
        self.ca = certify(common_name(name), ca_key or rsa_key(name), now=now, is_ca=True, usages=ca_usages)
        both = ("digital_signature", "key_encipherment")
        self.signer = self.recipient = self.ca
        if agents:
            usages = both if agents == 1 else both[:1]
            self.signer = self.recipient = certify(
                common_name("RA"), rsa_key("RA"), now=now, issuer=self.ca, usages=usages
            )
        if agents > 1:
            self.recipient = certify(common_name("RA 2"), rsa_key("RA 2"), now=now, issuer=self.ca, usages=both[1:])

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """What GetCACert hands out, each once."""
        every = (self.signer.certificate, self.ca.certificate, self.recipient.certificate)
        return tuple(dict.fromkeys(every))

    def issue(self, csr: x509.CertificateSigningRequest) -> x509.Certificate:
        now = self._clock()
        builder = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(self.ca.certificate.subject)
            .public_key(csr.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + LEAF_LIFE)
        )
        for extension in csr.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        return builder.sign(self.ca.key, hashes.SHA256())

    def crl(self, *revoked: x509.Certificate) -> x509.CertificateRevocationList:
        now = self._clock()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.ca.certificate.subject)
            .last_update(now)
            .next_update(now + timedelta(days=1))
        )
        for certificate in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.ca.key, hashes.SHA256())
