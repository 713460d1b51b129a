"""Digest and content encryption algorithms by object identifier, and which of them have to be accepted by name.

Identifiers: RFC 3370, RFC 5754 (SHA-2), RFC 8702 (SHAKE), RFC 9688 (SHA-3), RFC 3565 (AES-CBC), RFC 5084 (AES-GCM).
"""

from collections.abc import Collection
from enum import StrEnum

from cryptography.hazmat.primitives import hashes

from certwright.protocols.cms.errors import LegacyAlgorithm, LegacyAlgorithmRefused, UnsupportedAlgorithm

_NIST = "2.16.840.1.101.3.4"


class DigestAlgorithm(StrEnum):
    """What a message is digested with. SHA-1 and MD5 are accepted only by name."""

    MD5 = "MD5"
    SHA1 = "SHA-1"
    SHA224 = "SHA-224"
    SHA256 = "SHA-256"
    SHA384 = "SHA-384"
    SHA512 = "SHA-512"
    SHA3_224 = "SHA3-224"
    SHA3_256 = "SHA3-256"
    SHA3_384 = "SHA3-384"
    SHA3_512 = "SHA3-512"
    SHAKE128 = "SHAKE128"
    SHAKE256 = "SHAKE256"

    @property
    def oid(self) -> str:
        """The identifier to write."""
        return _DIGEST_OIDS[self]

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The algorithm as ``cryptography`` has it."""
        return _HASHES[self]

    def digest(self, message: bytes) -> bytes:
        """The digest of ``message``."""
        digest = hashes.Hash(self.hash)
        digest.update(message)
        return digest.finalize()


class ContentCipher(StrEnum):
    """What a content is encrypted with. DES3 and DES are accepted only by name; DES and GCM are not written here."""

    AES128_CBC = "AES-128-CBC"
    AES192_CBC = "AES-192-CBC"
    AES256_CBC = "AES-256-CBC"
    AES128_GCM = "AES-128-GCM"
    AES192_GCM = "AES-192-GCM"
    AES256_GCM = "AES-256-GCM"
    DES3_CBC = "DES-EDE3-CBC"
    DES_CBC = "DES-CBC"

    @property
    def oid(self) -> str:
        """The identifier to write."""
        return _CIPHER_OIDS[self]

    @property
    def key_bytes(self) -> int:
        """How long its key is; DES keys count with their parity bits."""
        return _KEY_BYTES[self]

    @property
    def block_bytes(self) -> int:
        """How long its block is, which is the length of its IV too."""
        return _DES_BLOCK if self in _LEGACY_CIPHERS else _AES_BLOCK

    @property
    def is_authenticated(self) -> bool:
        """Whether it is one of those of RFC 5084."""
        return self in _GCM


def digest_algorithm(oid: str, *, accept: Collection[LegacyAlgorithm]) -> DigestAlgorithm:
    """The digest called ``oid``; raises UnsupportedAlgorithm or LegacyAlgorithmRefused."""
    digest = _DIGESTS.get(oid)
    if digest is None:
        raise UnsupportedAlgorithm("digest", oid)
    check_digest(digest, accept=accept)
    return digest


def check_digest(digest: DigestAlgorithm, *, accept: Collection[LegacyAlgorithm]) -> None:
    """Raise LegacyAlgorithmRefused for a weak digest that is not among the accepted."""
    legacy = _LEGACY_DIGESTS.get(digest)
    if legacy is not None and legacy not in accept:
        raise LegacyAlgorithmRefused(legacy)


def content_cipher(oid: str, *, accept: Collection[LegacyAlgorithm]) -> ContentCipher:
    """The cipher called ``oid``; raises UnsupportedAlgorithm or LegacyAlgorithmRefused."""
    cipher = _CIPHERS.get(oid)
    if cipher is None:
        raise UnsupportedAlgorithm("content encryption", oid)
    legacy = _LEGACY_CIPHERS.get(cipher)
    if legacy is not None and legacy not in accept:
        raise LegacyAlgorithmRefused(legacy)
    return cipher


_DIGEST_OIDS = {
    DigestAlgorithm.MD5: "1.2.840.113549.2.5",
    DigestAlgorithm.SHA1: "1.3.14.3.2.26",
    DigestAlgorithm.SHA224: f"{_NIST}.2.4",
    DigestAlgorithm.SHA256: f"{_NIST}.2.1",
    DigestAlgorithm.SHA384: f"{_NIST}.2.2",
    DigestAlgorithm.SHA512: f"{_NIST}.2.3",
    DigestAlgorithm.SHA3_224: f"{_NIST}.2.7",
    DigestAlgorithm.SHA3_256: f"{_NIST}.2.8",
    DigestAlgorithm.SHA3_384: f"{_NIST}.2.9",
    DigestAlgorithm.SHA3_512: f"{_NIST}.2.10",
    DigestAlgorithm.SHAKE128: f"{_NIST}.2.11",
    DigestAlgorithm.SHAKE256: f"{_NIST}.2.12",
}
_DIGESTS = {oid: digest for digest, oid in _DIGEST_OIDS.items()}

# RFC 8702 §3.1: SHAKE digests of a message are 32 and 64 bytes.
_HASHES: dict[DigestAlgorithm, hashes.HashAlgorithm] = {
    DigestAlgorithm.MD5: hashes.MD5(),  # noqa: S303 - read only, and only where the issuer names it
    DigestAlgorithm.SHA1: hashes.SHA1(),  # noqa: S303 - only where the issuer names it
    DigestAlgorithm.SHA224: hashes.SHA224(),
    DigestAlgorithm.SHA256: hashes.SHA256(),
    DigestAlgorithm.SHA384: hashes.SHA384(),
    DigestAlgorithm.SHA512: hashes.SHA512(),
    DigestAlgorithm.SHA3_224: hashes.SHA3_224(),
    DigestAlgorithm.SHA3_256: hashes.SHA3_256(),
    DigestAlgorithm.SHA3_384: hashes.SHA3_384(),
    DigestAlgorithm.SHA3_512: hashes.SHA3_512(),
    DigestAlgorithm.SHAKE128: hashes.SHAKE128(32),
    DigestAlgorithm.SHAKE256: hashes.SHAKE256(64),
}
_LEGACY_DIGESTS = {
    DigestAlgorithm.MD5: LegacyAlgorithm.MD5,
    DigestAlgorithm.SHA1: LegacyAlgorithm.SHA1,
}

_CIPHER_OIDS = {
    ContentCipher.AES128_CBC: f"{_NIST}.1.2",
    ContentCipher.AES192_CBC: f"{_NIST}.1.22",
    ContentCipher.AES256_CBC: f"{_NIST}.1.42",
    ContentCipher.AES128_GCM: f"{_NIST}.1.6",
    ContentCipher.AES192_GCM: f"{_NIST}.1.26",
    ContentCipher.AES256_GCM: f"{_NIST}.1.46",
    ContentCipher.DES3_CBC: "1.2.840.113549.3.7",
    ContentCipher.DES_CBC: "1.3.14.3.2.7",
}
_CIPHERS = {oid: cipher for cipher, oid in _CIPHER_OIDS.items()}
_KEY_BYTES = {
    ContentCipher.AES128_CBC: 16,
    ContentCipher.AES192_CBC: 24,
    ContentCipher.AES256_CBC: 32,
    ContentCipher.AES128_GCM: 16,
    ContentCipher.AES192_GCM: 24,
    ContentCipher.AES256_GCM: 32,
    ContentCipher.DES3_CBC: 24,
    ContentCipher.DES_CBC: 8,
}
_LEGACY_CIPHERS = {
    ContentCipher.DES3_CBC: LegacyAlgorithm.DES3,
    ContentCipher.DES_CBC: LegacyAlgorithm.DES,
}
_GCM = frozenset({ContentCipher.AES128_GCM, ContentCipher.AES192_GCM, ContentCipher.AES256_GCM})
_AES_BLOCK = 16
_DES_BLOCK = 8
