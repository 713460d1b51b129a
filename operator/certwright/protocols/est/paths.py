"""Which certificate signed which: the little of path validation that root rollover needs.

Verifying the chain of an issued certificate is the affair of whoever asked for it, not of this package.
"""

from contextlib import suppress

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` has the name and the key that signed this certificate."""
    with suppress(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        certificate.verify_directly_issued_by(issuer)
        return True
    return False


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it is a root: its own name and key signed it.

    Old roots signed themselves with SHA-1. That says nothing about whether they are to be trusted, and only tells them
    from certificates of the same name that another key signed; so it counts here, and in ``is_signed_by`` it does not.
    """
    if certificate.subject != certificate.issuer:
        return False
    return is_signed_by(certificate, certificate) or _has_old_signature_of_its_own(certificate)


def _has_old_signature_of_its_own(certificate: x509.Certificate) -> bool:
    with suppress(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        key, algorithm = certificate.public_key(), certificate.signature_hash_algorithm
        if not isinstance(algorithm, hashes.SHA1):
            return False
        signed = certificate.signature, certificate.tbs_certificate_bytes
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(*signed, padding.PKCS1v15(), algorithm)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(*signed, ec.ECDSA(algorithm))
            return True
    return False


def may_sign_certificates(certificate: x509.Certificate) -> bool:
    """Whether it says that it is a CA's (RFC 5280 §4.2.1.9, §4.2.1.3)."""
    with suppress(ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        extensions = certificate.extensions
        if not extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        try:
            return extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
        except x509.ExtensionNotFound:
            return True
    return False


def key_of(certificate: x509.Certificate) -> bytes:
    """The certificate's key, to be compared; of a kind that is not known something that equals no other's."""
    try:
        return spki(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm):
        return certificate.public_bytes(Encoding.DER)


def spki(key: CertificatePublicKeyTypes) -> bytes:
    """A public key as a SubjectPublicKeyInfo in DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
