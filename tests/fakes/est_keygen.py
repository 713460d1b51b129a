"""Server-side key generation as a server does it (RFC 7030 §4.4): plain, or encrypted to the key that a CSR names."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

from certwright.protocols.cms import der, envelop, sign

BOUNDARY = "estServerExampleBoundary"
DECRYPT_KEY_ID = x509.ObjectIdentifier("1.2.840.113549.1.9.16.2.37")
ASYMMETRIC_DECRYPT_KEY_ID = x509.ObjectIdentifier("1.2.840.113549.1.9.16.2.54")
ID_ENVELOPED_DATA = "1.2.840.113549.1.7.3"
ID_SIGNED_DATA = "1.2.840.113549.1.7.2"
ID_KEY_PACKAGE = "2.16.840.1.101.2.1.2.78.5"
AES128_WRAP = "2.16.840.1.101.3.4.1.5"
AES256_CBC = "2.16.840.1.101.3.4.1.42"

Issue = Callable[[x509.CertificateSigningRequest], x509.Certificate]


@dataclass
class FakeKeyGeneration:
    """Makes keys. ``shared`` and ``recipients`` are the keys that a CSR may name, by their identifiers."""

    shared: dict[bytes, bytes] = field(default_factory=dict)
    recipients: dict[bytes, x509.Certificate] = field(default_factory=dict)
    sends_key_first: bool = True
    ignores_encryption: bool = False
    keys: list[ec.EllipticCurvePrivateKey] = field(default_factory=list)

    def answer(self, csr: x509.CertificateSigningRequest, *, issue: Issue) -> httpx.Response:
        """The two parts, or a refusal where the CSR names a key that is not known."""
        key = ec.generate_private_key(ec.SECP256R1())
        self.keys.append(key)
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        certificate = issue(_for_key(csr, key))
        try:
            packed = None if self.ignores_encryption else self._encrypted(csr, plain, key, certificate)
        except KeyError:
            return httpx.Response(400, text="no key has that identifier")
        key_part = (
            _part("application/pkcs8", plain)
            if packed is None
            else _part("application/pkcs7-mime; smime-type=server-generated-key", packed)
        )
        certificates = _part(
            'application/pkcs7-mime; smime-type="certs-only"', pkcs7.serialize_certificates([certificate], Encoding.DER)
        )
        parts = [key_part, certificates] if self.sends_key_first else [certificates, key_part]
        body = b"".join(f"--{BOUNDARY}\r\n".encode() + part for part in parts) + f"--{BOUNDARY}--\r\n".encode()
        return httpx.Response(200, content=body, headers={"Content-Type": f'multipart/mixed; boundary="{BOUNDARY}"'})

    def _encrypted(
        self,
        csr: x509.CertificateSigningRequest,
        plain: bytes,
        key: ec.EllipticCurvePrivateKey,
        certificate: x509.Certificate,
    ) -> bytes | None:
        """RFC 5958 §4: EnvelopedData around SignedData around an AsymmetricKeyPackage; None if none was asked for."""
        signed = sign(der.sequence(plain), key=key, certificate=certificate, content_type=ID_KEY_PACKAGE)
        if (identifier := _identifier(csr, DECRYPT_KEY_ID)) is not None:
            return enveloped_for_shared(signed, self.shared[identifier], identifier)
        if (identifier := _identifier(csr, ASYMMETRIC_DECRYPT_KEY_ID)) is not None:
            return envelop(signed, [self.recipients[identifier]], content_type=ID_SIGNED_DATA)
        return None


def enveloped_for_shared(content: bytes, key: bytes, identifier: bytes) -> bytes:
    """EnvelopedData with a KEKRecipientInfo (RFC 5652 §6.2.3)."""
    content_key, vector = bytes(range(32)), bytes(range(16))
    padder = PKCS7(128).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(content_key), modes.CBC(vector)).encryptor()
    recipient = der.element(
        0xA2,
        der.integer(4),
        der.sequence(der.octet_string(identifier)),
        der.sequence(der.oid(AES128_WRAP)),
        der.octet_string(aes_key_wrap(key, content_key)),
    )
    encrypted = der.sequence(
        der.oid(ID_SIGNED_DATA),
        der.sequence(der.oid(AES256_CBC), der.octet_string(vector)),
        der.element(0x80, encryptor.update(padded) + encryptor.finalize()),
    )
    enveloped = der.sequence(der.integer(2), der.set_of(recipient), encrypted)
    return der.sequence(der.oid(ID_ENVELOPED_DATA), der.element(0xA0, enveloped))


def _identifier(csr: x509.CertificateSigningRequest, oid: x509.ObjectIdentifier) -> bytes | None:
    try:
        return bytes(csr.attributes.get_attribute_for_oid(oid).value)
    except x509.AttributeNotFound:
        return None


def _for_key(csr: x509.CertificateSigningRequest, key: ec.EllipticCurvePrivateKey) -> x509.CertificateSigningRequest:
    """The same request for another key: the one that was sent is to be ignored."""
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    builder = x509.CertificateSigningRequestBuilder().subject_name(csr.subject)
    return builder.add_extension(names.value, critical=names.critical).sign(key, hashes.SHA256())


def _part(content_type: str, content: bytes) -> bytes:
    headers = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return headers.encode() + base64.encodebytes(content).replace(b"\n", b"\r\n") + b"\r\n"
