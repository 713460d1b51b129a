# mypy: allow-subclassing-any
"""PKIBody and the content of each body type (RFC 9810 §5.3). EXPLICIT tags throughout.

Challenges (popdecc, popdecr) and announcements (cann, rann, crlann) are declared opaque: this client names them
where it refuses them. The content of ``nested`` is declared in ``message``, which it recurs to.
"""

from typing import Any, ClassVar

from asn1crypto import core

from certwright.protocols.cmp.asn1.crmf import CertId, CertReqMessages, CertTemplate, EncryptedKey
from certwright.protocols.cmp.asn1.general import CertificateLists, Certificates, RootCaKeyUpdateContent
from certwright.protocols.cmp.asn1.header import InfoTypeAndValue
from certwright.protocols.cmp.asn1.opaque import (
    AlgorithmIdentifier,
    CertificationRequest,
    CMPCertificate,
    Extensions,
    Opaque,
)
from certwright.protocols.cmp.asn1.status import PKIFreeText, PKIStatusInfo


class CertOrEncCert(core.Choice):
    """The certificate, or the certificate for the holder of the key only."""

    _alternatives: ClassVar[list[Any]] = [
        ("certificate", CMPCertificate, {"explicit": 0}),
        ("encryptedCert", EncryptedKey, {"explicit": 1}),
    ]


class CertifiedKeyPair(core.Sequence):
    """The certificate, and the private key where the CA made it."""

    _fields: ClassVar[list[Any]] = [
        ("certOrEncCert", CertOrEncCert),
        ("privateKey", EncryptedKey, {"explicit": 0, "optional": True}),
        ("publicationInfo", Opaque, {"explicit": 1, "optional": True}),
    ]


class CertResponse(core.Sequence):
    """The answer to one request for a certificate."""

    _fields: ClassVar[list[Any]] = [
        ("certReqId", core.Integer),
        ("status", PKIStatusInfo),
        ("certifiedKeyPair", CertifiedKeyPair, {"optional": True}),
        ("rspInfo", core.OctetString, {"optional": True}),
    ]


class CertResponses(core.SequenceOf):
    """One for each request."""

    _child_spec = CertResponse


class CertRepMessage(core.Sequence):
    """The body of ip, cp, kup and ccp (§5.3.4)."""

    _fields: ClassVar[list[Any]] = [
        ("caPubs", Certificates, {"explicit": 1, "optional": True}),
        ("response", CertResponses),
    ]


class CertifiedKeyPairs(core.SequenceOf):
    """Of key recovery."""

    _child_spec = CertifiedKeyPair


class KeyRecRepContent(core.Sequence):
    """The body of krp (§5.3.8)."""

    _fields: ClassVar[list[Any]] = [
        ("status", PKIStatusInfo),
        ("newSigCert", CMPCertificate, {"explicit": 0, "optional": True}),
        ("caCerts", Certificates, {"explicit": 1, "optional": True}),
        ("keyPairHist", CertifiedKeyPairs, {"explicit": 2, "optional": True}),
    ]


class RevDetails(core.Sequence):
    """One certificate to be revoked, and why."""

    _fields: ClassVar[list[Any]] = [
        ("certDetails", CertTemplate),
        ("crlEntryDetails", Extensions, {"optional": True}),
    ]


class RevReqContent(core.SequenceOf):
    """The body of rr (§5.3.9)."""

    _child_spec = RevDetails


class StatusInfos(core.SequenceOf):
    """One for each certificate of an rr."""

    _child_spec = PKIStatusInfo


class CertIds(core.SequenceOf):
    """The certificates that were revoked."""

    _child_spec = CertId


class RevRepContent(core.Sequence):
    """The body of rp (§5.3.10)."""

    _fields: ClassVar[list[Any]] = [
        ("status", StatusInfos),
        ("revCerts", CertIds, {"explicit": 0, "optional": True}),
        ("crls", CertificateLists, {"explicit": 1, "optional": True}),
    ]


