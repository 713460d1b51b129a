"""Signatures by algorithm identifier: what SignerInfo and the protection of CMP have in common.

RSA PKCS #1 v1.5 and PSS (RFC 3370, 4056, 5754), ECDSA (RFC 5753), Ed25519 and Ed448 (RFC 8419), ML-DSA (RFC 9882).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from asn1crypto import core
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as UnsupportedByLibrary
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from certwright.protocols.cms import der
from certwright.protocols.cms.algorithms import DigestAlgorithm, check_digest
from certwright.protocols.cms.errors import BadSignature, CMSError, CMSRefused, LegacyAlgorithm, UnsupportedAlgorithm
from certwright.protocols.cms.rsa_parameters import digest_or_default, mask_digest_or_default
from certwright.protocols.cms.structures import (
    Algorithm,
    Elements,
    Fields,
    load,
    reading,
)

MLDSAPrivateKey = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
EdwardsPrivateKey = ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | EdwardsPrivateKey | MLDSAPrivateKey

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
RSA_PSS = "1.2.840.113549.1.1.10"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"

RSA_WITH = {
    DigestAlgorithm.MD5: "1.2.840.113549.1.1.4",
    DigestAlgorithm.SHA1: "1.2.840.113549.1.1.5",
    DigestAlgorithm.SHA224: "1.2.840.113549.1.1.14",
    DigestAlgorithm.SHA256: "1.2.840.113549.1.1.11",
    DigestAlgorithm.SHA384: "1.2.840.113549.1.1.12",
    DigestAlgorithm.SHA512: "1.2.840.113549.1.1.13",
    DigestAlgorithm.SHA3_224: "2.16.840.1.101.3.4.3.13",
    DigestAlgorithm.SHA3_256: "2.16.840.1.101.3.4.3.14",
    DigestAlgorithm.SHA3_384: "2.16.840.1.101.3.4.3.15",
    DigestAlgorithm.SHA3_512: "2.16.840.1.101.3.4.3.16",
}
ECDSA_WITH = {
    DigestAlgorithm.SHA1: "1.2.840.10045.4.1",
    DigestAlgorithm.SHA224: "1.2.840.10045.4.3.1",
    DigestAlgorithm.SHA256: "1.2.840.10045.4.3.2",
    DigestAlgorithm.SHA384: "1.2.840.10045.4.3.3",
    DigestAlgorithm.SHA512: "1.2.840.10045.4.3.4",
    DigestAlgorithm.SHA3_224: "2.16.840.1.101.3.4.3.9",
    DigestAlgorithm.SHA3_256: "2.16.840.1.101.3.4.3.10",
    DigestAlgorithm.SHA3_384: "2.16.840.1.101.3.4.3.11",
    DigestAlgorithm.SHA3_512: "2.16.840.1.101.3.4.3.12",
}
# Keys that sign the message itself: no digest has to be chosen.
_WHOLE_MESSAGE: dict[str, tuple[type, type[Any]]] = {
    "1.3.101.112": (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey),
    "1.3.101.113": (ed448.Ed448PrivateKey, ed448.Ed448PublicKey),
    "2.16.840.1.101.3.4.3.17": (mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PublicKey),
    "2.16.840.1.101.3.4.3.18": (mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey),
    "2.16.840.1.101.3.4.3.19": (mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PublicKey),
}
_RSA_DIGESTS = {oid: digest for digest, oid in RSA_WITH.items()}
_ECDSA_DIGESTS = {oid: digest for digest, oid in ECDSA_WITH.items()}


class PSSParameters(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 4055 §3.1. The tags are EXPLICIT."""

    _fields: ClassVar[Fields] = [
        ("hash_algorithm", Elements, {"implicit": 0, "optional": True}),
        ("mask_generation", Elements, {"implicit": 1, "optional": True}),
        ("salt_length", core.Integer, {"explicit": 2, "default": 20}),
        ("trailer_field", core.Integer, {"explicit": 3, "default": 1}),
    ]


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and what it was made with."""

    algorithm: Algorithm
    value: bytes


def sign_message(key: SigningKey, message: bytes, *, digest: DigestAlgorithm) -> Signature:
    """A signature over ``message``; ``digest`` plays no part with keys that sign the whole message."""
    match key:
        case rsa.RSAPrivateKey():
            value = key.sign(message, padding.PKCS1v15(), digest.hash)
            return Signature(Algorithm(RSA_WITH[digest], der.NULL), value)
        case ec.EllipticCurvePrivateKey():
            return Signature(Algorithm(ECDSA_WITH[digest]), key.sign(message, ec.ECDSA(digest.hash)))
        case _:
            return Signature(Algorithm(_whole_message_oid(key)), key.sign(message))


def _whole_message_oid(key: SigningKey) -> str:
    for oid, (private, _public) in _WHOLE_MESSAGE.items():
        if isinstance(key, private):
            return oid
    raise TypeError(f"A {type(key).__name__} cannot sign.")


def signs_whole_message(key: SigningKey) -> bool:
    """Whether ``key`` needs no digest of its own (EdDSA, ML-DSA)."""
    return not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)


def verify_signature(
    key: PublicKeyTypes,
    signature: bytes,
    message: bytes,
    *,
    algorithm: Algorithm,
    digest: DigestAlgorithm | None = None,
    accept: Collection[LegacyAlgorithm] = (),
) -> None:
    """Return if ``signature`` is that of ``key``, a public key of any kind, over ``message``, else raise CMSRefused.

    ``digest`` is what CMS names beside an algorithm that says only "RSA" or "EC".
    """
    try:
        match key:
            case rsa.RSAPublicKey():
                scheme, hashed = _rsa_scheme(algorithm, digest, accept)
                key.verify(signature, message, scheme, hashed.hash)
            case ec.EllipticCurvePublicKey():
                hashed = _named_digest(algorithm, _ECDSA_DIGESTS, EC_PUBLIC_KEY, digest, accept)
                key.verify(signature, message, ec.ECDSA(hashed.hash))
            case _:
                _verify_whole(key, signature, message, algorithm.oid)
    except CMSError:
        raise
    except (InvalidSignature, UnsupportedByLibrary, ValueError, TypeError, OverflowError):
        raise BadSignature("The signature does not hold.") from None


def _verify_whole(key: Any, signature: bytes, message: bytes, oid: str) -> None:
    if oid not in _WHOLE_MESSAGE or not isinstance(key, _WHOLE_MESSAGE[oid][1]):
        raise _unfit(oid)
    key.verify(signature, message)


def _named_digest(
    algorithm: Algorithm,
    names: Mapping[str, DigestAlgorithm],
    bare: str,
    digest: DigestAlgorithm | None,
    accept: Collection[LegacyAlgorithm],
) -> DigestAlgorithm:
    """The digest that the algorithm names; ``digest`` where it names only the kind of key, as RSA in CMS does."""
    named = digest if algorithm.oid == bare else names.get(algorithm.oid)
    if named is None:
        raise _unfit(algorithm.oid)
    check_digest(named, accept=accept)
    return named


def _unfit(oid: str) -> CMSRefused:
    known = oid in {RSA_PSS, RSA_ENCRYPTION, EC_PUBLIC_KEY} | _RSA_DIGESTS.keys() | _ECDSA_DIGESTS.keys()
    if known or oid in _WHOLE_MESSAGE:
        return BadSignature("The signature is of another kind than the signer's key.")
    return UnsupportedAlgorithm("signature", oid)


def _rsa_scheme(
    algorithm: Algorithm, digest: DigestAlgorithm | None, accept: Collection[LegacyAlgorithm]
) -> tuple[padding.AsymmetricPadding, DigestAlgorithm]:
    if algorithm.oid != RSA_PSS:
        return padding.PKCS1v15(), _named_digest(algorithm, _RSA_DIGESTS, RSA_ENCRYPTION, digest, accept)
    with reading("RSASSA-PSS parameters"):
        parameters = load(PSSParameters, algorithm.parameters or b"")
        hashed = digest_or_default(parameters["hash_algorithm"])
        mask = mask_digest_or_default(parameters["mask_generation"])
        salt_bytes = parameters["salt_length"].native
    check_digest(hashed, accept=accept)
    return padding.PSS(padding.MGF1(mask.hash), salt_bytes), hashed
