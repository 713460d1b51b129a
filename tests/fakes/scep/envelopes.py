"""EnvelopedData for the fake SCEP server, with ``asn1crypto.cms`` and nothing of certwright's own."""

import secrets
from dataclasses import dataclass

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding


@dataclass(frozen=True)
class Spec:
    key: int
    block: int

    def cipher(self, key: bytes, iv: bytes) -> Cipher[modes.CBC]:
        # Single DES is triple DES with the same key three times.
        kind = algorithms.AES if self.block == 16 else TripleDES
        return Cipher(kind(key * 3 if self.key == 8 else key), modes.CBC(iv))


CIPHERS = {
    "aes128_cbc": Spec(16, 16),
    "aes256_cbc": Spec(32, 16),
    "tripledes_3key": Spec(24, 8),
    "des": Spec(8, 8),
}


@dataclass(frozen=True)
class Envelope:
    """What was in it, and how it was closed: a cipher of ``CIPHERS``, or "" for one with a password inside."""

    content: bytes
    cipher: str


def is_by_password(raw: bytes) -> bool:
    (info,) = _enveloped(raw)["recipient_infos"]
    return bool(info.name == "pwri")


def open_envelope(raw: bytes, key: RSAPrivateKey, certificate: x509.Certificate) -> Envelope:
    """Raises AssertionError where the message is not for this one recipient."""
    enveloped = _enveloped(raw)
    (info,) = enveloped["recipient_infos"]
    recipient = info.chosen["rid"].chosen
    assert recipient["serial_number"].native == certificate.serial_number, "encrypted for somebody else"
    assert recipient["issuer"].dump() == certificate.issuer.public_bytes(), "encrypted for somebody else"
    content_key = key.decrypt(info.chosen["encrypted_key"].native, padding.PKCS1v15())
    encrypted = enveloped["encrypted_content_info"]
    assert encrypted["content_type"].native == "data"
    algorithm = encrypted["content_encryption_algorithm"]
    spec = CIPHERS[algorithm["algorithm"].native]
    decryptor = spec.cipher(content_key, algorithm["parameters"].native).decryptor()
    padded = decryptor.update(encrypted["encrypted_content"].native) + decryptor.finalize()
    unpadder = block_padding.PKCS7(spec.block * 8).unpadder()
    return Envelope(unpadder.update(padded) + unpadder.finalize(), algorithm["algorithm"].native)


def close_envelope(content: bytes, certificate: x509.Certificate, *, cipher: str) -> bytes:
    spec = CIPHERS[cipher]
    public_key = certificate.public_key()
    assert isinstance(public_key, RSAPublicKey)
    content_key, iv = secrets.token_bytes(spec.key), secrets.token_bytes(spec.block)
    padder = block_padding.PKCS7(spec.block * 8).padder()
    encryptor = spec.cipher(content_key, iv).encryptor()
    encrypted = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    recipient = cms.KeyTransRecipientInfo(
        {
            "version": "v0",
            "rid": cms.RecipientIdentifier("issuer_and_serial_number", issuer_and_serial(certificate)),
            "key_encryption_algorithm": {"algorithm": "rsaes_pkcs1v15", "parameters": core.Null()},
            "encrypted_key": public_key.encrypt(content_key, padding.PKCS1v15()),
        }
    )
    enveloped = {
        "version": "v0",
        "recipient_infos": [cms.RecipientInfo("ktri", recipient)],
        "encrypted_content_info": {
            "content_type": "data",
            "content_encryption_algorithm": {"algorithm": cipher, "parameters": core.OctetString(iv)},
            "encrypted_content": encrypted,
        },
    }
    return bytes(cms.ContentInfo({"content_type": "enveloped_data", "content": enveloped}).dump())


def issuer_and_serial(certificate: x509.Certificate) -> cms.IssuerAndSerialNumber:
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    return cms.IssuerAndSerialNumber({"issuer": parsed.issuer, "serial_number": parsed.serial_number})


def _enveloped(raw: bytes) -> cms.EnvelopedData:
    info = cms.ContentInfo.load(raw, strict=True)
    assert info["content_type"].native == "enveloped_data"
    return info["content"]
