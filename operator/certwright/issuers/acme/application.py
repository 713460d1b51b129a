"""What a Certificate means as an ACME order, and what of it ACME cannot say (RFC 8555 §7.4, RFC 8738).

Everything that is wrong with a Certificate is found here, before the CA is asked and its rate limits are used up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography.x509.oid import NameOID

from certwright.issuers.acme.choosing import ConfiguredSolver, choose, possible_types
from certwright.model.enrolment import EnrolmentRequest
from certwright.model.errors import IssuerError, RejectedError
from certwright.model.names import InvalidNameError, Names, requested_names, requested_subject
from certwright.model.reasons import Reason
from certwright.model.resources import ACMEIssuer, CertificateSpec, RequestValidity
from certwright.protocols.acme import Identifier, IdentifierType

MAX_NAMES = 200  # As many authorizations as fit into the 64 KB that are staged; public CAs allow 100.


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What newOrder is told."""

    identifiers: tuple[Identifier, ...]
    profile: str | None
    not_after: datetime | None


def application_for(request: EnrolmentRequest, spec: ACMEIssuer, *, now: datetime) -> Application:
    """The order for a Certificate at this issuer; `RejectedError` where ACME cannot say what it asks for."""
    wanted = request.spec
    names = _sayable_names(wanted)
    validity = asked_validity(wanted, spec)
    return Application(
        identifiers=(*(Identifier.dns(name) for name in sorted(names.dns)), *map(Identifier.ip, sorted(names.ip))),
        profile=(wanted.acme and wanted.acme.profile) or spec.profile,
        not_after=now + validity if validity is not None else None,
    )


def asked_validity(wanted: CertificateSpec, spec: ACMEIssuer) -> timedelta | None:
    """The lifetime that goes into the order; None where the CA decides, as most of them insist."""
    duration: timedelta | None = wanted.duration
    return duration if spec.request_validity is RequestValidity.ALWAYS else None


def refuse_unprovable(
    identifiers: Sequence[Identifier], solvers: Sequence[ConfiguredSolver], request: EnrolmentRequest
) -> None:
    """Raise where no solver of the issuer can prove one of the names.

    An issuer without any solver is for CAs that ask for no proof: it is found out when the CA does.
    """
    for identifier in identifiers if solvers else ():
        types = possible_types(identifier.value, is_address=identifier.type == IdentifierType.IP)
        if choose(solvers, identifier.value, labels=request.certificate.labels, offered=types) is None:
            raise no_solver(identifier.value, solvers, types)


def no_solver(name: str, solvers: Sequence[ConfiguredSolver], types: frozenset[str]) -> IssuerError:
    """The error for a name that nobody here can prove, with what there is instead."""
    available = "; ".join(configured.describe() for configured in solvers) or "none"
    return IssuerError(
        f"No solver of the issuer can prove {name} by {' or '.join(sorted(types))}: add one whose selector fits, "
        f"or remove the name from the Certificate. Its solvers: {available}.",
        reason=Reason.INVALID_CONFIGURATION,
    )


def _sayable_names(spec: CertificateSpec) -> Names:
    try:
        names = requested_names(spec)
        problem = _unsayable(spec, names)
    except InvalidNameError as error:
        problem = str(error)
    if problem:
        raise RejectedError(f"This Certificate cannot be had over ACME: {problem}.", reason=Reason.INVALID_SPEC)
    return names


def _unsayable(spec: CertificateSpec, names: Names) -> str:
    """What in a spec has no place in an order; empty if everything has."""
    if spec.is_ca:
        return "isCA: ACME issues no CA certificates; remove it"
    if names.uri or names.email or names.other:
        return "uris, emailAddresses and otherNames cannot be proved; keep dnsNames and ipAddresses only"
    if not names.dns and not names.ip:
        return "it has no dnsNames and no ipAddresses; the common name must be one of them"
    if len(names.dns) + len(names.ip) > MAX_NAMES:
        return f"it has more than {MAX_NAMES} names; divide them among several Certificates"
    return _unsayable_subject(spec, names)


def _unsayable_subject(spec: CertificateSpec, names: Names) -> str:
    for attribute in requested_subject(spec):
        if attribute.oid != NameOID.COMMON_NAME:
            return "the subject may hold a common name only, since ACME CAs certify names and nothing else"
        name = str(attribute.value)
        if not name.isascii():
            return f"the common name {name} must be written as the CA sees it, with xn-- labels"
        if name.lower() not in names.dns and _address(name) not in names.ip:
            return f"the common name {name} must be among dnsNames or ipAddresses too; add it there"
    return ""


def _address(text: str) -> str | None:
    """An address as the names have it, in the one form that is its shortest."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None
