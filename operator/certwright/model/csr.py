"""The PKCS#10 request (RFC 2986): built once from spec and key, staged, and sent as those bytes ever after."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certwright.model.chain import UNREADABLE
from certwright.model.csr_attributes import challenge_password, with_attributes
from certwright.model.csr_raw import raw_attributes, raw_extensions
from certwright.model.enrolment import Prepared
from certwright.model.errors import RejectedError
from certwright.model.keys import PrivateKey, kind_of, new_kind, require_fitting_signature
from certwright.model.name_constraints import requested_constraints
from certwright.model.names import InvalidNameError, general_names, requested_names, requested_subject
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, KeyAlgorithm, SignatureAlgorithm
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

NOTHING_MORE = Prepared()


def build_csr(spec: CertificateSpec, key: PrivateKey, prepared: Prepared = NOTHING_MORE) -> bytes:
    """DER of the signed request; ``prepared`` is what the CA wants beside what the spec says.

    Raises `RejectedError` where the spec cannot be said in a request.
    """
    with _said_to_users():
        subject = prepared.subject if prepared.subject is not None else requested_subject(spec)
        builder = x509.CertificateSigningRequestBuilder(subject)
        # What the CA has said word for word holds what the spec says, and takes its place.
        given = {extension.oid for extension in prepared.extensions}
        for value, is_critical in _extensions(spec, kind_of(key).algorithm):
            if value.oid not in given:
                builder = builder.add_extension(value, critical=is_critical)
        for extension in prepared.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        algorithm = spec.signature_algorithm or prepared.signature_algorithm
        request = builder.sign(key, signature_hash(algorithm, key)).public_bytes(serialization.Encoding.DER)
        _require_readable(request)
        attributes = [*prepared.attributes, *raw_attributes(spec, [oid for oid, _ in prepared.attributes])]
        if prepared.challenge_password is not None:
            attributes.append(challenge_password(prepared.challenge_password))
        return with_attributes(request, key, attributes) if attributes else request


def refuse_unsayable(spec: CertificateSpec) -> None:
    """Raise `RejectedError` for what no request could say, whatever the CA wants in it.

    Asked before the CA is: a one-time challenge that was fetched for a request which cannot be made is lost.
    """
    with _said_to_users():
        algorithm = new_kind(spec).algorithm
        require_fitting_signature(spec.signature_algorithm, algorithm)
        requested_subject(spec)
        for _ in _extensions(spec, algorithm):
            pass
    if spec.csr is not None:
        # Whether raw values can be read shows only in a whole request, which costs two signatures.
        build_csr(spec.model_copy(update={"signature_algorithm": None}), ed25519.Ed25519PrivateKey.generate())


@contextmanager
def _said_to_users() -> Iterator[None]:
    try:
        yield
    except (InvalidNameError, ValueError, TypeError) as error:
        raise RejectedError(
            f"no request can be made from this Certificate: {error}", reason=Reason.INVALID_SPEC
        ) from error


def _require_readable(request: bytes) -> None:
    """Raise ``ValueError`` where a raw extension of a known type does not hold what such a one holds."""
    try:
        _ = x509.load_der_x509_csr(request).extensions
    except UNREADABLE as error:
        raise ValueError(f"csr.extensions: what is in one of them cannot be read: {error}") from error


def _extensions(spec: CertificateSpec, algorithm: KeyAlgorithm) -> Iterable[tuple[x509.ExtensionType, bool]]:
    names = requested_names(spec)
    if names:
        # RFC 5280 §4.2.1.6: critical where the subject is empty.
        yield x509.SubjectAlternativeName(general_names(names)), not requested_subject(spec).rdns
    if spec.encode_usages_in_request is not False:
        yield from usage_extensions(wanted_usages(spec, algorithm))
    if spec.is_ca:
        yield x509.BasicConstraints(ca=True, path_length=None), True
    constraints = requested_constraints(spec)
    if constraints is not None:
        yield constraints, bool(spec.name_constraints and spec.name_constraints.critical)
    yield from ((extension.value, extension.critical) for extension in raw_extensions(spec))


def signature_hash(algorithm: SignatureAlgorithm | None, key: PrivateKey) -> Hash | None:
    """The hash a request is signed with; None for the keys that bring their own.

    Raises ``ValueError`` where such a key cannot sign so.
    """
    require_fitting_signature(algorithm, kind_of(key).algorithm)
    chosen = _HASHES.get(algorithm) if algorithm else None
    match key:
        case rsa.RSAPrivateKey():
            return chosen or hashes.SHA256()
        case ec.EllipticCurvePrivateKey():
            return chosen or _BY_CURVE.get(key.curve.key_size, hashes.SHA256())
        case _:
            return None
