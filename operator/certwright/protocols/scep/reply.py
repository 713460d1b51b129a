"""What an answer means for whoever asked: the certificate, patience, or a CRL (RFC 8894 §3.3.2.1, §3.4)."""

from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509

from certwright.protocols.cms import MalformedCMS, certificates
from certwright.protocols.scep.authority import Authority
from certwright.protocols.scep.certificates import chain_above, readable, spki
from certwright.protocols.scep.certrep import CertRep, parse_signed
from certwright.protocols.scep.errors import AnotherKey, MalformedAnswer
from certwright.protocols.scep.vocabulary import PKIStatus

MAX_CERTIFICATES = 30


@dataclass(frozen=True, slots=True)
class Success:
    """The certificate, and the issuers that are known, its own first; a root is among them if the server sent it."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingReply:
    """Somebody has to approve. ``retry_after`` is the HTTP server's wish, where it has one."""

    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """SUCCESS without a certificate: what some CAs answer while they wait for approval. To be polled like PENDING."""

    retry_after: timedelta | None = None


Reply = Success | PendingReply | Unfinished


def enrolment_reply(
    answer: CertRep, csr: x509.CertificateSigningRequest, *, authority: Authority, retry_after: timedelta | None
) -> Reply:
    """The reply to PKCSReq, RenewalReq and CertPoll about this CSR."""
    if answer.status is PKIStatus.PENDING:
        return PendingReply(retry_after)
    if answer.message_data is None:
        return Unfinished(retry_after)
    return _issued(_certificates(answer.message_data), csr, authority)


def certificate_of(answer: CertRep, *, serial: int, issuer: x509.Name) -> x509.Certificate:
    """The reply to GetCert."""
    for certificate in _certificates(_granted(answer)):
        if (certificate.serial_number, certificate.issuer) == (serial, issuer):
            return certificate
    raise MalformedAnswer("The answer does not hold the certificate that was asked for.")


def crl_of(answer: CertRep, *, issuer: x509.Name) -> x509.CertificateRevocationList:
    """The reply to GetCRL: a CRL of this issuer; its signature is not verified here."""
    for raw in parse_signed(_granted(answer)).crls:
        try:
            crl = x509.load_der_x509_crl(raw)
            if crl.issuer == issuer:
                return crl
        except (ValueError, TypeError) as error:
            raise MalformedAnswer("The answer holds a CRL that cannot be read.") from error
    raise MalformedAnswer("The answer does not hold a CRL of the certificate's issuer.")


def _granted(answer: CertRep) -> bytes:
    if answer.status is not PKIStatus.SUCCESS or answer.message_data is None:
        raise MalformedAnswer("The answer neither grants nor refuses what was asked for.")
    return answer.message_data


def _issued(found: tuple[x509.Certificate, ...], csr: x509.CertificateSigningRequest, authority: Authority) -> Success:
    """Servers send the chain in any order, and some the old certificate of a key that is kept."""
    key = spki(csr)
    ours = [certificate for certificate in found if spki(certificate) == key]
    if not ours:
        raise AnotherKey("The answer holds no certificate for the key of the request.")
    certificate = max(ours, key=lambda mine: mine.not_valid_before_utc)
    others = (*(other for other in found if other not in ours), *authority.certificates)
    return Success(certificate, chain_above(certificate, tuple(dict.fromkeys(others))))


def _certificates(message_data: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return readable(certificates(message_data))[:MAX_CERTIFICATES]
    except MalformedCMS as error:
        raise MalformedAnswer(f"The answer's certificates cannot be read. {error}") from error
