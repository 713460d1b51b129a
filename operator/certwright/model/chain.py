"""Certificate chains: read from PEM, verified link by link in the order in which they came.

A private PKI signs with what the web's validators refuse (Ed25519, ML-DSA, odd names), so each link is verified for
what it is: signature, names, CA flag and validity. Trust comes from the anchors that the caller knows.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

MAX_CHAIN = 10
"""Certificates; the deepest public hierarchies have four."""

CLOCK_SKEW = timedelta(minutes=10)
"""How far a CA's clock may run ahead of ours before its certificate counts as not yet valid."""

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for a certificate that it can make no sense of; most of these have no common ancestor."""


class BrokenChainError(ValueError):
    """A chain in which a link does not hold; the text names the certificate."""


def load_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Every certificate of a PEM file in its order; ``ValueError`` where there is none or one is broken."""
    try:
        found = tuple(x509.load_pem_x509_certificates(pem))
    except UNREADABLE as error:
        raise ValueError(f"no PEM certificates: {error}") from error
    if len(found) > MAX_CHAIN * 10:
        raise ValueError(f"more than {MAX_CHAIN * 10} certificates")
    return found


def require_readable(certificates: Iterable[x509.Certificate]) -> None:
    """Raise ``ValueError`` unless all that is looked at later can be: the library parses names and extensions late."""
    for certificate in certificates:
        try:
            _ = certificate.subject, certificate.issuer, certificate.extensions
        except UNREADABLE as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error


def to_pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """PEM, one after the other."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, lower-case hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def chain_fingerprint(chain: Iterable[x509.Certificate]) -> str:
    """SHA-256 over a chain without its roots, which come and go by the spec; lower-case hexadecimal."""
    kept = (one for position, one in enumerate(chain) if position == 0 or not is_self_issued(one))
    return hashlib.sha256(b"".join(one.fingerprint(hashes.SHA256()) for one in kept)).hexdigest()


def serial_number(certificate: x509.Certificate) -> str:
    """The serial number in lower-case hexadecimal, as openssl's ``-serial`` shows it but for its case."""
    return f"{certificate.serial_number:x}"


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Subject and issuer are the same, as in a root."""
    try:
        return certificate.subject == certificate.issuer
    except UNREADABLE:
        return False


def split_root(
    chain: Sequence[x509.Certificate],
) -> tuple[tuple[x509.Certificate, ...], tuple[x509.Certificate, ...]]:
    """What belongs into tls.crt, and the roots that came along; a self-signed leaf stays where it is."""
    kept = tuple(one for position, one in enumerate(chain) if position == 0 or not is_self_issued(one))
    roots = tuple(one for position, one in enumerate(chain) if position and is_self_issued(one))
    return kept, roots


def root_of(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The anchor that ends a chain: the root that signed its last certificate, None where that is a root itself."""
    if is_self_issued(chain[-1]):
        return None
    return next((one for one in anchors if is_self_issued(one) and _is_signed(chain[-1], one)), None)


def verify_chain(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], now: datetime) -> None:
    """Raise `BrokenChainError` unless each certificate is signed by the next, and the last by one of the anchors.

    Without anchors the last one is taken on the word of the authenticated connection that it came over. A chain that
    leads to an anchor and goes on, through a cross-sign, is as good. A CA certificate in the place of the leaf counts
    as one that others will follow: under a CA that allows none below it, it would be good for nothing.
    """
    if len(chain) > MAX_CHAIN:
        raise BrokenChainError(f"the chain has {len(chain)} certificates, more than {MAX_CHAIN}")
    for child, parent in pairwise(chain):
        _verify_link(child, parent, now)
    if not anchors:
        _verify_path_lengths(chain)
        return
    paths = [
        (*chain[:end], *([] if chain[end - 1] == anchor else [anchor]))
        for end in range(len(chain), 0, -1)
        for anchor in anchors
        if _is_linked(chain[end - 1], anchor, now)
    ]
    if not paths:
        raise BrokenChainError(f"{_name(chain[-1])} is signed by none of the known CA certificates")
    _verify_any(paths)


def _verify_any(paths: Sequence[Sequence[x509.Certificate]]) -> None:
    """Raise what is wrong with the last one if none of them holds."""
    broken: BrokenChainError | None = None
    for path in paths:
        try:
            _verify_path_lengths(path)
        except BrokenChainError as error:
            broken = error
        else:
            return
    if broken is not None:
        raise broken


def _verify_path_lengths(path: Sequence[x509.Certificate]) -> None:
    """RFC 5280 §6.1.4 (l), (m): self-issued certificates are not counted, as they come with a change of keys."""
    followed = 0
    for position, one in enumerate(path):
        limit = _path_length(one) if position else None
        if limit is not None and followed > limit:
            raise BrokenChainError(f"{_name(one)} allows {limit} CA certificates below it, and there are {followed}")
        if is_ca(one) and not is_self_issued(one):
            followed += 1


def _path_length(certificate: x509.Certificate) -> int | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None


def _verify_link(child: x509.Certificate, parent: x509.Certificate, now: datetime) -> None:
    if not _is_signed(child, parent):
        raise BrokenChainError(f"{_name(child)} is not signed by {_name(parent)}")
    if not is_ca(parent):
        raise BrokenChainError(f"{_name(parent)} is not a CA: its basicConstraints do not say so")
    if not may_sign_certificates(parent):
        raise BrokenChainError(f"{_name(parent)} may not sign certificates: its keyUsage does not say so")
    if now >= parent.not_valid_after_utc:
        raise BrokenChainError(f"{_name(parent)} expired at {parent.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}")
    if now + CLOCK_SKEW < parent.not_valid_before_utc:
        raise BrokenChainError(f"{_name(parent)} is not valid before {parent.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}")


def _is_signed(child: x509.Certificate, parent: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(parent)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether it may sign other certificates (RFC 5280 §4.2.1.9)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False


def may_sign_certificates(certificate: x509.Certificate) -> bool:
    """Whether its key may be used for that, which a certificate without a keyUsage leaves open (RFC 5280 §4.2.1.3)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True
    except UNREADABLE:
        return False


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether its own key has signed it, so that nobody else vouches for it."""
    return is_self_issued(certificate) and _is_signed(certificate, certificate)


def _is_linked(child: x509.Certificate, anchor: x509.Certificate, now: datetime) -> bool:
    if child == anchor:
        return True
    try:
        _verify_link(child, anchor, now)
    except BrokenChainError:
        return False
    return True


def _name(certificate: x509.Certificate) -> str:
    try:
        subject = certificate.subject.rfc4514_string()[:100]
    except UNREADABLE:
        subject = ""
    return f"certificate {subject!r}" if subject else f"certificate with the serial number {serial_number(certificate)}"
