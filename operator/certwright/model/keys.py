"""Private keys: made, read, written, and compared with what a Certificate asks for.

Making an RSA key takes tens of milliseconds and more: `is_slow` tells the caller to do it off the event loop.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from certwright.model.resources import CertificateSpec, KeyAlgorithm, KeyEncoding, Protocol, SignatureAlgorithm
from certwright.model.resources import PrivateKey as PrivateKeySpec

PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)

CURVES: dict[int, type[ec.EllipticCurve]] = {256: ec.SECP256R1, 384: ec.SECP384R1, 521: ec.SECP521R1}
DEFAULT_SIZES = {KeyAlgorithm.RSA: 2048, KeyAlgorithm.ECDSA: 256}
LARGEST_RSA = 16384
"""Bits; a larger key in a Secret is refused before it costs seconds."""

_UNSIZED: dict[KeyAlgorithm, tuple[type[PrivateKey], Callable[[], PrivateKey]]] = {
    KeyAlgorithm.ED25519: (ed25519.Ed25519PrivateKey, ed25519.Ed25519PrivateKey.generate),
    KeyAlgorithm.ML_DSA_44: (mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PrivateKey.generate),
    KeyAlgorithm.ML_DSA_65: (mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PrivateKey.generate),
    KeyAlgorithm.ML_DSA_87: (mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PrivateKey.generate),
}


class InvalidKeyError(ValueError):
    """Bytes that are not a private key we can use. Its text never quotes them."""


@dataclass(frozen=True, slots=True)
class KeyKind:
    """An algorithm and its size in bits; 0 where the algorithm has only one."""

    algorithm: KeyAlgorithm
    size: int = 0

    def __str__(self) -> str:
        return f"{self.algorithm} {self.size}" if self.size else str(self.algorithm)


DEFAULT_KIND = KeyKind(KeyAlgorithm.ECDSA, DEFAULT_SIZES[KeyAlgorithm.ECDSA])
SCEP_KIND = KeyKind(KeyAlgorithm.RSA, DEFAULT_SIZES[KeyAlgorithm.RSA])
"""SCEP encrypts its answers to the requester's key, which RSA alone can read (RFC 8894 §3.1)."""

_SIGNERS: dict[SignatureAlgorithm, KeyKind] = {
    SignatureAlgorithm.SHA256_WITH_RSA: KeyKind(KeyAlgorithm.RSA, 2048),
    SignatureAlgorithm.SHA384_WITH_RSA: KeyKind(KeyAlgorithm.RSA, 2048),
    SignatureAlgorithm.SHA512_WITH_RSA: KeyKind(KeyAlgorithm.RSA, 2048),
    SignatureAlgorithm.ECDSA_WITH_SHA256: KeyKind(KeyAlgorithm.ECDSA, 256),
    SignatureAlgorithm.ECDSA_WITH_SHA384: KeyKind(KeyAlgorithm.ECDSA, 384),
    SignatureAlgorithm.ECDSA_WITH_SHA512: KeyKind(KeyAlgorithm.ECDSA, 521),
    SignatureAlgorithm.PURE_ED25519: KeyKind(KeyAlgorithm.ED25519),
    SignatureAlgorithm.ML_DSA_44: KeyKind(KeyAlgorithm.ML_DSA_44),
    SignatureAlgorithm.ML_DSA_65: KeyKind(KeyAlgorithm.ML_DSA_65),
    SignatureAlgorithm.ML_DSA_87: KeyKind(KeyAlgorithm.ML_DSA_87),
}
"""The key that goes with a signature where the Certificate leaves it open; with ECDSA the curve of the hash's size."""


def protocol_kind(protocol: Protocol | None) -> KeyKind:
    """The kind of a new key where neither the Certificate nor the CA says anything."""
    return SCEP_KIND if protocol is Protocol.SCEP else DEFAULT_KIND


def new_kind(spec: CertificateSpec, default: KeyKind | None = None) -> KeyKind:
    """The kind of key that a new request gets: privateKey's, else signatureAlgorithm's, else ``default``.

    The default is the CA's wish or the protocol's.
    """
    signer = _SIGNERS[spec.signature_algorithm] if spec.signature_algorithm else None
    if signer is not None and (default is None or default.algorithm is not signer.algorithm):
        default = signer
    return wanted_kind(spec.private_key, default or DEFAULT_KIND)


def demanded(spec: CertificateSpec) -> PrivateKeySpec | None:
    """What the Certificate asks of its key, new or old: privateKey, or the algorithm that signatureAlgorithm needs."""
    if spec.signature_algorithm is None or (spec.private_key is not None and spec.private_key.algorithm is not None):
        return spec.private_key
    algorithm = _SIGNERS[spec.signature_algorithm].algorithm
    # A size that stands without an algorithm means nothing, and goes on meaning nothing.
    return (spec.private_key or PrivateKeySpec()).model_copy(update={"algorithm": algorithm, "size": None})


