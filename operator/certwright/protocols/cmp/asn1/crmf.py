# mypy: allow-subclassing-any
"""Certificate requests (RFC 4211). IMPLICIT tags, but for those on a CHOICE."""

from typing import Any, ClassVar

from asn1crypto import core, x509

from certwright.protocols.cmp.asn1.opaque import (
    AlgorithmIdentifier,
    EnvelopedData,
    Extensions,
    GeneralName,
    Name,
    SubjectPublicKeyInfo,
)


class AttributeTypeAndValue(core.Sequence):
    """A control or a piece of registration information."""

    _fields: ClassVar[list[Any]] = [("type", core.ObjectIdentifier), ("value", core.Any)]


class Controls(core.SequenceOf):
    """RFC 4211 §6."""

    _child_spec = AttributeTypeAndValue


class OptionalValidity(core.Sequence):
    """The validity asked for. Time is a CHOICE, so its tags are explicit."""

    _fields: ClassVar[list[Any]] = [
        ("notBefore", x509.Time, {"explicit": 0, "optional": True}),
        ("notAfter", x509.Time, {"explicit": 1, "optional": True}),
    ]


class CertTemplate(core.Sequence):
    """What the certificate should hold (RFC 4211 §5). Names are CHOICEs, so their tags are explicit."""

    _fields: ClassVar[list[Any]] = [
        ("version", core.Integer, {"implicit": 0, "optional": True}),
        ("serialNumber", core.Integer, {"implicit": 1, "optional": True}),
        ("signingAlg", AlgorithmIdentifier, {"implicit": 2, "optional": True}),
        ("issuer", Name, {"explicit": 3, "optional": True}),
        ("validity", OptionalValidity, {"implicit": 4, "optional": True}),
        ("subject", Name, {"explicit": 5, "optional": True}),
        ("publicKey", SubjectPublicKeyInfo, {"implicit": 6, "optional": True}),
        ("issuerUID", core.BitString, {"implicit": 7, "optional": True}),
        ("subjectUID", core.BitString, {"implicit": 8, "optional": True}),
        ("extensions", Extensions, {"implicit": 9, "optional": True}),
    ]


class CertRequest(core.Sequence):
    """What the proof of possession signs."""

    _fields: ClassVar[list[Any]] = [
        ("certReqId", core.Integer),
        ("certTemplate", CertTemplate),
        ("controls", Controls, {"optional": True}),
    ]


class PKMACValue(core.Sequence):
    """A MAC over a public key (RFC 4211 §4.1)."""

    _fields: ClassVar[list[Any]] = [("algId", AlgorithmIdentifier), ("value", core.BitString)]


class AuthInfo(core.Choice):
    """Who asks, where the template does not say it."""

    _alternatives: ClassVar[list[Any]] = [("sender", GeneralName, {"explicit": 0}), ("publicKeyMAC", PKMACValue)]


class POPOSigningKeyInput(core.Sequence):
    """What is signed where the template lacks a subject or the public key."""

    _fields: ClassVar[list[Any]] = [("authInfo", AuthInfo), ("publicKey", SubjectPublicKeyInfo)]


class POPOSigningKey(core.Sequence):
    """Proof of possession by signature (RFC 4211 §4.1)."""

    _fields: ClassVar[list[Any]] = [
        ("poposkInput", POPOSigningKeyInput, {"implicit": 0, "optional": True}),
        ("algorithmIdentifier", AlgorithmIdentifier),
        ("signature", core.OctetBitString),
    ]


class POPOPrivKey(core.Choice):
    """Proof of possession of a key that cannot sign (RFC 4211 §4.2); declared to be read, this client sends none."""

    _alternatives: ClassVar[list[Any]] = [
        ("thisMessage", core.BitString, {"implicit": 0}),
        ("subsequentMessage", core.Integer, {"implicit": 1}),
        ("dhMAC", core.BitString, {"implicit": 2}),
        ("agreeMAC", PKMACValue, {"implicit": 3}),
        ("encryptedKey", EnvelopedData, {"implicit": 4}),
    ]


class ProofOfPossession(core.Choice):
    """RFC 4211 §4. POPOPrivKey is a CHOICE, so its tags are explicit."""

    _alternatives: ClassVar[list[Any]] = [
        ("raVerified", core.Null, {"implicit": 0}),
        ("signature", POPOSigningKey, {"implicit": 1}),
        ("keyEncipherment", POPOPrivKey, {"explicit": 2}),
        ("keyAgreement", POPOPrivKey, {"explicit": 3}),
    ]


class RegInfo(core.SequenceOf):
    """RFC 4211 §7."""

    _child_spec = AttributeTypeAndValue


class CertReqMsg(core.Sequence):
    """One request for a certificate."""

    _fields: ClassVar[list[Any]] = [
        ("certReq", CertRequest),
        ("popo", ProofOfPossession, {"optional": True}),
        ("regInfo", RegInfo, {"optional": True}),
    ]


class CertReqMessages(core.SequenceOf):
    """The body of ir, cr, kur, krr and ccr."""

    _child_spec = CertReqMsg


class CertId(core.Sequence):
    """A certificate by issuer and serial number: the control oldCertID (RFC 4211 §6.5)."""

    _fields: ClassVar[list[Any]] = [("issuer", GeneralName), ("serialNumber", core.Integer)]


class EncryptedValue(core.Sequence):
    """How keys travelled before EnvelopedData (RFC 4211 §2.1)."""

    _fields: ClassVar[list[Any]] = [
        ("intendedAlg", AlgorithmIdentifier, {"implicit": 0, "optional": True}),
        ("symmAlg", AlgorithmIdentifier, {"implicit": 1, "optional": True}),
        ("encSymmKey", core.OctetBitString, {"implicit": 2, "optional": True}),
        ("keyAlg", AlgorithmIdentifier, {"implicit": 3, "optional": True}),
        ("valueHint", core.OctetString, {"implicit": 4, "optional": True}),
        ("encValue", core.OctetBitString),
    ]


class EncryptedKey(core.Choice):
    """A key for the receiver's eyes only."""

    _alternatives: ClassVar[list[Any]] = [
        ("encryptedValue", EncryptedValue),
        ("envelopedData", EnvelopedData, {"implicit": 0}),
    ]
