"""The content of an envelope: AES-CBC (RFC 3565), AES-GCM (RFC 5084), and DES of both kinds for old servers.

``enveloping`` encrypts with it, ``opening`` decrypts; the key that a password wraps (``passwords``) uses the bare
blocks. Whatever fails in decrypting is one and the same CannotOpen.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

from asn1crypto import core
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from certwright.protocols.cms import der
from certwright.protocols.cms.algorithms import ContentCipher, content_cipher
from certwright.protocols.cms.errors import CannotOpen, LegacyAlgorithm, MalformedCMS
from certwright.protocols.cms.structures import Algorithm, Fields, load, octets, reading

# RFC 5084 §3.2 allows 12 to 16; shorter tags would be guessed sooner.
_TAG_BYTES = range(12, 17)
_NONCE_BYTES = range(8, 65)


class GCMParameters(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5084 §3.2."""

    _fields: ClassVar[Fields] = [("nonce", core.OctetString), ("tag_bytes", core.Integer, {"default": 12})]


@dataclass(frozen=True, slots=True)
class Encryption:
    """A cipher with its initialisation vector or nonce; ``tag_bytes`` counts for GCM only."""

    cipher: ContentCipher
    initial: bytes
    tag_bytes: int = 0

    @classmethod
    def fresh(cls, cipher: ContentCipher) -> "Encryption":
        """With a random vector. GCM is not written: EnvelopedData cannot carry it."""
        if cipher.is_authenticated:
            raise ValueError(f"{cipher} is only read.")
        return cls(cipher, os.urandom(cipher.block_bytes))

    @classmethod
    def read(cls, algorithm: Algorithm, *, accept: Collection[LegacyAlgorithm]) -> "Encryption":
        """From what a message names; raises UnsupportedAlgorithm, LegacyAlgorithmRefused or MalformedCMS."""
        cipher = content_cipher(algorithm.oid, accept=accept)
        with reading("parameters of the content encryption"):
            if cipher.is_authenticated:
                return cls._read_gcm(cipher, algorithm.parameters or b"")
            initial = octets(algorithm.parameters or b"")
        if len(initial) != cipher.block_bytes:
            raise MalformedCMS("The initialisation vector has a wrong length.")
        return cls(cipher, initial)

    @classmethod
    def _read_gcm(cls, cipher: ContentCipher, parameters: bytes) -> "Encryption":
        value = load(GCMParameters, parameters)
        nonce, tag_bytes = value["nonce"].native, value["tag_bytes"].native
        if tag_bytes not in _TAG_BYTES or len(nonce) not in _NONCE_BYTES:
            raise MalformedCMS("The parameters of AES-GCM are out of range.")
        return cls(cipher, nonce, tag_bytes)

    @property
    def algorithm(self) -> Algorithm:
        """The AlgorithmIdentifier of a CBC cipher."""
        return Algorithm(self.cipher.oid, der.octet_string(self.initial))

    def encrypt(self, key: bytes, content: bytes) -> bytes:
        """``content`` padded and encrypted, by CBC."""
        padder = padding.PKCS7(self.cipher.block_bytes * 8).padder()
        return self.encrypt_blocks(key, padder.update(content) + padder.finalize())

    def encrypt_blocks(self, key: bytes, blocks: bytes) -> bytes:
        """Whole blocks by CBC, without padding."""
        return _run(self._cbc(key).encryptor(), blocks)

    def decrypt_blocks(self, key: bytes, blocks: bytes) -> bytes:
        """Whole blocks by CBC, without padding; ValueError if they are not whole."""
        return _run(self._cbc(key).decryptor(), blocks)

    def decrypt(self, key: bytes, sealed: "Sealed") -> bytes:
        """The content; CannotOpen if anything does not fit."""
        try:
            if self.cipher.is_authenticated:
                return self._decrypt_gcm(key, sealed)
            unpadder = padding.PKCS7(self.cipher.block_bytes * 8).unpadder()
            return unpadder.update(self.decrypt_blocks(key, sealed.encrypted)) + unpadder.finalize()
        except (ValueError, InvalidTag):
            raise CannotOpen from None

    def _decrypt_gcm(self, key: bytes, sealed: "Sealed") -> bytes:
        if len(sealed.tag) != self.tag_bytes:
            raise CannotOpen
        mode = modes.GCM(self.initial, sealed.tag, min_tag_length=self.tag_bytes)
        decryptor = Cipher(AES(_sized(key, self.cipher)), mode).decryptor()
        decryptor.authenticate_additional_data(sealed.authenticated)
        return _run(decryptor, sealed.encrypted)

    def _cbc(self, key: bytes) -> Cipher[modes.CBC]:
        return Cipher(_block_cipher(key, self.cipher), modes.CBC(self.initial))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What a content key opens; ``authenticated`` and ``tag`` are those of AuthEnvelopedData."""

    encrypted: bytes = field(repr=False)
    authenticated: bytes = field(default=b"", repr=False)
    tag: bytes = field(default=b"", repr=False)


def _block_cipher(key: bytes, cipher: ContentCipher) -> AES | TripleDES:
    sized = _sized(key, cipher)
    match cipher:
        case ContentCipher.DES_CBC:
            # Encrypting, decrypting and encrypting with one key is single DES, and the library has no other.
            return TripleDES(sized * 3)
        case ContentCipher.DES3_CBC:
            return TripleDES(sized)
        case _:
            return AES(sized)


def _sized(key: bytes, cipher: ContentCipher) -> bytes:
    if len(key) != cipher.key_bytes:
        raise ValueError("The key has a wrong length.")
    return key


def _run(context: CipherContext, data: bytes) -> bytes:
    return context.update(data) + context.finalize()
