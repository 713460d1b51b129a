"""The algorithms that CSR attributes name: keys, curves, hashes, signatures.

Kinds of keys that nobody here can make are told as their OIDs, so that a caller can say what is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from asn1crypto import core

from certwright.protocols import cms


class KeyAlgorithm(StrEnum):
    """Kinds of keys that a server may ask for."""

    RSA = "RSA"
    EC = "EC"
    ED25519 = "Ed25519"
    ED448 = "Ed448"
    ML_DSA_44 = "ML-DSA-44"
    ML_DSA_65 = "ML-DSA-65"
    ML_DSA_87 = "ML-DSA-87"


RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"

KEYS: Mapping[str, KeyAlgorithm] = {
    RSA_ENCRYPTION: KeyAlgorithm.RSA,
    EC_PUBLIC_KEY: KeyAlgorithm.EC,
    "1.3.101.112": KeyAlgorithm.ED25519,
    "1.3.101.113": KeyAlgorithm.ED448,
    "2.16.840.1.101.3.4.3.17": KeyAlgorithm.ML_DSA_44,
    "2.16.840.1.101.3.4.3.18": KeyAlgorithm.ML_DSA_65,
    "2.16.840.1.101.3.4.3.19": KeyAlgorithm.ML_DSA_87,
}

CURVES: Mapping[str, str] = {
    "1.2.840.10045.3.1.1": "secp192r1",
    "1.3.132.0.33": "secp224r1",
    "1.2.840.10045.3.1.7": "secp256r1",
    "1.3.132.0.34": "secp384r1",
    "1.3.132.0.35": "secp521r1",
    "1.3.132.0.10": "secp256k1",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}
"""By the names that ``cryptography`` uses."""

HASHES: Mapping[str, str] = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.8": "sha3-256",
    "2.16.840.1.101.3.4.2.9": "sha3-384",
    "2.16.840.1.101.3.4.2.10": "sha3-512",
}

SIGNATURE_HASHES: Mapping[str, str | None] = {
    "1.2.840.113549.1.1.5": "sha1",
    "1.2.840.113549.1.1.10": None,  # RSASSA-PSS names its hash in parameters, which an OID has not.
    "1.2.840.113549.1.1.14": "sha224",
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.10045.4.1": "sha1",
    "1.2.840.10045.4.3.1": "sha224",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
"""The hash in each signature algorithm. Those of EdDSA and ML-DSA are the keys' own, and stand there."""

MAX_RSA_BITS = 1 << 16
INTEGER = 0x02


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequirement:
    """The kind of key that the request must be for: ``algorithm`` is None for a kind that is not known here.

    ``curve`` is a name of `CURVES`, or the OID of another one; ``size`` are the bits of an RSA modulus.
    """

    oid: str
    algorithm: KeyAlgorithm | None = None
    curve: str | None = None
    size: int | None = None


def key_requirement(oid: str, values: Sequence[bytes]) -> KeyRequirement | None:
    """What an element of CsrAttrs says about the key: its type, with the parameters as its value (RFC 8951 §4)."""
    if oid in CURVES:
        return KeyRequirement(oid=EC_PUBLIC_KEY, algorithm=KeyAlgorithm.EC, curve=CURVES[oid])
    algorithm = KEYS.get(oid)
    if algorithm is None:
        return None
    value = values[0] if values else None
    size = None if value is None or algorithm is not KeyAlgorithm.RSA else _size(value)
    return KeyRequirement(oid=oid, algorithm=algorithm, curve=curve(algorithm, value), size=size)


def curve(algorithm: KeyAlgorithm | None, parameters: bytes | None) -> str | None:
    """The curve in the parameters of an EC key, None where none is named."""
    if algorithm is not KeyAlgorithm.EC or parameters is None or parameters[0] != cms.der.OID:
        return None
    oid: str = core.ObjectIdentifier.load(parameters, strict=True).dotted
    return CURVES.get(oid, oid)


def _size(value: bytes) -> int | None:
    if value[0] != INTEGER:
        return None
    bits: int = core.Integer.load(value, strict=True).native
    return bits if 0 < bits <= MAX_RSA_BITS else None