def asking_field(spec: CertificateSpec) -> str:
    """The field in which the Certificate asks for a kind of key, for messages."""
    is_implied = spec.signature_algorithm is not None and demanded(spec) != spec.private_key
    return "spec.signatureAlgorithm" if is_implied else "spec.privateKey"


def require_fitting_signature(signature: SignatureAlgorithm | None, algorithm: KeyAlgorithm) -> None:
    """Raise ``ValueError`` unless a key of this algorithm can sign so."""
    if signature is not None and _SIGNERS[signature].algorithm is not algorithm:
        raise ValueError(
            f"signatureAlgorithm {signature} needs a key of the kind {_SIGNERS[signature].algorithm}, and the key is"
            f" {algorithm}: change signatureAlgorithm or privateKey.algorithm, or remove one of them"
        )


def wanted_kind(spec: PrivateKeySpec | None, default: KeyKind = DEFAULT_KIND) -> KeyKind:
    """The kind of key that a new request gets; ``default`` is the protocol's or the CA's."""
    algorithm = (spec.algorithm if spec else None) or default.algorithm
    # A size says nothing without its algorithm, as in `fits`.
    size = spec.size if spec and spec.algorithm else None
    if size is None:
        size = default.size if algorithm is default.algorithm else DEFAULT_SIZES.get(algorithm, 0)
    return KeyKind(algorithm, size if algorithm in DEFAULT_SIZES else 0)


def kind_of(key: PrivateKey) -> KeyKind:
    """What kind an existing key is."""
    match key:
        case rsa.RSAPrivateKey():
            return KeyKind(KeyAlgorithm.RSA, key.key_size)
        case ec.EllipticCurvePrivateKey():
            return KeyKind(KeyAlgorithm.ECDSA, key.curve.key_size)
        case _:
            return next(KeyKind(name) for name, (kind, _) in _UNSIZED.items() if isinstance(key, kind))


def fits(key: PrivateKey, spec: PrivateKeySpec | None) -> bool:
    """Whether a key is what the Certificate asks for. What it leaves unset matches whatever is there."""
    there = kind_of(key)
    if spec is None or spec.algorithm is None:
        return True
    return spec.algorithm is there.algorithm and (spec.size is None or there.size in {0, spec.size})


def is_slow(kind: KeyKind) -> bool:
    """Whether making such a key would hold up the event loop."""
    return kind.algorithm is KeyAlgorithm.RSA


def generate(kind: KeyKind) -> PrivateKey:
    """Make a new key."""
    match kind.algorithm:
        case KeyAlgorithm.RSA:
            return rsa.generate_private_key(public_exponent=65537, key_size=kind.size)
        case KeyAlgorithm.ECDSA:
            return ec.generate_private_key(CURVES[kind.size]())
        case KeyAlgorithm.ED25519 | KeyAlgorithm.ML_DSA_44 | KeyAlgorithm.ML_DSA_65 | KeyAlgorithm.ML_DSA_87:
            return _UNSIZED[kind.algorithm][1]()
        case _:
            assert_never(kind.algorithm)


def load(pem: bytes) -> PrivateKey:
    """Read a PEM key in any of the encodings we write; raises `InvalidKeyError`.

    OpenSSL would test an RSA key's factors for primality, 40 ms of CPU for each look at a Secret. That the numbers fit
    together is what a certificate needs, and is seen for almost nothing.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidKeyError("not an unencrypted PEM private key") from error
    if isinstance(key, rsa.RSAPrivateKey):
        _require_fitting(key)
    if isinstance(key, PrivateKey):
        return key
    raise InvalidKeyError("a private key of a kind that certificates here cannot have")


def _require_fitting(key: rsa.RSAPrivateKey) -> None:
    """Raise `InvalidKeyError` unless the numbers are those of an RSA key (RFC 8017 §3.2)."""
    if key.key_size > LARGEST_RSA:
        raise InvalidKeyError(f"an RSA key of {key.key_size} bits is larger than {LARGEST_RSA}")
    numbers = key.private_numbers()
    p, q, d, public = numbers.p, numbers.q, numbers.d, numbers.public_numbers
    is_fitting = (
        min(p, q, public.e) > 1  # A factor of one makes all of the rest true.
        and p * q == public.n
        and public.e * d % math.lcm(p - 1, q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and numbers.iqmp * q % p == 1
    )
    if not is_fitting:
        raise InvalidKeyError("an RSA key whose numbers do not belong together")


def encode(
    key: PrivateKey,
    encoding: KeyEncoding | None = None,
    *,
    container: serialization.Encoding = serialization.Encoding.PEM,
) -> bytes:
    """PEM or DER: PKCS#1 or SEC 1 by default, PKCS#8 on request and for the algorithms that have no other form."""
    traditional = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) and encoding is not KeyEncoding.PKCS8
    form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    return key.private_bytes(container, form, serialization.NoEncryption())


def public_der(key: PrivateKey) -> bytes:
    """SubjectPublicKeyInfo, for comparing keys."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
