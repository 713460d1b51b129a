# mypy: allow-subclassing-any
"""The values that generalInfo, genm and genp carry (RFC 9810 §5.3.19)."""

from typing import Any, ClassVar

from asn1crypto import core, x509

from certwright.protocols.cmp.asn1.crmf import CertTemplate, Controls
from certwright.protocols.cmp.asn1.opaque import CertificateList, CMPCertificate, DistributionPointName, GeneralNames


class UTF8Strings(core.SequenceOf):
    """certProfile and suppLangTags."""

    _child_spec = core.UTF8String


class Certificates(core.SequenceOf):
    """caCerts, caPubs and extraCerts."""

    _child_spec = CMPCertificate


class CertificateLists(core.SequenceOf):
    """crls (§5.3.19.17)."""

    _child_spec = CertificateList


class RootCaKeyUpdateContent(core.Sequence):
    """A root's successor, with the links from one to the other (§5.3.19.15)."""

    _fields: ClassVar[list[Any]] = [
        ("newWithNew", CMPCertificate),
        ("newWithOld", CMPCertificate, {"explicit": 0, "optional": True}),
        ("oldWithNew", CMPCertificate, {"explicit": 1, "optional": True}),
    ]


class CertReqTemplateContent(core.Sequence):
    """How the CA wants to be asked (§5.3.19.16)."""

    _fields: ClassVar[list[Any]] = [("certTemplate", CertTemplate), ("keySpec", Controls, {"optional": True})]


class CRLSource(core.Choice):
    """Which CRL is meant (§5.3.19.17)."""

    _alternatives: ClassVar[list[Any]] = [
        ("dpn", DistributionPointName, {"explicit": 0}),
        ("issuer", GeneralNames, {"explicit": 1}),
    ]


class CRLStatus(core.Sequence):
    """A CRL, and how new the one at hand is."""

    _fields: ClassVar[list[Any]] = [("source", CRLSource), ("thisUpdate", x509.Time, {"optional": True})]


class CRLStatusList(core.SequenceOf):
    """crlStatusList."""

    _child_spec = CRLStatus
