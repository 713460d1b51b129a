"""Asking for a server-made key that only we can read (RFC 7030 §4.4.1): what the request says, and the key that opens.

The builder of the CSR is somebody else's: this gives its attributes as an OID and one value in DER each.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from certwright.protocols import cms
from certwright.protocols.cms import der
from certwright.protocols.est.csrattrs import ASYMMETRIC_DECRYPT_KEY_ID, DECRYPT_KEY_ID

SMIME_CAPABILITIES = "1.2.840.113549.1.9.15"

AES_WRAP = {16: "2.16.840.1.101.3.4.1.5", 24: "2.16.840.1.101.3.4.1.25", 32: "2.16.840.1.101.3.4.1.45"}
"""Key wrapping (RFC 3394) by the octets of the key."""

CONTENT_CIPHERS = ("2.16.840.1.101.3.4.1.42", "2.16.840.1.101.3.4.1.2")  # AES-256-CBC, AES-128-CBC
KEY_TRANSPORT = ("1.2.840.113549.1.1.7", "1.2.840.113549.1.1.1")  # RSAES-OAEP, RSAES-PKCS1-v1_5
KEY_AGREEMENT = ("1.3.132.1.11.1",)  # dhSinglePass-stdDH-sha256kdf-scheme


@dataclass(frozen=True, slots=True)
class CSRAttribute:
    """An attribute of a CSR: its type, and its one value in DER."""

    oid: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SymmetricDecryption:
    """A secret that client and server share: 16, 24 or 32 octets, and the name that the server knows it by."""

    identifier: bytes
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) not in AES_WRAP:
            raise ValueError("A shared key for server-side key generation has 16, 24 or 32 octets.")

    def csr_attributes(self) -> tuple[CSRAttribute, ...]:
        """SMIMECapabilities and the DecryptKeyIdentifier (RFC 4108 §2.2.5)."""
        return (
            _capabilities(AES_WRAP[len(self.key)], *CONTENT_CIPHERS),
            CSRAttribute(DECRYPT_KEY_ID, der.octet_string(self.identifier)),
        )

    def key_holder(self) -> cms.SharedKey:
        """What opens the answer."""
        return cms.SharedKey(key=self.key, identifier=self.identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsymmetricDecryption:
    """A key pair whose public half the server has. ``identifier`` is usually its subject key identifier."""

    identifier: bytes
    private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey = field(repr=False)
    certificate: x509.Certificate | None = None

    def csr_attributes(self) -> tuple[CSRAttribute, ...]:
        """SMIMECapabilities and the AsymmetricDecryptKeyIdentifier (RFC 7030 §4.4.1.2)."""
        transports = isinstance(self.private_key, rsa.RSAPrivateKey)
        ways = KEY_TRANSPORT if transports else (*KEY_AGREEMENT, AES_WRAP[32], AES_WRAP[16])
        return (
            _capabilities(*ways, *CONTENT_CIPHERS),
            CSRAttribute(ASYMMETRIC_DECRYPT_KEY_ID, der.octet_string(self.identifier)),
        )

    def key_holder(self) -> cms.PrivateKeyHolder:
        """What opens the answer."""
        return cms.PrivateKeyHolder(self.private_key, self.certificate)


Decryption: TypeAlias = SymmetricDecryption | AsymmetricDecryption


def _capabilities(*oids: str) -> CSRAttribute:
    """SMIMECapabilities (RFC 8551 §2.5.2), the preferred first."""
    return CSRAttribute(SMIME_CAPABILITIES, der.sequence(*(der.sequence(der.oid(oid)) for oid in oids)))
