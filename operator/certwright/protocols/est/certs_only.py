"""Certificates that a server sends: its CA's, and those that it issues (RFC 7030 §4.1.3, §4.2.3)."""

from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from certwright.protocols import cms
from certwright.protocols.est import payload
from certwright.protocols.est.errors import MalformedAnswer
from certwright.protocols.est.paths import is_self_signed, key_of, spki

Certificates = tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class CACertificates:
    """The answer to /cacerts, in the server's order, which means nothing."""

    certificates: Certificates

    @property
    def roots(self) -> Certificates:
        """The self-signed ones. Whether any of them is to be believed is another question: see ``successors``."""
        return tuple(certificate for certificate in self.certificates if is_self_signed(certificate))

    @property
    def others(self) -> Certificates:
        """Intermediates, and those that link an old and a new root (OldWithNew, NewWithOld)."""
        roots = self.roots
        return tuple(certificate for certificate in self.certificates if certificate not in roots)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A certificate was issued. The RFC wants it alone; some servers add its chain, in any order."""

    certificates: Certificates

    def split(self, public_key: CertificatePublicKeyTypes) -> tuple[x509.Certificate, Certificates]:
        """The certificate of this key, and what came with it; raises MalformedAnswer if none is for the key."""
        wanted = spki(public_key)
        for certificate in self.certificates:
            if key_of(certificate) == wanted:
                return certificate, tuple(other for other in self.certificates if other != certificate)
        raise MalformedAnswer(f"None of {len(self.certificates)} certificates has the key that was sent.")


@dataclass(frozen=True, slots=True)
class Deferred:
    """HTTP status 202: ask again with the same request, not before ``retry_after`` (RFC 7030 §4.2.3)."""

    retry_after: timedelta | None


def parse_certificates(body: bytes) -> Certificates:
    """A certs-only message, at least one certificate in it; raises MalformedAnswer."""
    try:
        # Of armour there may be several blocks, one for each certificate.
        found = cms.certificates(body if payload.is_armoured(body) else payload.decode(body))
    except cms.CMSError as error:
        raise MalformedAnswer(f"No certificates came: {error}") from error
    if not found:
        raise MalformedAnswer("The message holds no certificate.")
    return found
