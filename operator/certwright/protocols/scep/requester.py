"""Who asks: the transaction's name and the certificate that signs a request and to which its answer is encrypted.

Both are functions of what the driver stages anyway (the key, the subject, an instant), so that a restarted operator
makes the same ones again without having stored them.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

# Longer than any CA leaves a request pending: the answer is encrypted to this certificate.
LIFE = timedelta(days=365)
SERIAL_BYTES = 16


@dataclass(frozen=True, slots=True)
class Signer:
    """The requester's certificate with its key: the self-signed one, or the current one for RenewalReq.

    An EC key can sign; the answer must then be encrypted with the challenge (RFC 8894 §3.1).
    """

    certificate: x509.Certificate
    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)


def transaction_id(spki_der: bytes, renewed_serial: int | None = None) -> str:
    """The transactionID of a request for this public key (RFC 8894 §3.2.1.1): 64 hexadecimal digits.

    A hash of the key alone is customary, but a key that is kept over a renewal would then repeat the id of the former
    enrolment, and get the old certificate back.
    """
    renewed = b"" if renewed_serial is None else str(renewed_serial).encode()
    return hashlib.sha256(spki_der + renewed).hexdigest()


def requester_certificate(
    key: RSAPrivateKey, *, subject: x509.Name, transaction_id: str, not_before: datetime
) -> x509.Certificate:
    """A self-signed certificate of ``key`` (RFC 8894 §2.3); the same arguments give the same bytes.

    An issuer may not be empty (RFC 5280 §4.1.2.4), and the answer names its recipient by it: a request without a
    subject is signed in the name of its transaction.
    """
    name = subject if list(subject) else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, transaction_id)])
    start = not_before.replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(_serial(key, transaction_id))
        .not_valid_before(start)
        .not_valid_after(start + LIFE)
        .add_extension(_SIGN_AND_DECRYPT, critical=True)
    )
    # RSA PKCS#1 v1.5, the builder's default, has no randomness in it.
    return builder.sign(key, hashes.SHA256())


def _serial(key: RSAPrivateKey, transaction_id: str) -> int:
    """A positive number from the key and the transaction: recipients are told apart by it."""
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.sha256(spki + transaction_id.encode()).digest()
    return int.from_bytes(b"\x01" + digest[:SERIAL_BYTES])


_SIGN_AND_DECRYPT = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=True,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
