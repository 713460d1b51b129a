"""Certification requests and client identities for the tests of EST."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certwright.model.csr_attributes import Attribute, challenge_password, with_attributes
from certwright.protocols.est import CSRAttribute
from certwright.protocols.transport import ClientIdentity
from tests.fakes.ca import FakeCA, common_name

NAME = "a.example.test"


def new_request(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = NAME
) -> x509.CertificateSigningRequest:
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(common_name(name))
    return builder.add_extension(names, critical=False).sign(key, hashes.SHA256())


def csr(
    key: ec.EllipticCurvePrivateKey,
    name: str = NAME,
    *,
    password: str | None = None,
    attributes: Sequence[CSRAttribute] = (),
) -> bytes:
    added: list[Attribute] = [(attribute.oid, (attribute.value,)) for attribute in attributes]
    added += [] if password is None else [challenge_password(password)]
    plain = new_request(key, name).public_bytes(Encoding.DER)
    return with_attributes(plain, key, added) if added else plain


def identity(ca: FakeCA, key: ec.EllipticCurvePrivateKey, name: str = NAME) -> ClientIdentity:
    """The certificate that this CA issues for the key, as a client shows it."""
    certificate = ca.issue(new_request(key, name))
    return ClientIdentity(
        certificates=certificate.public_bytes(Encoding.PEM),
        private_key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
