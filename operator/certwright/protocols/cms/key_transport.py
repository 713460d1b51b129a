"""Content keys encrypted by RSA: PKCS #1 v1.5 (RFC 3370 §4.2.1), which all servers use, and OAEP (RFC 3560)."""

import os
from typing import ClassVar

from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from certwright.protocols.cms import der
from certwright.protocols.cms.errors import CannotOpen, UnsupportedAlgorithm
from certwright.protocols.cms.recipients import KeyTransport
from certwright.protocols.cms.rsa_parameters import digest_or_default, mask_digest_or_default
from certwright.protocols.cms.structures import (
    Algorithm,
    AlgorithmIdentifier,
    Elements,
    Fields,
    is_absent,
    load,
    octets,
    reading,
    sole,
)

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
RSA_OAEP = "1.2.840.113549.1.1.7"
P_SPECIFIED = "1.2.840.113549.1.1.9"


class OAEPParameters(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 4055 §4.1. The tags are EXPLICIT."""

    _fields: ClassVar[Fields] = [
        ("hash_algorithm", Elements, {"implicit": 0, "optional": True}),
        ("mask_generation", Elements, {"implicit": 1, "optional": True}),
        ("source", Elements, {"implicit": 2, "optional": True}),
    ]


def encrypt_key(content_key: bytes, *, to: rsa.RSAPublicKey) -> tuple[Algorithm, bytes]:
    """``content_key`` for the holder of the private half of ``to``."""
    return Algorithm(RSA_ENCRYPTION, der.NULL), to.encrypt(content_key, padding.PKCS1v15())


def decrypt_key(recipient: KeyTransport, *, key: rsa.RSAPrivateKey, key_bytes: int) -> bytes:
    """The content key, or by PKCS #1 v1.5 a random one where the block is wrong.

    A random key lets a wrong block fail where a wrong content fails, which keeps whoever sends us messages from
    learning about the padding (RFC 3218 §2.3.2). The library itself does so too, with a random length.
    """
    scheme = _padding(recipient.algorithm)
    stand_in = os.urandom(key_bytes)
    try:
        content_key = key.decrypt(recipient.encrypted_key, scheme)
    except ValueError:
        if isinstance(scheme, padding.OAEP):
            raise CannotOpen from None
        return stand_in
    return content_key if len(content_key) == key_bytes else stand_in


def _padding(algorithm: Algorithm) -> padding.AsymmetricPadding:
    if algorithm.oid == RSA_ENCRYPTION:
        return padding.PKCS1v15()
    if algorithm.oid != RSA_OAEP:
        raise UnsupportedAlgorithm("key transport", algorithm.oid)
    with reading("RSAES-OAEP parameters"):
        value = load(OAEPParameters, algorithm.parameters or der.sequence())
        digest = digest_or_default(value["hash_algorithm"])
        mask = mask_digest_or_default(value["mask_generation"])
        source = value["source"]
        label = None if is_absent(source) else _label(sole(source))
    return padding.OAEP(padding.MGF1(mask.hash), digest.hash, label)


def _label(source: bytes) -> bytes | None:
    algorithm = Algorithm.read(load(AlgorithmIdentifier, source))
    if algorithm.oid != P_SPECIFIED:
        raise UnsupportedAlgorithm("OAEP source", algorithm.oid)
    return octets(algorithm.parameters or der.octet_string(b"")) or None
