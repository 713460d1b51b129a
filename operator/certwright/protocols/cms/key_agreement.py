"""Content keys by ephemeral-static Diffie-Hellman on elliptic curves (RFC 5753, and RFC 8418 for X25519)."""

from typing import assert_never

from cryptography.exceptions import UnsupportedAlgorithm as UnsupportedByLibrary
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

from certwright.protocols.cms import der
from certwright.protocols.cms.algorithms import DigestAlgorithm
from certwright.protocols.cms.errors import CannotOpen, UnsupportedAlgorithm
from certwright.protocols.cms.key_wrap import unwrap, wrap_key_bytes
from certwright.protocols.cms.recipients import KeyAgreement
from certwright.protocols.cms.structures import Algorithm

AgreementKey = ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey

# RFC 5753 §7.1.4: dhSinglePass-stdDH and -cofactorDH. The curves in use have the cofactor 1, where both are the same.
# SHA-1 is the default of `openssl cms`, and no weakness in a key derivation.
_DERIVATIONS = {
    "1.3.133.16.840.63.0.2": DigestAlgorithm.SHA1,
    "1.3.132.1.11.0": DigestAlgorithm.SHA224,
    "1.3.132.1.11.1": DigestAlgorithm.SHA256,
    "1.3.132.1.11.2": DigestAlgorithm.SHA384,
    "1.3.132.1.11.3": DigestAlgorithm.SHA512,
    "1.3.133.16.840.63.0.3": DigestAlgorithm.SHA1,
    "1.3.132.1.14.0": DigestAlgorithm.SHA224,
    "1.3.132.1.14.1": DigestAlgorithm.SHA256,
    "1.3.132.1.14.2": DigestAlgorithm.SHA384,
    "1.3.132.1.14.3": DigestAlgorithm.SHA512,
}


def agree_key(recipient: KeyAgreement, *, key: AgreementKey) -> bytes:
    """The content key; CannotOpen if the curve or the wrapped key does not fit ``key``."""
    digest = _DERIVATIONS.get(recipient.algorithm.oid)
    if digest is None:
        raise UnsupportedAlgorithm("key agreement", recipient.algorithm.oid)
    wrap_encoded = recipient.algorithm.parameters or b""
    wrap = Algorithm.parse(wrap_encoded)
    key_bytes = wrap_key_bytes(wrap)
    info = _shared_info(wrap_encoded, recipient.user_keying_material, key_bytes)
    secret = _exchange(key, recipient.public_key)
    wrapping_key = X963KDF(digest.hash, key_bytes, info).derive(secret)
    return unwrap(recipient.encrypted_key, key=wrapping_key, algorithm=wrap)


def _shared_info(wrap: bytes, user_keying_material: bytes | None, key_bytes: int) -> bytes:
    """ECC-CMS-SharedInfo (RFC 5753 §7.2), with the wrap algorithm as it was received."""
    material = b"" if user_keying_material is None else der.explicit(0, der.octet_string(user_keying_material))
    bits = (key_bytes * 8).to_bytes(4, "big")
    return der.sequence(wrap, material, der.explicit(2, der.octet_string(bits)))


def _exchange(key: AgreementKey, public_key: bytes) -> bytes:
    try:
        match key:
            case ec.EllipticCurvePrivateKey():
                peer = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, public_key)
                return key.exchange(ec.ECDH(), peer)
            case x25519.X25519PrivateKey():
                return key.exchange(x25519.X25519PublicKey.from_public_bytes(public_key))
            case _:
                assert_never(key)
    except (ValueError, UnsupportedByLibrary):
        raise CannotOpen from None
