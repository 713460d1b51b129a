"""Signatures: of messages, and as proof of possession (RFC 9481 §3; ML-DSA by RFC 9881).

SHA-1 and MD5 are not accepted from anybody: a signature with them can be made by others.
"""

from collections.abc import Callable, Mapping
from typing import Any

from asn1crypto import algos, core
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa

from certwright.protocols.cmp.algorithm import NULL, Algorithm
from certwright.protocols.cmp.der import UNREADABLE, load, reading
from certwright.protocols.cmp.errors import BadSignature, WrongProtection

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)
"""Keys that can sign a message."""

RSA_PSS = "1.2.840.113549.1.1.10"
ED25519 = "1.3.101.112"
ED448 = "1.3.101.113"
ML_DSA = {
    "2.16.840.1.101.3.4.3.17": mldsa.MLDSA44PublicKey,
    "2.16.840.1.101.3.4.3.18": mldsa.MLDSA65PublicKey,
    "2.16.840.1.101.3.4.3.19": mldsa.MLDSA87PublicKey,
}
RSA_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.14": hashes.SHA224,
    "1.2.840.113549.1.1.11": hashes.SHA256,
    "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512,
}
ECDSA_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "1.2.840.10045.4.3.1": hashes.SHA224,
    "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384,
    "1.2.840.10045.4.3.4": hashes.SHA512,
}
PSS_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
WIDE_CURVE = 384  # Bits: P-384 goes with SHA-384, and beyond it is SHA-512 (RFC 9481 §3.2).
SALT = 32  # Octets of SHA-256, which RSA keys sign with here.

KNOWN = frozenset({RSA_PSS, ED25519, ED448, *ML_DSA, *RSA_HASHES, *ECDSA_HASHES})


def sign(
    key: PrivateKey, message: bytes, *, use_pss: bool = False, digest: hashes.HashAlgorithm | None = None
) -> bytes:
    """A signature with the algorithm that ``signature_algorithm`` gives for this key."""
    match key:
        case rsa.RSAPrivateKey() if use_pss:
            return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), SALT), hashes.SHA256())
        case rsa.RSAPrivateKey():
            return key.sign(message, padding.PKCS1v15(), digest or hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(digest or _curve_hash(key)))
        case _:
            return key.sign(message)


def signature_algorithm(
    key: PrivateKey, *, use_pss: bool = False, digest: hashes.HashAlgorithm | None = None
) -> Algorithm:
    """What this client signs with: ``digest``, else SHA-256 for RSA, the hash of the curve's strength for ECDSA."""
    match key:
        case rsa.RSAPrivateKey() if use_pss:
            return Algorithm(RSA_PSS, _pss_parameters())
        case rsa.RSAPrivateKey():
            return Algorithm(_with(digest or hashes.SHA256(), RSA_HASHES), NULL)
        case ec.EllipticCurvePrivateKey():
            return Algorithm(_with(digest or _curve_hash(key), ECDSA_HASHES))
        case ed25519.Ed25519PrivateKey():
            return Algorithm(ED25519)
        case ed448.Ed448PrivateKey():
            return Algorithm(ED448)
    public_type = type(key.public_key())
    return Algorithm(next(oid for oid, known in ML_DSA.items() if issubclass(public_type, known)))


def verify_signature(public_key: Any, algorithm: Algorithm, *, signature: bytes, message: bytes) -> None:
    """Raise BadSignature, WrongProtection or MalformedAnswer unless the key signed the message."""
    try:
        _verify(public_key, algorithm, signature, message)
    except (InvalidSignature, *UNREADABLE):
        # A key too short for the hash, a signature of the wrong length: the library has several names for "no".
        raise BadSignature("the answer's signature does not fit its signer's key") from None


def _verify(public_key: Any, algorithm: Algorithm, signature: bytes, message: bytes) -> None:
    oid = algorithm.oid
    match public_key:
        case rsa.RSAPublicKey() if oid in RSA_HASHES:
            public_key.verify(signature, message, padding.PKCS1v15(), RSA_HASHES[oid]())
        case rsa.RSAPublicKey() if oid == RSA_PSS:
            scheme, digest = _parse_pss(algorithm)
            public_key.verify(signature, message, scheme, digest)
        case ec.EllipticCurvePublicKey() if oid in ECDSA_HASHES:
            public_key.verify(signature, message, ec.ECDSA(ECDSA_HASHES[oid]()))
        case ed25519.Ed25519PublicKey() if oid == ED25519:
            public_key.verify(signature, message)
        case ed448.Ed448PublicKey() if oid == ED448:
            public_key.verify(signature, message)
        case mldsa.MLDSA44PublicKey() | mldsa.MLDSA65PublicKey() | mldsa.MLDSA87PublicKey() if isinstance(
            public_key, ML_DSA.get(oid, ())
        ):
            public_key.verify(signature, message)
        case _:
            raise WrongProtection(f"the answer is signed with {oid}, which is not accepted for its signer's key")


def _curve_hash(key: ec.EllipticCurvePrivateKey) -> hashes.HashAlgorithm:
    if key.curve.key_size < WIDE_CURVE:
        return hashes.SHA256()
    return hashes.SHA384() if key.curve.key_size == WIDE_CURVE else hashes.SHA512()


def _with(digest: hashes.HashAlgorithm, known: Mapping[str, Callable[[], hashes.HashAlgorithm]]) -> str:
    """The signature algorithm with this hash."""
    return next(oid for oid, make in known.items() if make().name == digest.name)


def _pss_parameters() -> bytes:
    sha256 = {"algorithm": "sha256", "parameters": core.Null()}
    fields = {
        "hash_algorithm": sha256,
        "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": sha256},
        "salt_length": SALT,
    }
    return bytes(algos.RSASSAPSSParams(fields).dump())


def _parse_pss(algorithm: Algorithm) -> tuple[padding.PSS, hashes.HashAlgorithm]:
    with reading("protectionAlg"):
        parameters = load(algos.RSASSAPSSParams, algorithm.parameters or b"")
        name = parameters["hash_algorithm"]["algorithm"].native
        mask = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
        salt = parameters["salt_length"].native
        if name not in PSS_HASHES or mask not in PSS_HASHES or not 0 <= salt <= 64:  # noqa: PLR2004 - SHA-512's length
            raise WrongProtection("the answer is signed with RSASSA-PSS parameters that are not accepted")
    return padding.PSS(padding.MGF1(PSS_HASHES[mask]()), salt), PSS_HASHES[name]()
