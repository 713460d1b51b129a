"""The status of a Certificate whose spec a newer CRD allowed and this version cannot read.

``handlers`` write it; nothing else is known of such a Certificate, so nothing else is decided about it.
"""

from datetime import datetime

from certwright.model.metadata import ObjectMetadata
from certwright.model.reasons import Reason
from certwright.model.resources import CertificateStatus, NextAction
from certwright.reconcile.certificate_conditions import ISSUING, READY
from certwright.reconcile.conditions import is_true, with_condition


def unreadable(
    certificate: ObjectMetadata, before: CertificateStatus, fault: str, *, now: datetime
) -> CertificateStatus:
    """What was said of the certificate that is there stands; that no other can be issued is said beside it."""
    conditions = before.conditions
    is_good = is_true(conditions, READY) and (before.not_after is None or now < before.not_after)
    for kind in (ISSUING,) if is_good else (ISSUING, READY):
        conditions = with_condition(
            conditions,
            kind,
            is_met=False,
            reason=Reason.INVALID_SPEC,
            message=fault,
            generation=certificate.generation,
            now=now,
        )
    action = NextAction(what="nothing until spec changes, or certwright is updated")
    return before.model_copy(update={"conditions": conditions, "enrolment": None, "next_action": action})
