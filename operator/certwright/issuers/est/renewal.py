"""Whether a renewal authenticates with the certificate that it replaces (RFC 7030 §3.3.2, §4.2.2).

simplereenroll is for that and for nothing else: the server finds the certificate being renewed in the TLS handshake,
and holds the request's names against it. With the issuer's credential a server would find the issuer there, so that
everything else is a simpleenroll, which every server takes from whoever may enrol.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certwright.issuers.est.authority import Known
from certwright.model.chain import UNREADABLE
from certwright.model.enrolment import CurrentCertificate
from certwright.model.names import Names, names_of, requested_names, requested_subject
from certwright.model.resources import CertificateSpec, ESTIssuer, RenewWith
from certwright.model.verification import is_key_of

CLIENT_PURPOSES = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be the same in the certificate being renewed and in the request."""

    subject: x509.Name
    names: Names

    @classmethod
    def of_spec(cls, spec: CertificateSpec) -> "Wanted":
        """Before there is a request; raises `InvalidNameError`."""
        return cls(requested_subject(spec), requested_names(spec))

    @classmethod
    def of_csr(cls, csr: bytes) -> "Wanted":
        """Of the request that is staged."""
        request = x509.load_der_x509_csr(csr)
        return cls(request.subject, names_of(request.extensions))


@dataclass(frozen=True, slots=True)
class Plan:
    """How a request authenticates; ``current`` is the certificate that it renews itself with, None: the credential.

    ``note`` says why a certificate that is there is not used, where that is anybody's concern.
    """

    current: CurrentCertificate | None = None
    note: str = ""


def plan_for(
    current: CurrentCertificate | None, wanted: Wanted, *, spec: ESTIssuer, known: Known, now: datetime
) -> Plan:
    """Decide by what is there; the same facts give the same plan after a restart."""
    if current is None or spec.renew_with is RenewWith.CREDENTIAL:
        return Plan()
    if not is_key_of(current.leaf, current.key) or not _is_same(current.leaf, wanted):
        return Plan()
    if not known.path(current.leaf, current.chain).is_complete:
        return Plan()
    if not _is_for_clients(current.leaf):
        return Plan()
    end = current.leaf.not_valid_after_utc
    if end <= now:
        expired = f"The certificate that was to be renewed expired at {end:%Y-%m-%dT%H:%M:%SZ}"
        return Plan(note=f"{expired}: the credential is used instead.")
    return Plan(current)


def _is_same(leaf: x509.Certificate, wanted: Wanted) -> bool:
    try:
        return wanted == Wanted(leaf.subject, names_of(leaf.extensions))
    except UNREADABLE:
        return False


def _is_for_clients(leaf: x509.Certificate) -> bool:
    """Whether a server may take it in a handshake: one for servers only is none of those that renew themselves."""
    try:
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return True
    return not CLIENT_PURPOSES.isdisjoint(purposes)
