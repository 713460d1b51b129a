"""How the contents of a PKCS#12 store are encrypted and authenticated: a row for each profile that can be written.

The iteration counts are those of the programs that write the same today: 2,048 of OpenSSL and others for the old way,
10,000 of Java for the new ones. More would protect nothing, for the private key stands beside the store, in the clear.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.padding import PKCS7

from certwright.model.keystores import der
from certwright.model.keystores.salts import Salts
from certwright.model.resources import PKCS12Profile

LEGACY_ITERATIONS = 2048
MODERN_ITERATIONS = 10_000

PBE_SHA1_3DES = "1.2.840.113549.1.12.1.3"
PBES2 = "1.2.840.113549.1.5.13"
PBKDF2 = "1.2.840.113549.1.5.12"
PBMAC1 = "1.2.840.113549.1.5.14"
HMAC_SHA256 = "1.2.840.113549.2.9"
AES256_CBC = "2.16.840.1.101.3.4.1.42"
DIGESTS = {"sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1"}

_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}

_KEY, _IV, _MAC = 1, 2, 3
"""What a key is derived for (RFC 7292 B.3)."""


@dataclass(frozen=True, slots=True)
class Encrypted:
    """What an EncryptedPrivateKeyInfo and an EncryptedContentInfo have in common."""

    algorithm: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Profile:
    """``encrypt`` takes what is secret, ``mac`` what is authenticated: both the password and the source of salts."""

    encrypt: Callable[[bytes, str, Salts], Encrypted]
    mac: Callable[[bytes, str, Salts], bytes]


def derive(digest: str, purpose: int, password: str, *, salt: bytes, iterations: int, length: int) -> bytes:
    """The key derivation of PKCS#12 itself (RFC 7292 B.2)."""
    block, made_of = 64, _HASHES[digest]  # Both digests take in blocks of 64 octets.
    encoded = password.encode("utf-16-be") + b"\0\0"
    inputs = _filled(salt, block) + _filled(encoded, block)
    derived = b""
    while len(derived) < length:
        made = made_of(bytes([purpose]) * block + inputs).digest()
        for _ in range(iterations - 1):
            made = made_of(made).digest()
        derived += made
        addend = int.from_bytes(_filled(made, block)[:block]) + 1
        inputs = b"".join(
            ((int.from_bytes(inputs[start : start + block]) + addend) % (1 << 8 * block)).to_bytes(block)
            for start in range(0, len(inputs), block)
        )
    return derived[:length]


def _filled(value: bytes, block: int) -> bytes:
    """As many copies as it takes to fill blocks, the last one cut."""
    size = -(-len(value) // block) * block
    return (value * (size // len(value) + 1))[:size]


def _encrypted_cbc(algorithm: AES256 | TripleDES, iv: bytes, plain: bytes) -> bytes:
    padder, encryptor = PKCS7(algorithm.block_size).padder(), Cipher(algorithm, modes.CBC(iv)).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return encryptor.update(padded) + encryptor.finalize()


def _pbe_sha1_3des(plain: bytes, password: str, salts: Salts) -> Encrypted:
    """pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 Appendix C)."""
    salt, iterations = salts.draw(8), LEGACY_ITERATIONS
    key = derive("sha1", _KEY, password, salt=salt, iterations=iterations, length=24)
    iv = derive("sha1", _IV, password, salt=salt, iterations=iterations, length=8)
    parameters = der.sequence(der.octets(salt), der.integer(iterations))
    return Encrypted(der.algorithm(PBE_SHA1_3DES, parameters), _encrypted_cbc(TripleDES(key), iv, plain))


def _pbes2(plain: bytes, password: str, salts: Salts) -> Encrypted:
    """PBES2 with PBKDF2, HMAC-SHA-256 and AES-256 (RFC 8018 §6.2); its password is UTF-8, not a BMPString."""
    key, derivation = _pbkdf2(password, salts, is_length_told=False)
    iv = salts.draw(16)
    parameters = der.sequence(derivation, der.algorithm(AES256_CBC, der.octets(iv)))
    return Encrypted(der.algorithm(PBES2, parameters), _encrypted_cbc(AES256(key), iv, plain))


def _pbkdf2(password: str, salts: Salts, *, is_length_told: bool) -> tuple[bytes, bytes]:
    """A key of 32 octets, and the AlgorithmIdentifier that says how it was made."""
    salt = salts.draw(16)
    length = der.integer(32) if is_length_told else b""
    parameters = der.sequence(der.octets(salt), der.integer(MODERN_ITERATIONS), length, der.algorithm(HMAC_SHA256))
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, MODERN_ITERATIONS, 32)
    return key, der.algorithm(PBKDF2, parameters)


def _hmac(digest: str, iterations: int, salt_size: int) -> Callable[[bytes, str, Salts], bytes]:
    """MacData in the way of PKCS#12 itself (RFC 7292 Appendix A)."""

    def mac(content: bytes, password: str, salts: Salts) -> bytes:
        salt, length = salts.draw(salt_size), _HASHES[digest]().digest_size
        key = derive(digest, _MAC, password, salt=salt, iterations=iterations, length=length)
        info = der.sequence(der.algorithm(DIGESTS[digest]), der.octets(hmac.digest(key, content, digest)))
        return der.sequence(info, der.octets(salt), der.integer(iterations))

    return mac


def _pbmac1(content: bytes, password: str, salts: Salts) -> bytes:
    """MacData with PBMAC1 (RFC 9879): the salt and the count beside it are there for form's sake."""
    key, derivation = _pbkdf2(password, salts, is_length_told=True)
    algorithm = der.algorithm(PBMAC1, der.sequence(derivation, der.algorithm(HMAC_SHA256)))
    info = der.sequence(algorithm, der.octets(hmac.digest(key, content, "sha256")))
    return der.sequence(info, der.octets(b"NOT USED"))


PROFILES = {
    PKCS12Profile.LEGACY_DES: Profile(_pbe_sha1_3des, _hmac("sha1", LEGACY_ITERATIONS, 8)),
    PKCS12Profile.MODERN_2023: Profile(_pbes2, _hmac("sha256", MODERN_ITERATIONS, 16)),
    PKCS12Profile.MODERN_2026: Profile(_pbes2, _pbmac1),
}
"""LegacyRC2 is not among them: nothing that certwright may use encrypts with 40-bit RC2."""
