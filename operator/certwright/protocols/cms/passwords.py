"""Keys from passwords: PBKDF2 (RFC 8018 §5.2) as the key derivation of PasswordRecipientInfo.

``enveloping`` and ``opening`` use it for SCEP's challenge password and CMP's shared secret; CMP also for PBMAC1.
"""

import os
from dataclasses import dataclass
from typing import ClassVar

from asn1crypto import core
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from certwright.protocols.cms import der
from certwright.protocols.cms.algorithms import DigestAlgorithm
from certwright.protocols.cms.errors import MalformedCMS, UnsupportedAlgorithm
from certwright.protocols.cms.structures import (
    Algorithm,
    AlgorithmIdentifier,
    Fields,
    is_absent,
    load,
    octets,
    raw,
    reading,
)

PBKDF2 = "1.2.840.113549.1.5.12"
# What is used for passwords today is 600,000 (OWASP), by senders of CMS 1,000 to 100,000. As many as this take one
# to two seconds, which is what a hostile sender can cost.
MAX_ITERATIONS = 1_000_000
MAX_SALT_BYTES = 1024
# The challenge password of SCEP is spent once and random where it is fetched. This takes some 30 ms on either side.
ITERATIONS = 100_000
SALT_BYTES = 16

HMAC_OIDS = {
    DigestAlgorithm.SHA1: "1.2.840.113549.2.7",
    DigestAlgorithm.SHA224: "1.2.840.113549.2.8",
    DigestAlgorithm.SHA256: "1.2.840.113549.2.9",
    DigestAlgorithm.SHA384: "1.2.840.113549.2.10",
    DigestAlgorithm.SHA512: "1.2.840.113549.2.11",
}
_HMACS = {oid: digest for digest, oid in HMAC_OIDS.items()}


class PBKDF2Parameters(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 8018 A.2. Of the CHOICE for the salt only OCTET STRING is used."""

    _fields: ClassVar[Fields] = [
        ("salt", core.Any),
        ("iteration_count", core.Integer),
        ("key_length", core.Integer, {"optional": True}),
        ("prf", AlgorithmIdentifier, {"optional": True}),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDerivation:
    """PBKDF2 with its parameters; ``key_bytes`` is None where the message leaves it to the cipher."""

    salt: bytes
    iterations: int
    key_bytes: int | None = None
    digest: DigestAlgorithm = DigestAlgorithm.SHA1

    @classmethod
    def fresh(cls) -> "KeyDerivation":
        """With a random salt and HMAC-SHA-256."""
        return cls(salt=os.urandom(SALT_BYTES), iterations=ITERATIONS, digest=DigestAlgorithm.SHA256)

    @classmethod
    def read(cls, algorithm: Algorithm) -> "KeyDerivation":
        """From what a message names; MalformedCMS for more than a million iterations."""
        if algorithm.oid != PBKDF2:
            raise UnsupportedAlgorithm("key derivation", algorithm.oid)
        with reading("PBKDF2 parameters"):
            value = load(PBKDF2Parameters, algorithm.parameters or b"")
            length = value["key_length"]
            derivation = cls(
                salt=octets(raw(value["salt"])),
                iterations=value["iteration_count"].native,
                key_bytes=None if is_absent(length) else length.native,
                digest=DigestAlgorithm.SHA1 if is_absent(value["prf"]) else _hmac(Algorithm.read(value["prf"]).oid),
            )
        if not 1 <= derivation.iterations <= MAX_ITERATIONS or len(derivation.salt) > MAX_SALT_BYTES:
            raise MalformedCMS("The parameters of PBKDF2 are out of range.")
        return derivation

    @property
    def algorithm(self) -> Algorithm:
        """The AlgorithmIdentifier."""
        prf = Algorithm(HMAC_OIDS[self.digest], der.NULL).encode()
        length = b"" if self.key_bytes is None else der.integer(self.key_bytes)
        return Algorithm(PBKDF2, der.sequence(der.octet_string(self.salt), der.integer(self.iterations), length, prf))

    def derive(self, password: bytes, *, key_bytes: int) -> bytes:
        """The key, of ``key_bytes`` octets; MalformedCMS if the message says another length."""
        if self.key_bytes not in {None, key_bytes}:
            raise MalformedCMS("The key length of PBKDF2 is not that of the cipher.")
        return PBKDF2HMAC(self.digest.hash, key_bytes, self.salt, self.iterations).derive(password)


def _hmac(oid: str) -> DigestAlgorithm:
    try:
        return _HMACS[oid]
    except KeyError:
        raise UnsupportedAlgorithm("HMAC", oid) from None
