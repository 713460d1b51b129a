"""Requests as tests make them."""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from certwright.protocols.cmp import CertificateRequest, CMPClient, Granted, Waiting


def make_csr(key: Any, *names: str, common_name: str | None = "device-1") -> x509.CertificateSigningRequest:
    subject = [] if common_name is None else [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names or ("a.test",)])
    is_hashed = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256() if is_hashed else None)


def make_request(key: Any, *names: str, profile: str | None = None) -> CertificateRequest:
    return CertificateRequest.from_csr(make_csr(key, *names), key=key, profile=profile)


def granted(outcome: object) -> Granted:
    assert isinstance(outcome, Granted)
    return outcome


def waiting(outcome: object) -> Waiting:
    assert isinstance(outcome, Waiting)
    return outcome


def dns_names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return found.value.get_values_for_type(x509.DNSName)


async def enrol(
    client: CMPClient, operation: str, key: Any, *, old: x509.Certificate | None = None
) -> Granted | Waiting:
    match operation:
        case "p10cr":
            return await client.p10cr(make_csr(key))
        case "kur":
            assert old is not None
            return await client.kur(make_request(key), old=old)
        case "cr":
            return await client.cr(make_request(key))
    return await client.ir(make_request(key))
