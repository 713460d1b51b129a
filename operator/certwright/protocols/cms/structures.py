"""The ASN.1 of CMS as asn1crypto declarations, each under the text that it comes from, and how they are read.

asn1crypto ships declarations of its own; these differ in that whatever the RFC leaves open (certificates, attribute
values, parameters, CHOICEs) stays raw: a stranger's odd certificate does not stop a message from being read, and no
table of the library has to be changed for the attributes of SCEP. Nothing outside this package sees these classes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from asn1crypto import core

from certwright.protocols.cms import der
from certwright.protocols.cms.errors import CMSError, MalformedCMS

ID_DATA = "1.2.840.113549.1.7.1"
ID_SIGNED_DATA = "1.2.840.113549.1.7.2"
ID_ENVELOPED_DATA = "1.2.840.113549.1.7.3"
ID_AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23"
ID_ASYMMETRIC_KEY_PACKAGE = "2.16.840.1.101.2.1.2.78.5"
ID_CONTENT_TYPE = "1.2.840.113549.1.9.3"
ID_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
ID_SIGNING_TIME = "1.2.840.113549.1.9.5"

# A list, because asn1crypto completes it in place.
Fields = list[Any]


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Whatever asn1crypto raises about bytes becomes MalformedCMS, without its text, which quotes them."""
    try:
        yield
    except CMSError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        raise MalformedCMS(f"The {what} cannot be read.") from None


def load(spec: type[core.Asn1Value], encoded: bytes, *, tag: int | None = None) -> Any:
    """``encoded`` read as ``spec``; ``tag`` takes the place of the identifier octet (an IMPLICIT tag undone)."""
    return spec.load(encoded if tag is None else bytes((tag,)) + encoded[1:], strict=True)


def raw(value: Any) -> bytes:
    """The bytes that ``value`` was read from.

    asn1crypto's own ``dump`` encodes anew what has a length of 128, whose header it takes for an indefinite one, and
    parses what is Any, which fails with context tags.
    """
    return bytes(value._header + value.contents + value._trailer)  # noqa: SLF001 - there is no public way


def is_absent(value: Any) -> bool:
    """Whether an OPTIONAL field is not there."""
    return isinstance(value, core.Void)


def bounded(values: Any, *, limit: int, what: str) -> list[Any]:
    """The elements of an OPTIONAL list; MalformedCMS for more than ``limit``, before one of them is looked into."""
    if is_absent(values):
        return []
    # asn1crypto would first take all of them apart.
    if any(True for _ in islice(der.elements(values.contents), limit, None)):
        raise MalformedCMS(f"There are more than {limit} {what}.")
    return list(values)


def sole(values: Any) -> bytes:
    """The one element inside an EXPLICIT tag, or the one value of an attribute."""
    (value,) = values
    return raw(value)


def octets(encoded: bytes, *, primitive: int = der.OCTET_STRING) -> bytes:
    """The value of an OCTET STRING, or of an IMPLICIT one with the identifier octet ``primitive``."""
    tag, start, length = der.header(encoded, 0, len(encoded))
    if length is None or start + length != len(encoded):
        raise MalformedCMS("An OCTET STRING cannot be read.")
    if tag == primitive:
        return encoded[start:]
    if tag == primitive | der.CONSTRUCTED:
        return der.joined_octets(encoded[start:])
    raise MalformedCMS("There is something else in the place of an OCTET STRING.")


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An AlgorithmIdentifier: ``parameters`` as the bytes received, None when absent."""

    oid: str
    parameters: bytes | None = None

    @classmethod
    def read(cls, value: Any) -> "Algorithm":
        """From an ``AlgorithmIdentifier`` of this module."""
        parameters = value["parameters"]
        return cls(value["algorithm"].dotted, None if is_absent(parameters) else raw(parameters))

    @classmethod
    def parse(cls, encoded: bytes) -> "Algorithm":
        """From its DER."""
        with reading("algorithm identifier"):
            return cls.read(load(AlgorithmIdentifier, der.definite(encoded)))

    def encode(self) -> bytes:
        """As DER."""
        return der.sequence(der.oid(self.oid), self.parameters or b"")


class Elements(core.SequenceOf):  # type: ignore[misc] # asn1crypto has no types
    """SEQUENCE OF ANY. Under an IMPLICIT [n] it also stands for [n] EXPLICIT ANY, which is encoded alike."""

    _child_spec = core.Any


class ElementSet(core.SetOf):  # type: ignore[misc] # asn1crypto has no types
    """SET OF ANY, in the order of the message."""

    _child_spec = core.Any


class AlgorithmIdentifier(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5280 §4.1.1.2."""

    _fields: ClassVar[Fields] = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]


class ContentInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §3: contentType, content [0] EXPLICIT ANY. EncapsulatedContentInfo (§5.2) is encoded alike.

    The content is OPTIONAL there, and in PKCS #7 (RFC 2315 §7) here too.
    """

    _fields: ClassVar[Fields] = [
        ("content_type", core.ObjectIdentifier),
        ("content", Elements, {"implicit": 0, "optional": True}),
    ]


class IssuerAndSerialNumber(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §10.2.4."""

    _fields: ClassVar[Fields] = [("issuer", core.Any), ("serial_number", core.Integer)]


class Attribute(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §5.3."""

    _fields: ClassVar[Fields] = [("type", core.ObjectIdentifier), ("values", ElementSet)]


class Attributes(core.SetOf):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §5.3."""

    _child_spec = Attribute


class SignerInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §5.3. ``sid`` is a CHOICE of IssuerAndSerialNumber and [0] SubjectKeyIdentifier."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("sid", core.Any),
        ("digest_algorithm", AlgorithmIdentifier),
        ("signed_attributes", Attributes, {"implicit": 0, "optional": True}),
        ("signature_algorithm", AlgorithmIdentifier),
        ("signature", core.OctetString),
        ("unsigned_attributes", ElementSet, {"implicit": 1, "optional": True}),
    ]


class SignerInfos(core.SetOf):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §5.1."""

    _child_spec = SignerInfo


class SignedData(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §5.1."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("digest_algorithms", ElementSet),
        ("encapsulated", ContentInfo),
        ("certificates", ElementSet, {"implicit": 0, "optional": True}),
        ("crls", ElementSet, {"implicit": 1, "optional": True}),
        ("signer_infos", SignerInfos),
    ]


class EncryptedContentInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.1. ``encrypted_content`` is [0] IMPLICIT OCTET STRING, which BER may have in segments."""

    _fields: ClassVar[Fields] = [
        ("content_type", core.ObjectIdentifier),
        ("algorithm", AlgorithmIdentifier),
        ("encrypted_content", core.Any, {"optional": True}),
    ]


class EnvelopedData(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §6.1. OriginatorInfo [0] is of no use to a recipient with ephemeral keys."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("originator_info", Elements, {"implicit": 0, "optional": True}),
        ("recipient_infos", ElementSet),
        ("encrypted_content_info", EncryptedContentInfo),
        ("unprotected_attributes", ElementSet, {"implicit": 1, "optional": True}),
    ]


class AuthEnvelopedData(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5083 §2.1."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("originator_info", Elements, {"implicit": 0, "optional": True}),
        ("recipient_infos", ElementSet),
        ("encrypted_content_info", EncryptedContentInfo),
        ("authenticated_attributes", ElementSet, {"implicit": 1, "optional": True}),
        ("mac", core.OctetString),
        ("unauthenticated_attributes", ElementSet, {"implicit": 2, "optional": True}),
    ]


class OneAsymmetricKey(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5958 §2; with version 0 and without public key the PrivateKeyInfo of PKCS #8."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("algorithm", AlgorithmIdentifier),
        ("private_key", core.OctetString),
        ("attributes", ElementSet, {"implicit": 0, "optional": True}),
        ("public_key", core.Any, {"optional": True}),
    ]
