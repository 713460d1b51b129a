# mypy: allow-subclassing-any
"""What CMP carries and others define: read no further than its outermost tag, so that its bytes stay as they came.

The classes of asn1crypto for certificates and algorithms know a closed list of algorithms each, and those for names
encode them anew: a message that holds a newer or odder one must still be readable, and come out as it went in.
"""

from typing import Any, ClassVar

from asn1crypto import core


class Opaque(core.Sequence):
    """A SEQUENCE whose content is kept as it is. One that is there is true, and nobody looks inside to find out."""

    def __bool__(self) -> bool:
        return True

    def dump(self, force: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002 - asn1crypto's own signature
        """The element as it came.

        asn1crypto takes a length whose last octet is 0x80 for an indefinite one, and then encodes a SEQUENCE anew from
        the fields that were declared: here none, so that one certificate in 256 would come out empty.
        """
        return bytes(super(core.Sequence, self).dump())


class AlgorithmIdentifier(core.Sequence):
    """RFC 5280 §4.1.1.2, for any algorithm."""

    _fields: ClassVar[list[Any]] = [
        ("algorithm", core.ObjectIdentifier),
        ("parameters", core.Any, {"optional": True}),
    ]


class CMPCertificate(Opaque):
    """``CHOICE { x509v3PKCert Certificate }``."""


class CertificateList(Opaque):
    """A CRL."""


class CertificationRequest(Opaque):
    """PKCS #10."""


class EnvelopedData(Opaque):
    """RFC 5652 §6.1."""


class Extensions(Opaque):
    """RFC 5280 §4.1.2.9."""


class SubjectPublicKeyInfo(Opaque):
    """RFC 5280 §4.1.2.7."""


class Anything(core.Any):
    """Parameters and values whose type depends on an OID."""


class Name(Opaque):
    """RFC 5280 §4.1.2.4: a CHOICE with a SEQUENCE as its only alternative, so that its tags are explicit."""


class GeneralName(core.Choice):
    """RFC 5280 §4.2.1.6."""

    _alternatives: ClassVar[list[Any]] = [
        ("otherName", Opaque, {"implicit": 0}),
        ("rfc822Name", core.IA5String, {"implicit": 1}),
        ("dNSName", core.IA5String, {"implicit": 2}),
        ("x400Address", Opaque, {"implicit": 3}),
        ("directoryName", Name, {"explicit": 4}),
        ("ediPartyName", Opaque, {"implicit": 5}),
        ("uniformResourceIdentifier", core.IA5String, {"implicit": 6}),
        ("iPAddress", core.OctetString, {"implicit": 7}),
        ("registeredID", core.ObjectIdentifier, {"implicit": 8}),
    ]


class GeneralNames(core.SequenceOf):
    """RFC 5280 §4.2.1.6."""

    _child_spec = GeneralName


class DistributionPointName(core.Choice):
    """RFC 5280 §4.2.1.13."""

    _alternatives: ClassVar[list[Any]] = [
        ("fullName", GeneralNames, {"implicit": 0}),
        ("nameRelativeToCRLIssuer", core.SetOf, {"implicit": 1, "spec": core.Any}),
    ]
