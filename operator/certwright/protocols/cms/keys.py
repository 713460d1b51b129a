"""What opens an envelope, as its holder has it: a private key, a key known to both sides, or a password."""

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

DecryptionKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey


@dataclass(frozen=True, slots=True)
class PrivateKeyHolder:
    """A private key and, where there is one, the certificate by which a sender names it."""

    key: DecryptionKey = field(repr=False)
    certificate: x509.Certificate | None = None


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A key for AES key wrap and the name that both sides have for it."""

    key: bytes = field(repr=False)
    identifier: bytes


@dataclass(frozen=True, slots=True)
class Password:
    """A password; texts are UTF-8 in CMS."""

    secret: bytes = field(repr=False)


OpeningKey = PrivateKeyHolder | SharedKey | Password
