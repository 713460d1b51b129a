"""Whom a signature is believed from: a path from the signer to a configured anchor, at the time of the check.

``cryptography`` verifies paths for TLS, with the rules of the web. A signer of CMP messages is often the CA itself, has
no alternative name, and signs with what the web refuses; so each link is verified for what it is (RFC 5280 §6.1).
Policies and name constraints are not evaluated: a certificate that makes them critical is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from certwright.protocols.cmp.certificates import is_in, is_signed_by
from certwright.protocols.cmp.errors import UntrustedSigner

CLOCK_SKEW = timedelta(minutes=10)  # How far the CA's clock may run ahead.
MAX_PATH = 10  # Certificates.
MAX_TRIES = 64  # Signatures verified for one path: a pool of a hundred cross-signs must not become a million.
UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)


@dataclass(frozen=True, slots=True)
class Trust:
    """Anchors for signed answers; a certificate of the CA's chain is as good as its root. Without any, only MACs hold.

    ``sender`` is whom answers must come from, where that is known more exactly.
    """

    anchors: tuple[x509.Certificate, ...] = ()
    sender: x509.Name | None = None

    def require_path(self, signer: x509.Certificate, pool: Sequence[x509.Certificate], *, now: datetime) -> None:
        """Raise UntrustedSigner unless the signer is an anchor, or certificates of the pool lead from it to one."""
        if not self.anchors:
            raise UntrustedSigner("the answer is signed, and no trust anchor is configured for signed answers")
        _require_usable(signer, now)
        if not _Search(self.anchors, pool, now).leads_from(signer, ()):
            raise UntrustedSigner(f"{shown_name(signer)} signed the answer, and leads to no configured trust anchor")


def require_signing_key_usage(signer: x509.Certificate) -> None:
    """Raise UntrustedSigner where keyUsage is there and lacks digitalSignature (RFC 9483 §3.2)."""
    usage = _key_usage(signer)
    if usage is not None and not usage.digital_signature:
        raise UntrustedSigner(f"{shown_name(signer)} signed the answer without the key usage digitalSignature")


def shown_name(certificate: x509.Certificate) -> str:
    """The certificate for people."""
    return f"certificate {certificate.subject.rfc4514_string()[:200]!r}"


@dataclass(slots=True)
class _Search:
    """Depth first, with a bound on the signatures verified altogether."""

    anchors: Sequence[x509.Certificate]
    pool: Sequence[x509.Certificate]
    now: datetime
    tries: int = field(default=0)

    def leads_from(self, certificate: x509.Certificate, below: tuple[x509.Certificate, ...]) -> bool:
        if is_in(certificate, self.anchors):
            return True
        path = (*below, certificate)
        return len(path) < MAX_PATH and any(
            is_in(issuer, self.anchors) or self.leads_from(issuer, path) for issuer in self._issuers(certificate, path)
        )

    def _issuers(self, child: x509.Certificate, path: tuple[x509.Certificate, ...]) -> Iterator[x509.Certificate]:
        for candidate in (*self.anchors, *self.pool):
            if candidate.subject != child.issuer or is_in(candidate, path):
                continue
            self.tries += 1
            if self.tries > MAX_TRIES:
                return
            if may_issue(candidate, intermediates=_intermediates(path), now=self.now) and is_signed_by(
                child, candidate
            ):
                yield candidate


def _intermediates(path: Sequence[x509.Certificate]) -> int:
    """CA certificates below the next one that count for its path length: those that are not self-issued."""
    return sum(1 for certificate in path[1:] if certificate.subject != certificate.issuer)


def may_issue(candidate: x509.Certificate, *, intermediates: int, now: datetime) -> bool:
    """Whether this is a CA certificate, valid now, that may have so many more below it (RFC 5280 §6.1.4)."""
    try:
        constraints = candidate.extensions.get_extension_for_class(x509.BasicConstraints).value
        _require_usable(candidate, now)
    except (x509.ExtensionNotFound, UntrustedSigner):
        return False
    usage = _key_usage(candidate)
    return (
        constraints.ca
        and (usage is None or usage.key_cert_sign)
        and (constraints.path_length is None or constraints.path_length >= intermediates)
    )


def _require_usable(certificate: x509.Certificate, now: datetime) -> None:
    name = shown_name(certificate)
    if now > certificate.not_valid_after_utc:
        raise UntrustedSigner(f"{name} expired at {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}")
    if now + CLOCK_SKEW < certificate.not_valid_before_utc:
        raise UntrustedSigner(f"{name} is not valid before {certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}")
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in UNDERSTOOD:
            raise UntrustedSigner(f"{name} has the critical extension {extension.oid.dotted_string}, not understood")


def _key_usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
