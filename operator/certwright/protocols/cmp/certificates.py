"""Certificates out of messages: counted, and only those that can be read.

``cryptography`` parses names and extensions when they are asked for, and raises then; so they are asked for here.
"""

import warnings
from collections.abc import Iterable
from typing import Any

from asn1crypto import x509 as names
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from certwright.protocols.cmp.der import UNREADABLE, load, reading
from certwright.protocols.cmp.errors import MalformedAnswer

MAX_CERTIFICATES = 100  # In one field; the chain of a bridge CA with all its cross-signs has a dozen.


def load_certificate(raw: bytes, what: str) -> x509.Certificate:
    """One certificate that has to be there; raises MalformedAnswer, which names ``what``."""
    with reading(what), warnings.catch_warnings():
        # The library warns of what it will refuse one day, such as serial numbers that are not positive.
        warnings.simplefilter("ignore")
        certificate = x509.load_der_x509_certificate(raw)
        _ = certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key()
    return certificate


def load_certificates(values: Any, what: str) -> tuple[x509.Certificate, ...]:
    """Those of a SEQUENCE OF that can be read, each once. One that cannot is of no use, and harms nobody."""
    if not values:
        return ()
    if len(values) > MAX_CERTIFICATES:
        raise MalformedAnswer(f"{what} has {len(values)} certificates, more than {MAX_CERTIFICATES}")
    found: dict[x509.Certificate, None] = {}
    for value in values:
        try:
            found[load_certificate(value.dump(), what)] = None
        except (MalformedAnswer, *UNREADABLE):
            continue
    return tuple(found)


def subject_key_identifier(certificate: x509.Certificate) -> bytes | None:
    """The SKI extension, None where there is none."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def is_same_name(one: bytes, other: bytes) -> bool:
    """Whether two DER encoded names are the same by RFC 5280 §7.1: CAs encode one name in several string types."""
    return one == other or bool(load(names.Name, one) == load(names.Name, other))


def is_signed_by(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name and key are those that the certificate was signed with. It says nothing of trust."""
    try:
        child.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def is_in(certificate: x509.Certificate, certificates: Iterable[x509.Certificate]) -> bool:
    """Whether this very certificate is among them."""
    return any(certificate == other for other in certificates)