class GenMsgContent(core.SequenceOf):
    """The body of genm and genp (§5.3.19, §5.3.20)."""

    _child_spec = InfoTypeAndValue


class ErrorMsgContent(core.Sequence):
    """The body of error (§5.3.21)."""

    _fields: ClassVar[list[Any]] = [
        ("pKIStatusInfo", PKIStatusInfo),
        ("errorCode", core.Integer, {"optional": True}),
        ("errorDetails", PKIFreeText, {"optional": True}),
    ]


class CertStatus(core.Sequence):
    """Whether one certificate is taken."""

    _fields: ClassVar[list[Any]] = [
        ("certHash", core.OctetString),
        ("certReqId", core.Integer),
        ("statusInfo", PKIStatusInfo, {"optional": True}),
        ("hashAlg", AlgorithmIdentifier, {"explicit": 0, "optional": True}),
    ]


class CertConfirmContent(core.SequenceOf):
    """The body of certConf (§5.3.18)."""

    _child_spec = CertStatus


class PollReq(core.Sequence):
    """Which certificate is waited for; -1 stands for the whole message."""

    _fields: ClassVar[list[Any]] = [("certReqId", core.Integer)]


class PollReqContent(core.SequenceOf):
    """The body of pollReq (§5.3.22)."""

    _child_spec = PollReq


class PollRep(core.Sequence):
    """When to ask again, in seconds."""

    _fields: ClassVar[list[Any]] = [
        ("certReqId", core.Integer),
        ("checkAfter", core.Integer),
        ("reason", PKIFreeText, {"optional": True}),
    ]


class PollRepContent(core.SequenceOf):
    """The body of pollRep (§5.3.22)."""

    _child_spec = PollRep


class CAKeyUpdContent(core.Choice):
    """The body of ckuann (§5.3.13)."""

    _alternatives: ClassVar[list[Any]] = [
        ("cAKeyUpdAnnV2", Opaque),
        ("cAKeyUpdAnnV3", RootCaKeyUpdateContent, {"explicit": 0}),
    ]


class PKIBody(core.Choice):
    """One message's content (§5.1.2)."""

    _alternatives: ClassVar[list[Any]] = [
        ("ir", CertReqMessages, {"explicit": 0}),
        ("ip", CertRepMessage, {"explicit": 1}),
        ("cr", CertReqMessages, {"explicit": 2}),
        ("cp", CertRepMessage, {"explicit": 3}),
        ("p10cr", CertificationRequest, {"explicit": 4}),
        ("popdecc", Opaque, {"explicit": 5}),
        ("popdecr", Opaque, {"explicit": 6}),
        ("kur", CertReqMessages, {"explicit": 7}),
        ("kup", CertRepMessage, {"explicit": 8}),
        ("krr", CertReqMessages, {"explicit": 9}),
        ("krp", KeyRecRepContent, {"explicit": 10}),
        ("rr", RevReqContent, {"explicit": 11}),
        ("rp", RevRepContent, {"explicit": 12}),
        ("ccr", CertReqMessages, {"explicit": 13}),
        ("ccp", CertRepMessage, {"explicit": 14}),
        ("ckuann", CAKeyUpdContent, {"explicit": 15}),
        ("cann", CMPCertificate, {"explicit": 16}),
        ("rann", Opaque, {"explicit": 17}),
        ("crlann", CertificateLists, {"explicit": 18}),
        ("pkiconf", core.Null, {"explicit": 19}),
        ("nested", core.SequenceOf, {"explicit": 20, "spec": core.Any}),
        ("genm", GenMsgContent, {"explicit": 21}),
        ("genp", GenMsgContent, {"explicit": 22}),
        ("error", ErrorMsgContent, {"explicit": 23}),
        ("certConf", CertConfirmContent, {"explicit": 24}),
        ("pollReq", PollReqContent, {"explicit": 25}),
        ("pollRep", PollRepContent, {"explicit": 26}),
    ]
