"""Keys wrapped by keys: AES key wrap (RFC 3394 by the identifiers of RFC 3565), and PWRI-KEK (RFC 3211 §2.3).

KEKRecipientInfo and KeyAgreeRecipientInfo use the first, PasswordRecipientInfo the second and, in CMP, the first.
"""

import os
from collections.abc import Collection
from dataclasses import replace

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from certwright.protocols.cms.content_encryption import Encryption
from certwright.protocols.cms.errors import CannotOpen, LegacyAlgorithm, UnsupportedAlgorithm
from certwright.protocols.cms.structures import Algorithm

PWRI_KEK = "1.2.840.113549.1.9.16.3.9"
_AES_WRAP_KEY_BYTES = {
    "2.16.840.1.101.3.4.1.5": 16,
    "2.16.840.1.101.3.4.1.25": 24,
    "2.16.840.1.101.3.4.1.45": 32,
}
_CHECK_BYTES = 3
# Count and check value stand before the key (RFC 3211 §2.3.1).
_PREFIX_BYTES = 1 + _CHECK_BYTES


def wrap_key_bytes(algorithm: Algorithm) -> int:
    """How long the wrapping key for an AES key wrap is; raises UnsupportedAlgorithm."""
    try:
        return _AES_WRAP_KEY_BYTES[algorithm.oid]
    except KeyError:
        raise UnsupportedAlgorithm("key wrap", algorithm.oid) from None


def unwrap(wrapped: bytes, *, key: bytes, algorithm: Algorithm) -> bytes:
    """The key that ``key`` wraps by AES key wrap."""
    if len(key) != wrap_key_bytes(algorithm):
        raise CannotOpen
    try:
        return aes_key_unwrap(key, wrapped)
    except (InvalidUnwrap, ValueError):
        raise CannotOpen from None


def password_encryption(algorithm: Algorithm, *, accept: Collection[LegacyAlgorithm]) -> Encryption:
    """The cipher that is the parameter of PWRI-KEK."""
    encryption = Encryption.read(Algorithm.parse(algorithm.parameters or b""), accept=accept)
    if encryption.cipher.is_authenticated:
        raise UnsupportedAlgorithm("key encryption", encryption.cipher.oid)
    return encryption


def password_wrap(content_key: bytes, *, key: bytes, encryption: Encryption) -> bytes:
    """``content_key`` encrypted twice by CBC, so that every bit of the result depends on every other."""
    block = encryption.cipher.block_bytes
    check = bytes(octet ^ 0xFF for octet in content_key[:_CHECK_BYTES])
    plain = bytes((len(content_key),)) + check + content_key
    # At least two blocks, or the second encryption would add nothing.
    plain += os.urandom(max(-len(plain) % block, 2 * block - len(plain)))
    once = encryption.encrypt_blocks(key, plain)
    return replace(encryption, initial=once[-block:]).encrypt_blocks(key, once)


def password_unwrap(wrapped: bytes, *, key: bytes, encryption: Encryption) -> bytes:
    """The content key in ``wrapped``."""
    block = encryption.cipher.block_bytes
    if len(wrapped) < 2 * block or len(wrapped) % block:
        raise CannotOpen
    # The last block of the inner ciphertext was the vector of the outer encryption.
    vector = replace(encryption, initial=wrapped[-2 * block : -block]).decrypt_blocks(key, wrapped[-block:])
    once = replace(encryption, initial=vector).decrypt_blocks(key, wrapped)
    plain = encryption.decrypt_blocks(key, once)
    content_key = plain[_PREFIX_BYTES : _PREFIX_BYTES + plain[0]]
    check = bytes(octet ^ 0xFF for octet in plain[1:_PREFIX_BYTES])
    if len(content_key) != plain[0] or content_key[:_CHECK_BYTES] != check:
        raise CannotOpen
    return content_key
