"""The keys, certificates and messages in ``vectors``, and certificates for keys made in a test."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certwright.protocols import cms

VECTORS = Path(__file__).parent / "vectors"
CONTENT = b"What was sent.\r\n"
PASSWORD = cms.Password(b"sesame")
KEY_IDENTIFIER = bytes.fromhex("c0ffee")
ALL_LEGACY = frozenset(cms.LegacyAlgorithm)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


@cache
def certificate(name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(vector(f"{name}.crt"))


@cache
def rsa_key(name: str = "rsa") -> rsa.RSAPrivateKey:
    key = load_pem_private_key(vector(f"{name}.key"), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@cache
def ec_key(name: str = "ec") -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(vector(f"{name}.key"), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def rsa_holder(name: str = "rsa") -> cms.PrivateKeyHolder:
    return cms.PrivateKeyHolder(rsa_key(name), certificate(name))


def ec_holder(name: str = "ec") -> cms.PrivateKeyHolder:
    return cms.PrivateKeyHolder(ec_key(name), certificate(name))


def shared_key(octets: int) -> cms.SharedKey:
    return cms.SharedKey((bytes(range(16)) * 2)[:octets], KEY_IDENTIFIER)


def self_signed(key: cms.SigningKey, *, common_name: str = "test", serial: int = 1) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), serial)
        .not_valid_before(NOW)
        .not_valid_after(NOW.replace(year=2031))
    )
    needs_digest = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return builder.sign(key, hashes.SHA256() if needs_digest else None)
