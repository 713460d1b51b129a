"""Private keys in whatever form servers send them (RFC 7030 §4.4.2 wants PKCS#8; some send others under that name)."""

from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from certwright.protocols import cms
from certwright.protocols.est.errors import MalformedAnswer

PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)
_KINDS = (
    rsa.RSAPrivateKey,
    ec.EllipticCurvePrivateKey,
    ed25519.Ed25519PrivateKey,
    ed448.Ed448PrivateKey,
    mldsa.MLDSA44PrivateKey,
    mldsa.MLDSA65PrivateKey,
    mldsa.MLDSA87PrivateKey,
)

# RSA with 8192 bits and ML-DSA-87 with both forms of its key have 5 KB; checking larger RSA keys takes seconds.
MAX_KEY = 6 << 10


def parse_private_key(raw: bytes) -> PrivateKey:
    """A key in PKCS#8, PKCS#1, SEC 1 or a CMS key package, none of them encrypted; raises MalformedAnswer.

    The texts never quote what was sent.
    """
    if len(raw) <= MAX_KEY:
        try:
            return _known(load_der_private_key(raw, password=None))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            pass  # Perhaps a package, then, which is longer by its signature.
    try:
        return sole_key(cms.key_package(raw))
    except cms.CMSError:
        # Without its cause, whose text might be about the key's own bytes.
        raise MalformedAnswer("The private key is in no form that can be read.") from None


def sole_key(package: cms.KeyPackage) -> PrivateKey:
    """The one key of a package; raises MalformedAnswer if there are more, or it is of an unusable kind."""
    if len(package.keys) != 1:
        raise MalformedAnswer(f"The server sent {len(package.keys)} private keys for one certificate.")
    return _known(package.keys[0])


def _known(key: object) -> PrivateKey:
    if isinstance(key, _KINDS):
        return key
    raise MalformedAnswer("The private key is of a kind that no certificate is for.")
