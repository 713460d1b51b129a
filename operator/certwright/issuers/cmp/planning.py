"""Which operation asks for a certificate, and who protects it: decided once, before anything is staged.

A renewal is asked for by the certificate being renewed, as long as that can sign and its CA can be heard: answers to
signed requests are signed, so that without a trust anchor nobody could tell what came of it. Everything else is a first
enrolment: with the Certificate's own secret, else with the issuer's credential. Where a key was lost that the CA may
have kept, it is asked for that first.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509

from certwright.issuers.cmp.issued import path_of
from certwright.issuers.cmp.record import Origin
from certwright.issuers.cmp.recovering import is_wanted
from certwright.model.chain import UNREADABLE
from certwright.model.enrolment import CurrentCertificate, EnrolmentRequest
from certwright.model.errors import EnrolmentError, IssuerError
from certwright.model.names import InvalidNameError
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateSpec, CMPIssuer, InitialOperation, RenewalOperation
from certwright.model.usages import may_receive_keys
from certwright.model.verification import differences, is_key_of
from certwright.protocols.cmp import Operation
from certwright.protocols.cmp.transaction import CMP2000, CMP2021


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``current`` is the certificate being renewed where it signs."""

    operation: Operation
    origin: Origin
    current: CurrentCertificate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the decision depends on, beside the request.

    ``origin`` is whose credential a first enrolment has, None where there is none; ``obstacle`` then says why the
    Certificate's own does not serve. ``published`` is what the CA calls its own, ``refused`` the serial numbers of
    certificates with which it took no renewal.
    """

    spec: CMPIssuer
    origin: Origin | None
    obstacle: EnrolmentError | None
    anchors: Collection[x509.Certificate]
    published: Collection[x509.Certificate]
    refused: Collection[object]
    now: datetime


def plan(request: EnrolmentRequest, given: Circumstances) -> Plan:
    """Decide; raises `IssuerError`, or what stands in the way of the Certificate's own secret."""
    renewal = given.spec.renewal_operation or RenewalOperation.KUR
    current = request.current
    if current is None:
        first = _first(given)
        return replace(first, operation=Operation.KRR) if is_wanted(request) else first
    if renewal is RenewalOperation.IR:
        return replace(_first(given), operation=Operation.IR)
    if not can_sign(current, given):
        return _first(given)
    if not given.anchors:
        if given.spec.renewal_operation is None and given.origin is not None:
            return _first(given)
        raise IssuerError(
            "Renewals are signed with the certificate being renewed, and the answers to them by the CA: set cmp.trust"
            " to the CA's root, or cmp.renewalOperation to ir.",
            reason=Reason.INVALID_CONFIGURATION,
        )
    is_same = _is_same(request, current)
    is_refused = current.leaf.serial_number in given.refused
    is_deaf = _is_central(request.spec) and not may_receive_keys(current.leaf)
    if given.origin is not None and (is_refused or is_deaf or not is_same):
        return _first(given)
    # Another content is no update of this certificate; but who holds it may ask for another one.
    operation = Operation(str(renewal)) if is_same else Operation.CR
    return Plan(operation=operation, origin=Origin.CURRENT, current=current)


def _first(given: Circumstances) -> Plan:
    if given.origin is None:
        raise given.obstacle or IssuerError(
            "There is no credential for a first enrolment: set cmp.protection of the issuer, or cmp.mac of the"
            " Certificate.",
            reason=Reason.INVALID_CREDENTIALS,
        )
    return Plan(operation=initial_operation(given.spec), origin=given.origin)


def initial_operation(spec: CMPIssuer) -> Operation:
    """What asks for a first certificate."""
    return Operation(str(spec.initial_operation or InitialOperation.IR))


def version_for(spec: CertificateSpec, operation: Operation) -> int:
    """The version of CMP: a later one is needed where a private key is to come back (RFC 9810 §7)."""
    return CMP2021 if _is_central(spec) or operation is Operation.KRR else CMP2000


def _is_central(spec: CertificateSpec) -> bool:
    return spec.cmp is not None and spec.cmp.central_key_generation


def can_sign(current: CurrentCertificate, given: Circumstances) -> bool:
    """Whether this CA may take the certificate for a signer: good, its own as far as is known, and for signatures."""
    leaf = current.leaf
    return (
        leaf.not_valid_before_utc <= given.now < leaf.not_valid_after_utc
        and is_key_of(leaf, current.key)
        and _is_for_signatures(leaf)
        and _is_from(current, given)
    )


def _is_for_signatures(leaf: x509.Certificate) -> bool:
    try:
        return leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True
    except UNREADABLE:
        return False


def _is_from(current: CurrentCertificate, given: Circumstances) -> bool:
    """Another CA's certificate is no good here; where nobody knows what this one's are, it is asked."""
    if not given.published:
        return True
    known = (*given.published, *given.anchors)
    return any(one in known for one in path_of(current.leaf, (*current.chain, *known)).full[1:])


def _is_same(request: EnrolmentRequest, current: CurrentCertificate) -> bool:
    try:
        return not differences(request.spec, current.leaf)
    except (InvalidNameError, ValueError):
        return False
