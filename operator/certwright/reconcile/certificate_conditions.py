"""The two conditions of a Certificate: Ready tells of the certificate that is there, Issuing of the one to come.

`certificate_status` puts them into every status that it builds.
"""

from datetime import datetime

from certwright.model.observed import Certificate, Observed
from certwright.model.policy import READINESS, Finding, first
from certwright.model.reasons import Reason
from certwright.model.resources import Condition
from certwright.reconcile.conditions import with_condition, without

READY = "Ready"
ISSUING = "Issuing"


WELL = Finding(Reason.READY, Reason.READY.sentence)


def ready(certificate: Certificate, now: datetime) -> tuple[Condition, ...]:
    """The certificate is good, and no other is wanted."""
    return without(_ready(certificate, None, now), ISSUING)


def settled_conditions(observed: Observed) -> tuple[Condition, ...]:
    """Ready, unless time has run out for a certificate that nothing renews; either way no other is on its way."""
    return without(_ready(observed.certificate, first(READINESS, observed), observed.now), ISSUING)


def readiness(observed: Observed, why: Finding) -> tuple[Condition, ...]:
    """Ready as the certificate that is there deserves it; where it is not good, ``why`` says what stands in the way."""
    fault = first(READINESS, observed)
    return _ready(observed.certificate, why if fault is not None else None, observed.now)


def _ready(certificate: Certificate, fault: Finding | None, now: datetime) -> tuple[Condition, ...]:
    told = fault or WELL
    return with_condition(
        certificate.status.conditions,
        READY,
        is_met=fault is None,
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
