"""Who is meant: the issuerAndSerialNumber or key identifier by which signers and recipients are named (RFC 5652 §10.2).

``signed`` looks for the certificate of a signer by it, ``opening`` for the RecipientInfo that is ours.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from certwright.protocols.cms import der
from certwright.protocols.cms.structures import Elements, IssuerAndSerialNumber, load, octets, raw, reading

_IMPLICIT_KEY_IDENTIFIER = 0x80
_EXPLICIT_VERSION = 0xA0
MAX_NAME_BYTES = 4096


@dataclass(frozen=True, slots=True)
class IssuerAndSerial:
    """``issuer`` as DER, byte for byte as it was read."""

    issuer: bytes
    serial: int

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "IssuerAndSerial":
        """What names ``certificate``, with the issuer as the CA wrote it, not as some library would write it anew."""
        with reading("certificate"):
            fields = [raw(each) for each in load(Elements, certificate.tbs_certificate_bytes)]
            # The version comes first if it is not 1 (RFC 5280 §4.1).
            has_version = fields[0][0] == _EXPLICIT_VERSION
            serial, _signature, issuer, *_rest = fields[has_version:]
            return cls(issuer, load(core.Integer, serial).native)

    def encode(self) -> bytes:
        """The DER of IssuerAndSerialNumber."""
        return der.sequence(self.issuer, der.integer(self.serial))

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether it is this certificate's; the issuer may be written with other string types or case."""
        other = IssuerAndSerial.of(certificate)
        if self.serial != other.serial:
            return False
        return self.issuer == other.issuer or _is_same_name(self.issuer, other.issuer)


@dataclass(frozen=True, slots=True)
class KeyIdentifier:
    """A subjectKeyIdentifier, or the one that RFC 5280 §4.2.1.2 (1) would make of the key."""

    octets: bytes

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether it is this certificate's."""
        return self.octets == _key_identifier(certificate)


Identity = IssuerAndSerial | KeyIdentifier


def read_identity(encoded: bytes, *, key_identifier: int = _IMPLICIT_KEY_IDENTIFIER) -> Identity:
    """A SignerIdentifier or RecipientIdentifier; ``key_identifier`` is the identifier octet of its second choice."""
    if encoded[0] != der.SEQUENCE:
        return KeyIdentifier(octets(encoded, primitive=key_identifier))
    value = load(IssuerAndSerialNumber, encoded)
    return IssuerAndSerial(raw(value["issuer"]), value["serial_number"].native)


def find(identity: Identity, certificates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """The first of ``certificates`` that ``identity`` names."""
    return next((certificate for certificate in certificates if identity.names(certificate)), None)


def _key_identifier(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _is_same_name(one: bytes, other: bytes) -> bool:
    """By RFC 5280 §7.1. The preparation of strings is slow, so that no endless names are compared."""
    if max(len(one), len(other)) > MAX_NAME_BYTES:
        return False
    with reading("issuer"):
        return bool(asn1_x509.Name.load(one, strict=True) == asn1_x509.Name.load(other, strict=True))
