"""CertTemplate (RFC 4211 §5): what a certificate should hold, or which one is meant."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certwright.protocols.cmp import asn1
from certwright.protocols.cmp.der import SEQUENCE, element, load, sequence
from certwright.protocols.cmp.header import asn1_time

EXTENSION_REQUEST = x509.ObjectIdentifier("1.2.840.113549.1.9.14")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertTemplate:
    """``public_key`` is the DER of a SubjectPublicKeyInfo, ``extensions`` that of Extensions.

    A subject without attributes is sent as the NULL-DN, which is not the same as none (RFC 9483 §4.1.1).
    """

    subject: x509.Name | None = None
    public_key: bytes | None = field(default=None, repr=False)
    extensions: bytes | None = field(default=None, repr=False)
    issuer: x509.Name | None = None
    serial_number: int | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None

    @classmethod
    def from_csr(cls, request: x509.CertificateSigningRequest) -> Self:
        """Subject, key and extensions of a CSR, these byte for byte; CRMF has no place for its other attributes."""
        return cls(
            subject=request.subject,
            public_key=request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            extensions=_requested_extensions(request),
        )

    @classmethod
    def naming(cls, certificate: x509.Certificate) -> Self:
        """Issuer and serial number of a certificate, which identify it (RFC 9483 §4.2)."""
        return cls(issuer=certificate.issuer, serial_number=certificate.serial_number)

    @classmethod
    def recovering(cls, certificate: x509.Certificate) -> Self:
        """A certificate by everything that an archive may be searched for."""
        return cls(
            subject=certificate.subject,
            public_key=certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            issuer=certificate.issuer,
            serial_number=certificate.serial_number,
        )

    def without_key(self) -> Self:
        """The same for a key that the CA makes, of this key's algorithm: that and no key (RFC 9483 §4.1.6)."""
        return replace(self, public_key=None if self.public_key is None else _emptied(self.public_key))

    def asn1(self) -> Any:
        """The CertTemplate of asn1crypto."""
        fields: dict[str, Any] = {
            "serialNumber": self.serial_number,
            "issuer": None if self.issuer is None else load(asn1.Name, self.issuer.public_bytes()),
            "validity": self._validity(),
            "subject": None if self.subject is None else load(asn1.Name, self.subject.public_bytes()),
            "publicKey": None if self.public_key is None else load(asn1.SubjectPublicKeyInfo, self.public_key),
            "extensions": None if self.extensions is None else load(asn1.Extensions, self.extensions),
        }
        return asn1.CertTemplate({name: value for name, value in fields.items() if value is not None})

    def _validity(self) -> Any:
        times = {"notBefore": self.not_before, "notAfter": self.not_after}
        given = {name: asn1_time(at) for name, at in times.items() if at is not None}
        return asn1.OptionalValidity(given) if given else None


def _requested_extensions(request: x509.CertificateSigningRequest) -> bytes | None:
    """The value of the attribute extensionRequest, which the library gives without its outermost tag."""
    try:
        return element(SEQUENCE, request.attributes.get_attribute_for_oid(EXTENSION_REQUEST).value)
    except x509.AttributeNotFound:
        return None


def _emptied(public_key: bytes) -> bytes:
    """A SubjectPublicKeyInfo with its algorithm and a BIT STRING without bits."""
    algorithm = load(core.Sequence, public_key)[0].dump()
    return sequence(algorithm, core.OctetBitString(b"").dump())
