"""ASN.1 of EST and of the little of CMC that it uses, the RFC above each declaration.

Only what ``cryptography`` and ``protocols.cms`` do not know. Values stay raw: who reads them knows what they are.
"""

from typing import ClassVar

from asn1crypto import core

Fields = list[tuple[str, type] | tuple[str, type, dict[str, object]]]


class AnyValues(core.SetOf):  # type: ignore[misc]
    """SET OF ANY."""

    _child_spec: ClassVar[type] = core.Any


class AnySequence(core.SequenceOf):  # type: ignore[misc]
    """SEQUENCE OF ANY: also CsrAttrs (RFC 8951 §4), whose elements are an OID or an Attribute."""

    _child_spec: ClassVar[type] = core.Any


class Attribute(core.Sequence):  # type: ignore[misc]
    """RFC 2986 §4.1."""

    _fields: ClassVar[Fields] = [("type", core.ObjectIdentifier), ("values", AnyValues)]


class Attributes(core.SetOf):  # type: ignore[misc]
    """RFC 2986 §4.1."""

    _child_spec: ClassVar[type] = Attribute


class ExtensionTemplate(core.Sequence):  # type: ignore[misc]
    """RFC 9908 appendix A: like Extension of RFC 5280, with an optional value."""

    _fields: ClassVar[Fields] = [
        ("extn_id", core.ObjectIdentifier),
        ("critical", core.Boolean, {"optional": True}),
        ("extn_value", core.OctetString, {"optional": True}),
    ]


class SingleAttributeTemplate(core.Sequence):  # type: ignore[misc]
    """RFC 9908 appendix A: like AttributeTypeAndValue of RFC 5280, with an optional value."""

    _fields: ClassVar[Fields] = [("type", core.ObjectIdentifier), ("value", core.Any, {"optional": True})]


class RelativeDistinguishedNameTemplate(core.SetOf):  # type: ignore[misc]
    """RFC 9908 appendix A."""

    _child_spec: ClassVar[type] = SingleAttributeTemplate


class NameTemplate(core.SequenceOf):  # type: ignore[misc]
    """RFC 9908 appendix A; the CHOICE around it has one alternative and no tag."""

    _child_spec: ClassVar[type] = RelativeDistinguishedNameTemplate


class AlgorithmIdentifier(core.Sequence):  # type: ignore[misc]
    """RFC 5280 §4.1.1.2."""

    _fields: ClassVar[Fields] = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]


class SubjectPublicKeyInfoTemplate(core.Sequence):  # type: ignore[misc]
    """RFC 9908 appendix A."""

    _fields: ClassVar[Fields] = [
        ("algorithm", AlgorithmIdentifier),
        ("subject_public_key", core.BitString, {"optional": True}),
    ]


class CertificationRequestInfoTemplate(core.Sequence):  # type: ignore[misc]
    """RFC 9908 appendix A."""

    _fields: ClassVar[Fields] = [
        ("version", core.Integer),
        ("subject", NameTemplate, {"optional": True}),
        # Its examples show the algorithm directly under the tag, as IMPLICIT tagging of a sequence gives it.
        ("subject_pk_info", SubjectPublicKeyInfoTemplate, {"implicit": 0, "optional": True}),
        ("attributes", Attributes, {"implicit": 1, "optional": True}),
    ]


class RSAPublicKey(core.Sequence):  # type: ignore[misc]
    """RFC 8017 appendix A.1.1: the dummy that gives a size, and need not be a possible key."""

    _fields: ClassVar[Fields] = [("modulus", core.Integer), ("public_exponent", core.Integer)]


class TaggedAttribute(core.Sequence):  # type: ignore[misc]
    """RFC 5272 §3.2.1.1."""

    _fields: ClassVar[Fields] = [
        ("body_part_id", core.Integer),
        ("attr_type", core.ObjectIdentifier),
        ("attr_values", AnyValues),
    ]


class TaggedAttributes(core.SequenceOf):  # type: ignore[misc]
    """RFC 5272 §3.2.2."""

    _child_spec: ClassVar[type] = TaggedAttribute


class PKIResponse(core.Sequence):  # type: ignore[misc]
    """RFC 5272 §3.2.2."""

    _fields: ClassVar[Fields] = [
        ("control_sequence", TaggedAttributes),
        ("cms_sequence", AnySequence),
        ("other_msg_sequence", AnySequence),
    ]


class CMCStatusInfo(core.Sequence):  # type: ignore[misc]
    """RFC 5272 §6.1.1; CMCStatusInfoV2 differs in what is not looked at here."""

    _fields: ClassVar[Fields] = [
        ("cmc_status", core.Integer),
        ("body_list", AnySequence),
        ("status_string", core.UTF8String, {"optional": True}),
        ("other_info", core.Any, {"optional": True}),
    ]
