"""What protects requests: a shared secret, or the key of a certificate (RFC 9810 §5.1.3, RFC 9483 §3.2).

The same one protects all messages of a transaction. Each kind also says who the sender is.
"""

import os
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import NameOID

from certwright.protocols.cmp import mac, signature
from certwright.protocols.cmp.algorithm import Algorithm
from certwright.protocols.cmp.certificates import subject_key_identifier
from certwright.protocols.cmp.mac import MACAlgorithm, MACHash
from certwright.protocols.cmp.signature import PrivateKey

SALT = 16  # Octets, as RFC 9483 §3.1 has nonces; RFC 4211 §4.4 asks for eight.
MAX_COMMON_NAME = 64  # Characters that X.520 allows; a longer reference goes into senderKID alone.


@dataclass(frozen=True, slots=True, kw_only=True)
class MACProtection:
    """By a secret that the CA knows under ``reference``. The salt is drawn once, so that keys are derived once."""

    reference: str
    secret: bytes = field(repr=False)
    algorithm: MACAlgorithm = MACAlgorithm.PBM
    hash: MACHash = MACHash.SHA256
    iterations: int = 10_000
    salt: bytes = field(default_factory=lambda: os.urandom(SALT), repr=False)

    @property
    def sender(self) -> x509.Name:
        """A name with the reference as its CN, which RFC 9483 §3.1 asks for."""
        if not 0 < len(self.reference) <= MAX_COMMON_NAME:
            return x509.Name([])
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.reference)])

    @property
    def sender_kid(self) -> bytes | None:
        """The reference."""
        return self.reference.encode()

    @property
    def recipient(self) -> x509.Name:
        """Nobody is known."""
        return x509.Name([])

    @property
    def extra_certs(self) -> tuple[x509.Certificate, ...]:
        """None are needed."""
        return ()

    @property
    def algorithm_identifier(self) -> Algorithm:
        """The protectionAlg."""
        return mac.describe(self._derivation, self.hash)

    def protect(self, protected_part: bytes) -> bytes:
        """The protection of a message."""
        return self._derivation.mac(self.secret, protected_part)

    @property
    def _derivation(self) -> mac.Derivation:
        return mac.derivation(self.algorithm, salt=self.salt, hash_=self.hash, iterations=self.iterations)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureProtection:
    """By the key of a certificate. ``chain`` leads from it towards its root, which some servers want to see as well."""

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    use_pss: bool = False

    @property
    def sender(self) -> x509.Name:
        """The certificate's subject."""
        return self.certificate.subject

    @property
    def sender_kid(self) -> bytes | None:
        """The certificate's subject key identifier, if it has one."""
        return subject_key_identifier(self.certificate)

    @property
    def recipient(self) -> x509.Name:
        """The certificate's issuer: who issued the old one is asked for the new one."""
        return self.certificate.issuer

    @property
    def extra_certs(self) -> tuple[x509.Certificate, ...]:
        """The certificate first, then its chain (RFC 9483 §3.3)."""
        return (self.certificate, *self.chain)

    @property
    def algorithm_identifier(self) -> Algorithm:
        """The protectionAlg."""
        return signature.signature_algorithm(self.key, use_pss=self.use_pss)

    def protect(self, protected_part: bytes) -> bytes:
        """The protection of a message."""
        return signature.sign(self.key, protected_part, use_pss=self.use_pss)


Protection = MACProtection | SignatureProtection
