"""Certificates out of whatever a CA answers with: a certs-only SignedData, a lone certificate, or PEM of either.

EST's cacerts and simpleenroll, SCEP's GetCACert and the content of its CertRep call ``certificates``; ``signed`` uses
the same reading for the certificates that come along with a signature.
"""

import binascii
import warnings
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from certwright.protocols.cms import der
from certwright.protocols.cms.errors import MalformedCMS
from certwright.protocols.cms.structures import (
    ID_SIGNED_DATA,
    ContentInfo,
    SignedData,
    bounded,
    load,
    raw,
    reading,
    sole,
)

# A CA with its old and new roots, link certificates and RAs has a few tens at most.
MAX_CERTIFICATES = 100
_PEM = b"-----BEGIN "
_PEM_LABELS = frozenset({b"CERTIFICATE", b"X509 CERTIFICATE", b"PKCS7", b"CMS"})
_CERTIFICATE_TAG = der.SEQUENCE
# All that `cryptography` raises about a certificate; most are no ValueErrors.
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def certificates(encoded: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in ``encoded``, in its order, each once.

    A certificate that ``cryptography`` cannot read, or whose key it does not know, is skipped: one odd certificate of
    many must not stop an enrolment. MalformedCMS is raised when nothing readable is left of what there was. A set
    without any gives ``()``.
    """
    blocks = list(_pem_blocks(encoded)) if _PEM in encoded[: der.MAX_BYTES] else [encoded]
    if len(blocks) > MAX_CERTIFICATES:
        raise MalformedCMS(f"There are more than {MAX_CERTIFICATES} certificates.")
    found = [each for block in blocks for each in _encoded_certificates(block)]
    readable = readable_certificates(found)
    if found and not readable:
        raise MalformedCMS("None of the certificates can be read.")
    return readable


def readable_certificates(encoded: Iterable[bytes]) -> tuple[x509.Certificate, ...]:
    """Those that ``cryptography`` can read to the last extension, each once."""
    parsed = (_parse(each) for each in dict.fromkeys(encoded))
    return tuple(certificate for certificate in parsed if certificate is not None)


def certificate_elements(certificate_set: Any) -> list[bytes]:
    """The encoded elements of a CertificateSet; MalformedCMS for more than a hundred, duplicates counted."""
    return [raw(each) for each in bounded(certificate_set, limit=MAX_CERTIFICATES, what="certificates")]


def signed_data(encoded: bytes) -> bytes:
    """The SignedData in ``encoded``, which is a ContentInfo or, as RFC 9810 nests it, the bare structure."""
    if first_tag(encoded) != der.OID:
        return encoded
    with reading("message"):
        info = load(ContentInfo, encoded)
        if info["content_type"].dotted != ID_SIGNED_DATA:
            raise MalformedCMS("The message is no SignedData.")
        return sole(info["content"])


def first_tag(encoded: bytes) -> int:
    """The identifier octet of what comes first in a SEQUENCE: it tells a ContentInfo from what stands in it."""
    tag, start, length = der.header(encoded, 0, len(encoded))
    if tag != der.SEQUENCE or not length:
        raise MalformedCMS("The message is no SEQUENCE.")
    return encoded[start]


def _encoded_certificates(block: bytes) -> list[bytes]:
    encoded = der.definite(block)
    if first_tag(encoded) == _CERTIFICATE_TAG:
        return [encoded]
    with reading("certificate set"):
        return certificate_elements(load(SignedData, signed_data(encoded))["certificates"])


def _parse(encoded: bytes) -> x509.Certificate | None:
    try:
        with warnings.catch_warnings():
            # Oddities that the library only warns of (a serial number that is not positive, say) are not ours to judge.
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(encoded)
            _read_whole(certificate)
    except _UNREADABLE:
        return None
    return certificate


def _read_whole(certificate: x509.Certificate) -> None:
    """Touch everything that the library reads late, so that no caller meets its exceptions afterwards."""
    _ = certificate.subject, certificate.issuer, certificate.extensions
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    certificate.public_key()


def _pem_blocks(text: bytes) -> Iterator[bytes]:
    if len(text) > der.MAX_BYTES:
        raise MalformedCMS(f"The message is larger than {der.MAX_BYTES} bytes.")
    for block in text.split(_PEM)[1:]:
        label, dashes, rest = block.partition(b"-----")
        body, end, _ = rest.partition(b"-----END ")
        if not dashes or not end:
            raise MalformedCMS("A PEM block has no end.")
        if label in _PEM_LABELS:
            yield _base64(body)


def _base64(body: bytes) -> bytes:
    try:
        return b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        raise MalformedCMS("A PEM block is not base64.") from None
