"""The PKCS#10 request (RFC 2986): built once from spec and key, staged, and sent as those bytes ever after."""

from collections.abc import Iterable
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

from certwright.model.errors import RejectedError
from certwright.model.keys import PrivateKey, kind_of
from certwright.model.names import InvalidNameError, general_names, requested_names, requested_subject
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, SignatureAlgorithm
from certwright.model.usages import usage_extensions, wanted_usages

Hash: TypeAlias = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

_HASHES: dict[SignatureAlgorithm, Hash] = {
    SignatureAlgorithm.SHA256_WITH_RSA: hashes.SHA256(),
    SignatureAlgorithm.SHA384_WITH_RSA: hashes.SHA384(),
    SignatureAlgorithm.SHA512_WITH_RSA: hashes.SHA512(),
    SignatureAlgorithm.ECDSA_WITH_SHA256: hashes.SHA256(),
    SignatureAlgorithm.ECDSA_WITH_SHA384: hashes.SHA384(),
    SignatureAlgorithm.ECDSA_WITH_SHA512: hashes.SHA512(),
}
_BY_CURVE: dict[int, Hash] = {384: hashes.SHA384(), 512: hashes.SHA512(), 521: hashes.SHA512()}
_HAVE_FIELDS: dict[x509.ObjectIdentifier, str] = {
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME: "dnsNames, ipAddresses, uris, emailAddresses or otherNames",
    ExtensionOID.KEY_USAGE: "usages",
    ExtensionOID.EXTENDED_KEY_USAGE: "usages",
    ExtensionOID.BASIC_CONSTRAINTS: "isCA",
    ExtensionOID.NAME_CONSTRAINTS: "nameConstraints",
}
"""Raw, they would pass by an issuer's ``allow``, which judges the fields."""


def build_csr(
    spec: CertificateSpec, key: PrivateKey, *, more: Iterable[x509.Extension[x509.ExtensionType]] = ()
) -> bytes:
    """DER of the signed request; ``more`` are the extensions that the CA wants beside the spec's.

    Raises `RejectedError` where the spec cannot be said in a request.
    """
    try:
        builder = x509.CertificateSigningRequestBuilder(requested_subject(spec))
        for value, is_critical in _extensions(spec, key):
            builder = builder.add_extension(value, critical=is_critical)
        for extension in more:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        request = builder.sign(key, signature_hash(spec, key))
    except (InvalidNameError, ValueError, TypeError) as error:
        raise RejectedError(
            f"no request can be made from this Certificate: {error}", reason=Reason.INVALID_SPEC
        ) from error
    return request.public_bytes(serialization.Encoding.DER)


def _extensions(spec: CertificateSpec, key: PrivateKey) -> Iterable[tuple[x509.ExtensionType, bool]]:
    names = requested_names(spec)
    if names:
        # RFC 5280 §4.2.1.6: critical where the subject is empty.
        yield x509.SubjectAlternativeName(general_names(names)), not requested_subject(spec).rdns
    if spec.encode_usages_in_request is not False:
        yield from usage_extensions(wanted_usages(spec, kind_of(key).algorithm))
    if spec.is_ca:
        yield x509.BasicConstraints(ca=True, path_length=None), True
    for extension in (spec.csr.extensions if spec.csr else None) or ():
        oid = x509.ObjectIdentifier(extension.oid)
        if oid in _HAVE_FIELDS:
            raise ValueError(f"csr.extensions: {extension.oid} has a field of its own, use {_HAVE_FIELDS[oid]}")
        yield x509.UnrecognizedExtension(oid, extension.value), extension.critical


def signature_hash(spec: CertificateSpec, key: PrivateKey) -> Hash | None:
    """The hash a request is signed with; None for the algorithms that bring their own."""
    chosen = _HASHES.get(spec.signature_algorithm) if spec.signature_algorithm else None
    match key:
        case rsa.RSAPrivateKey():
            return chosen or hashes.SHA256()
        case ec.EllipticCurvePrivateKey():
            return chosen or _BY_CURVE.get(key.curve.key_size, hashes.SHA256())
        case _:
            return None
