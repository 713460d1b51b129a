"""Writing EnvelopedData (RFC 5652 §6): SCEP's requests, encrypted to the CA's certificate or by the challenge."""

import os
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from certwright.protocols.cms import der
from certwright.protocols.cms.algorithms import ContentCipher
from certwright.protocols.cms.content_encryption import Encryption
from certwright.protocols.cms.errors import CMSRefused
from certwright.protocols.cms.identity import IssuerAndSerial
from certwright.protocols.cms.key_transport import encrypt_key
from certwright.protocols.cms.key_wrap import PWRI_KEK, password_wrap
from certwright.protocols.cms.keys import Password
from certwright.protocols.cms.passwords import KeyDerivation
from certwright.protocols.cms.recipients import Choice
from certwright.protocols.cms.structures import ID_DATA, ID_ENVELOPED_DATA, Algorithm

_IMPLICIT_CONTENT = 0x80
_IMPLICIT_DERIVATION = 0xA0


def envelop(
    content: bytes,
    recipients: Sequence[x509.Certificate | Password],
    *,
    cipher: ContentCipher = ContentCipher.AES128_CBC,
    content_type: str = ID_DATA,
) -> bytes:
    """The DER of a ContentInfo with ``content`` for each of ``recipients``: RSA certificates and passwords.

    ``cipher`` is one of the CBC ones; single DES is never written. Raises CMSRefused for a certificate of another key.
    """
    if cipher is ContentCipher.DES_CBC:
        raise ValueError(f"{cipher} is only read.")
    encryption = Encryption.fresh(cipher)
    content_key = os.urandom(cipher.key_bytes)
    encoded_recipients = der.set_of(*(_recipient(each, content_key, cipher) for each in recipients))
    # RFC 5652 §6.1: 3 with a PasswordRecipientInfo.
    version = 3 if any(isinstance(each, Password) for each in recipients) else 0
    content_info = der.sequence(
        der.oid(content_type),
        encryption.algorithm.encode(),
        der.element(_IMPLICIT_CONTENT, encryption.encrypt(content_key, content)),
    )
    enveloped = der.sequence(der.integer(version), encoded_recipients, content_info)
    return der.sequence(der.oid(ID_ENVELOPED_DATA), der.explicit(0, enveloped))


def _recipient(recipient: x509.Certificate | Password, content_key: bytes, cipher: ContentCipher) -> bytes:
    if isinstance(recipient, Password):
        return _password_recipient(recipient, content_key, cipher)
    algorithm, encrypted_key = encrypt_key(content_key, to=_rsa_key(recipient))
    return der.sequence(
        der.integer(0),
        IssuerAndSerial.of(recipient).encode(),
        algorithm.encode(),
        der.octet_string(encrypted_key),
    )


def _rsa_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise CMSRefused("The recipient's certificate has no RSA key to encrypt to.")
    return key


def _password_recipient(password: Password, content_key: bytes, cipher: ContentCipher) -> bytes:
    derivation = KeyDerivation.fresh()
    encryption = Encryption.fresh(cipher)
    key = derivation.derive(password.secret, key_bytes=cipher.key_bytes)
    return der.element(
        Choice.PASSWORD,
        der.integer(0),
        bytes((_IMPLICIT_DERIVATION,)) + derivation.algorithm.encode()[1:],
        Algorithm(PWRI_KEK, encryption.algorithm.encode()).encode(),
        der.octet_string(password_wrap(content_key, key=key, encryption=encryption)),
    )
