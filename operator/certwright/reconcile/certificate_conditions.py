"""The two conditions of a Certificate: Ready tells of the certificate that is there, Issuing of the one to come.

`certificate_status` puts them into every status that it builds.
"""

from datetime import datetime

from certwright.model.due import validity
from certwright.model.observed import Certificate, Observed
from certwright.model.policy import READINESS, Finding, first
from certwright.model.reasons import Reason
from certwright.model.resources import Condition
from certwright.reconcile.conditions import with_condition, without
from certwright.reconcile.renewing import other_validity, unreadable_windows

READY = "Ready"
ISSUING = "Issuing"


WELL = Finding(Reason.READY, Reason.READY.sentence)


def ready(certificate: Certificate, start: datetime, end: datetime, now: datetime) -> tuple[Condition, ...]:
    """The certificate, valid from ``start`` to ``end``, is good, and no other is wanted."""
    return _at_rest(_ready(certificate, _well(certificate, start, end), now, is_met=True), certificate, now)


def settled_conditions(observed: Observed) -> tuple[Condition, ...]:
    """Ready, unless time has run out for a certificate that nothing renews; either way no other is on its way."""
    conditions = _judged(observed, first(READINESS, observed))
    return _at_rest(conditions, observed.certificate, observed.now)


def readiness(observed: Observed, why: Finding) -> tuple[Condition, ...]:
    """Ready as the certificate that is there deserves it; where it is not good, ``why`` says what stands in the way."""
    fault = first(READINESS, observed)
    if fault is None or fault.reason is not Reason.EXPIRED or fault == why:
        return _judged(observed, why if fault is not None else None)
    # Workloads are failing now: that must be read first, and then why no other certificate has come.
    return _judged(observed, Finding(fault.reason, f"{fault.message}; {why.message}"))


def _judged(observed: Observed, fault: Finding | None) -> tuple[Condition, ...]:
    told = fault or _well(observed.certificate, *validity(observed))
    return _ready(observed.certificate, told, observed.now, is_met=fault is None)


def _well(certificate: Certificate, start: datetime | None, end: datetime | None) -> Finding:
    other = other_validity(certificate.spec, start, end)
    return Finding(WELL.reason, f"{WELL.message.rstrip('.')}; {other}") if other is not None else WELL


def _at_rest(conditions: tuple[Condition, ...], certificate: Certificate, now: datetime) -> tuple[Condition, ...]:
    """Nothing is under way; where the windows cannot be read, Issuing says so."""
    fault = unreadable_windows(certificate.spec)
    if fault is None:
        return without(conditions, ISSUING)
    return issuing(conditions, certificate, is_met=False, why=fault, now=now)


def _ready(certificate: Certificate, told: Finding, now: datetime, *, is_met: bool) -> tuple[Condition, ...]:
    return with_condition(
        certificate.status.conditions,
        READY,
        is_met=is_met,
        reason=told.reason,
        message=told.message,
        generation=certificate.metadata.generation,
        now=now,
    )


def issuing(
    conditions: tuple[Condition, ...], certificate: Certificate, *, is_met: bool, why: Finding, now: datetime
) -> tuple[Condition, ...]:
    """Whether a certificate is being issued; False says what stands in the way."""
    return with_condition(
        conditions,
        ISSUING,
        is_met=is_met,
        reason=why.reason,
        message=why.message,
        generation=certificate.metadata.generation,
        now=now,
    )
