# mypy: allow-subclassing-any
"""Parameters of the two MACs: PasswordBasedMac (RFC 9810 §5.1.3.1) and PBMAC1 (RFC 8018 appendix A.5)."""

from typing import Any, ClassVar

from asn1crypto import core

from certwright.protocols.cmp.asn1.opaque import AlgorithmIdentifier


class PBMParameter(core.Sequence):
    """Of PasswordBasedMac."""

    _fields: ClassVar[list[Any]] = [
        ("salt", core.OctetString),
        ("owf", AlgorithmIdentifier),
        ("iterationCount", core.Integer),
        ("mac", AlgorithmIdentifier),
    ]


class PBMAC1Params(core.Sequence):
    """Of PBMAC1."""

    _fields: ClassVar[list[Any]] = [
        ("keyDerivationFunc", AlgorithmIdentifier),
        ("messageAuthScheme", AlgorithmIdentifier),
    ]


class PBKDF2Params(core.Sequence):
    """Of the key derivation in PBMAC1. The salt is a CHOICE, of which only ``specified`` was ever used."""

    _fields: ClassVar[list[Any]] = [
        ("salt", core.OctetString),
        ("iterationCount", core.Integer),
        ("keyLength", core.Integer, {"optional": True}),
        ("prf", AlgorithmIdentifier, {"default": {"algorithm": "1.2.840.113549.2.7", "parameters": core.Null()}}),
    ]
